/* An attribute's regex: Java's syntax, matched with PCRE2 against the whole value. A build without PCRE2 has none.
 * A pe_regex belongs to one thread. */
#ifndef PE_REGEX_H
#define PE_REGEX_H

#include <stdbool.h>
#include <stddef.h>

typedef struct pe_regex pe_regex;

/* Whether this build has PCRE2. */
bool pe_regex_available(void);

/* Compiles a pattern. Returns it, for the caller to free; or NULL with *why: static text, or the text of PCRE2 in
 * `text`; or NULL with *why NULL when out of memory. A pattern that means something else to PCRE2 than to Java is not
 * compiled. */
pe_regex *pe_regex_new(const char *pattern, size_t size, char text[120], const char **why);

/* NULL is legal. */
void pe_regex_free(pe_regex *regex);

/* Whether the whole value, which is UTF-8, matches. True as well when the match was given up, or when Java might judge
 * otherwise: no pattern may stall the caller, and what cannot be judged is not refused. */
bool pe_regex_matches(pe_regex *regex, const char *value, size_t size);

#endif
