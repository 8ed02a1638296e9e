#include "event/regex.h"

#include <stdlib.h>

#include "event/java_pattern.h"

#ifdef PE_HAVE_PCRE2

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* PCRE2 counts its steps, and one of them may read the whole value: the longer the value, the fewer steps. */
enum {
  MATCH_LIMIT = 20000 /* steps: about a millisecond */,
  READ_LIMIT = 20000000 /* bytes */,
  HEAP_LIMIT = 1024 /* KiB */
};

struct pe_regex {
  pcre2_code *code;
  pcre2_match_data *data;
  pcre2_match_context *context;
  pe_java_pattern java;
};

bool pe_regex_available(void) {
  return true;
}

/* Returns NULL with *why as pe_regex_new does. */
static pcre2_code *compile(const char *pattern, size_t size, char text[120], const char **why) {
  const uint32_t options = PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_BACKSLASH_C;
  pcre2_compile_context *context = pcre2_compile_context_create(NULL);
  pcre2_code *code = NULL;
  PCRE2_SIZE offset = 0;
  int error = PCRE2_ERROR_HEAP_FAILED;

  if (context) {
    (void)pcre2_set_newline(context, PCRE2_NEWLINE_ANYCRLF); /* never this library's default: it is a build's choice */
    code = pcre2_compile((PCRE2_SPTR)pattern, size, options, &error, &offset, context);
  }
  if (!code && error != PCRE2_ERROR_HEAP_FAILED) {
    (void)pcre2_get_error_message(error, (PCRE2_UCHAR *)text, 120); /* cut short where it does not fit */
    *why = text;
  }
  pcre2_compile_context_free(context);
  return code;
}

pe_regex *pe_regex_new(const char *pattern, size_t size, char text[120], const char **why) {
  pe_java_pattern java;
  pe_regex *regex = NULL;

  *why = pe_java_pattern_check(pattern, size, &java);
  if (*why) return NULL;
  regex = calloc(1, sizeof *regex);
  if (!regex) return NULL;
  regex->java = java;
  regex->code = compile(pattern, size, text, why);
  if (!regex->code) goto failed;
  regex->data = pcre2_match_data_create(1, NULL);
  regex->context = pcre2_match_context_create(NULL);
  if (!regex->data || !regex->context) goto failed;
  (void)pcre2_set_heap_limit(regex->context, HEAP_LIMIT);
  return regex;
failed:
  pe_regex_free(regex);
  return NULL;
}

void pe_regex_free(pe_regex *regex) {
  if (!regex) return;
  pcre2_match_context_free(regex->context);
  pcre2_match_data_free(regex->data);
  pcre2_code_free(regex->code);
  free(regex);
}

/* Whether the value has what the pattern asks for and Java sees in another way. */
static bool is_doubtful(const pe_java_pattern *java, const unsigned char *value, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (java->asks_case && value[i] >= 0x80) return true;
    if (!java->ends_lines) continue;
    if (value[i] == 0xc2 && i + 1 < size && value[i + 1] == 0x85) return true; /* U+0085 */
    if (value[i] == 0xe2 && i + 2 < size && value[i + 1] == 0x80 && (value[i + 2] | 1) == 0xa9)
      return true; /* U+2028, U+2029 */
  }
  return false;
}

bool pe_regex_matches(pe_regex *regex, const char *value, size_t size) {
  size_t steps = READ_LIMIT / (size + 1);

  (void)pcre2_set_match_limit(regex->context, (uint32_t)(steps < MATCH_LIMIT ? steps + 1 : MATCH_LIMIT));
  return pcre2_match(regex->code, (PCRE2_SPTR)value, size, 0, PCRE2_NO_UTF_CHECK, regex->data, regex->context) !=
             PCRE2_ERROR_NOMATCH ||
         is_doubtful(&regex->java, (const unsigned char *)value, size);
}

#else

struct pe_regex {
  char unused;
};

bool pe_regex_available(void) {
  return false;
}

pe_regex *pe_regex_new(const char *pattern, size_t size, char text[120], const char **why) {
  pe_java_pattern java;
  (void)text;
  *why = pe_java_pattern_check(pattern, size, &java);
  if (!*why) *why = "this build has no PCRE2";
  return NULL;
}

void pe_regex_free(pe_regex *regex) {
  free(regex);
}

bool pe_regex_matches(pe_regex *regex, const char *value, size_t size) {
  (void)regex, (void)value, (void)size;
  return true;
}

#endif
