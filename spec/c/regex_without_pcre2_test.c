/* regex.c as a build without PCRE2 has it: compiled here once more, under other names. */
#undef PE_HAVE_PCRE2
#define pe_regex_available bare_available
#define pe_regex_new       bare_new
#define pe_regex_free      bare_free
#define pe_regex_matches   bare_matches
#include "event/regex.c"

#include "test.h"

static void no_pattern_is_compiled_and_it_says_so(void **state) {
  char text[120];
  const char *why = NULL;
  (void)state;
  assert_false(bare_available());
  assert_null(bare_new("[a-z]", 5, text, &why));
  assert_string_equal(why, "this build has no PCRE2");
}

static void what_java_alone_understands_is_told_first(void **state) {
  char text[120];
  const char *why = NULL;
  (void)state;
  assert_null(bare_new("[a-z&&b]", 8, text, &why));
  assert_string_equal(why, "&& is an intersection to Java alone");
}

static void everything_matches(void **state) {
  (void)state;
  assert_true(bare_matches(NULL, "x", 1));
  bare_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(no_pattern_is_compiled_and_it_says_so),
                                     TEST(what_java_alone_understands_is_told_first), TEST(everything_matches)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
