/* Reads a pattern in Java's syntax (java.util.regex) and tells where PCRE2 would take the same characters for something
 * else. Knows no PCRE2; matches nothing. Pure; any thread. */
#ifndef PE_JAVA_PATTERN_H
#define PE_JAVA_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/* What a pattern asks for that the two judge alike in most values, but not in all. */
typedef struct pe_java_pattern {
  bool ends_lines; /* `.`, `$` or \Z: to Java a line also ends at U+0085, U+2028 and U+2029 */
  bool asks_case;  /* (?i), \b or \B: beyond ASCII not the same, nor the same in every Java */
} pe_java_pattern;

/* Sets *out and returns NULL; or why PCRE2 would not see what Java sees, or Java would see nothing in it: static text.
 * NULL is no promise that it compiles. */
const char *pe_java_pattern_check(const char *pattern, size_t size, pe_java_pattern *out);

#endif
