/* Out of memory at every allocation that building definitions takes, in turn: it is told, nothing leaks, and no pattern
 * is lost on the way. */
#include <string.h>

#include "event/definition.h"
#include "failing_malloc.h"
#include "test.h"

enum { ATTRIBUTES = 20 /* the array of them grows */ };

static pe_text text(const char *string) {
  return (pe_text){string, strlen(string)};
}

static bool add_attribute(pe_definition *event, int i) {
  pe_text values[] = {text("1"), text("2"), text("15")};
  char name[2] = {(char)('a' + i), '\0'}, why_text[120];
  const char *why = NULL;
  pe_attribute attribute = {.name = text(name), .type = i == 1 ? PE_TYPE_ENUM : PE_TYPE_TEXT};

  if (i == 1) attribute.values = values, attribute.value_count = 3;
  if (i < 3) {
    attribute.regex = pe_regex_new("[A-Z]{4}[0-9]{2}", 16, why_text, &why);
    if (!attribute.regex && pe_regex_available()) {
      assert_null(why); /* out of memory, and not the fault of the pattern */
      return false;
    }
  }
  return pe_definition_add(event, &attribute) == PE_OK;
}

/* Returns false when out of memory; `definitions` is to be freed in any case. */
static bool build(pe_definitions **definitions) {
  *definitions = pe_definitions_new();
  for (int i = 0; *definitions && i < 10; i++) {
    pe_definition *event = pe_definitions_add(*definitions, text("be_reserved"), true);
    if (!event) return false;
    for (int k = 0; i == 0 && k < ATTRIBUTES; k++)
      if (!add_attribute(event, k)) return false;
  }
  return *definitions && pe_definitions_finish(*definitions) == PE_OK;
}

/* Builds with the nth allocation failing; returns whether one failed. */
static bool attempt(long n) {
  pe_definitions *definitions;
  long before = failing_malloc_live();
  bool built, failed;

  failing_malloc_at(n);
  built = build(&definitions);
  failed = failing_malloc_end();
  assert_int_equal(built, !failed);
  pe_definitions_free(definitions);
  assert_int_equal(failing_malloc_live(), before);
  return failed;
}

static void every_allocation_of_building_may_fail(void **state) {
  long n = 1;
  (void)state;
  (void)attempt(0); /* what a library allocates once and keeps */
  while (attempt(n))
    n++;
  assert_true(n > 50);
}

static void a_match_without_memory_is_given_up(void **state) {
  char why_text[120], value[4000];
  const char *why = NULL;
  pe_regex *regex;
  (void)state;
  if (!pe_regex_available()) skip();
  regex = pe_regex_new("(?:(a)|(b))*c", 13, why_text, &why);
  assert_non_null(regex);
  memset(value, 'a', sizeof value);
  for (long n = 1; n < 10; n++) {
    bool matched;
    failing_malloc_at(n);
    matched = pe_regex_matches(regex, value, sizeof value);
    assert_int_equal(matched, failing_malloc_end());
  }
  assert_false(pe_regex_matches(regex, value, sizeof value));
  pe_regex_free(regex);
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(every_allocation_of_building_may_fail),
                                     TEST(a_match_without_memory_is_given_up)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
