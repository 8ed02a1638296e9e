/* Definitions: what is added is found, and no more; the first of two of a name counts; names that were probably meant.
 */
#include "event/definition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

static pe_definitions *definitions;

static int setup(void **state) {
  (void)state;
  definitions = pe_definitions_new();
  return definitions ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  pe_definitions_free(definitions);
  return 0;
}

static pe_text text(const char *string) {
  return (pe_text){string, strlen(string)};
}

static pe_definition *add_event(const char *name) {
  pe_definition *event = pe_definitions_add(definitions, text(name), true);
  assert_non_null(event);
  return event;
}

static void add_attribute(pe_definition *event, const char *name, pe_type type) {
  const pe_attribute attribute = {.name = text(name), .type = type, .required = true};
  assert_int_equal(pe_definition_add(event, &attribute), PE_OK);
}

static void finish(void) {
  assert_int_equal(pe_definitions_finish(definitions), PE_OK);
}

static const pe_definition *find_event(const char *name) {
  return pe_definitions_find(definitions, name, strlen(name));
}

static const pe_attribute *find_attribute(const pe_definition *event, const char *name) {
  size_t place = SIZE_MAX;
  const pe_attribute *found = pe_definition_find(event, name, strlen(name), &place);
  if (found) assert_ptr_equal(found, pe_definition_attribute(event, place));
  return found;
}

/* ---- building ---- */

static void nothing_is_found_where_nothing_was_added(void **state) {
  (void)state;
  finish();
  assert_null(find_event("be_reserved"));
  assert_null(find_event(""));
  assert_null(pe_definitions_nearest(definitions, "be_reserved", 11));
}

static void an_event_may_have_no_attributes(void **state) {
  const pe_definition *event;
  (void)state;
  event = add_event("e");
  finish();
  assert_int_equal(pe_definition_count(event), 0);
  assert_null(find_attribute(event, "age"));
}

static void an_attribute_is_kept_as_it_was_given(void **state) {
  pe_text values[] = {text("1"), text(""), text("15")};
  const pe_attribute given = {.name = text("room_nights"),
                              .type = PE_TYPE_ENUM,
                              .required = true,
                              .sensitive = true,
                              .values = values,
                              .value_count = 3};
  const pe_attribute *kept;
  pe_definition *event;
  (void)state;
  event = pe_definitions_add(definitions, text("be_reserved"), false);
  assert_non_null(event);
  assert_int_equal(pe_definition_add(event, &given), PE_OK);
  finish();
  assert_false(pe_definition_published(event));
  assert_memory_equal(pe_definition_name(event)->bytes, "be_reserved", 11);
  kept = find_attribute(event, "room_nights");
  assert_non_null(kept);
  assert_ptr_not_equal(kept->name.bytes, given.name.bytes);
  assert_int_equal(kept->type, PE_TYPE_ENUM);
  assert_true(kept->required && kept->sensitive);
  assert_null(kept->regex);
  assert_int_equal(kept->value_count, 3);
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(kept->values[i].size, values[i].size);
    assert_memory_equal(kept->values[i].bytes, values[i].bytes, values[i].size);
  }
}

static void the_first_of_two_of_a_name_counts(void **state) {
  pe_definition *first, *second;
  (void)state;
  first = add_event("e");
  second = add_event("e");
  add_attribute(first, "a", PE_TYPE_DOUBLE);
  add_attribute(first, "a", PE_TYPE_DATE);
  add_attribute(second, "b", PE_TYPE_TEXT);
  finish();
  assert_ptr_equal(find_event("e"), first);
  assert_int_equal(pe_definition_count(first), 2);
  assert_int_equal(find_attribute(first, "a")->type, PE_TYPE_DOUBLE);
  assert_null(find_attribute(first, "b"));
  assert_non_null(find_attribute(second, "b"));
}

static void the_second_of_a_name_requires_nothing(void **state) {
  const pe_attribute optional = {.name = text("b")};
  pe_definition *event;
  pe_seen seen = {{0}};
  (void)state;
  event = add_event("e");
  add_attribute(event, "a", PE_TYPE_TEXT);
  add_attribute(event, "a", PE_TYPE_TEXT);
  assert_int_equal(pe_definition_add(event, &optional), PE_OK);
  add_attribute(event, "b", PE_TYPE_TEXT);
  finish();
  assert_false(pe_definition_is_complete(event, &seen));
  pe_seen_add(&seen, 0);
  assert_true(pe_definition_is_complete(event, &seen));
  assert_true(pe_definition_attribute(event, 0)->required);
  for (size_t i = 1; i < 4; i++)
    assert_false(pe_definition_attribute(event, i)->required);
}

static void names_are_bytes(void **state) {
  pe_definition *event;
  size_t place;
  (void)state;
  event = pe_definitions_add(definitions, (pe_text){"a\0b", 3}, true);
  assert_non_null(event);
  add_attribute(event, "होटल", PE_TYPE_TEXT);
  add_attribute(event, "", PE_TYPE_TEXT);
  finish();
  assert_ptr_equal(pe_definitions_find(definitions, "a\0b", 3), event);
  assert_null(pe_definitions_find(definitions, "a\0c", 3));
  assert_null(find_event("a"));
  assert_null(find_event("A\0B"));
  assert_non_null(find_attribute(event, "होटल"));
  assert_non_null(find_attribute(event, ""));
  assert_null(pe_definition_find(event, "होटल", 3, &place));
}

static void a_name_is_kept_as_json_too(void **state) {
  static const struct {
    const char *name, *json;
  } cases[] = {
      {"age", "\"age\":"}, {"a\"b\\c\n", "\"a\\\"b\\\\c\\n\":"}, {"होटल", "\"होटल\":"}, {"", "\"\":"}, {"\xff", ""}};
  pe_definition *event;
  (void)state;
  event = add_event("e");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const pe_text *json;
    add_attribute(event, cases[i].name, PE_TYPE_TEXT);
    json = &pe_definition_attribute(event, i)->json;
    assert_int_equal(json->size, strlen(cases[i].json));
    if (json->size > 0) assert_memory_equal(json->bytes, cases[i].json, json->size);
  }
}

static void is_complete_with_all_that_is_required(void **state) {
  pe_attribute optional = {.name = text("optional")};
  pe_definition *event;
  pe_seen seen = {{0}};
  char name[32];
  (void)state;
  event = add_event("e");
  for (int i = 0; i < 200; i++) {
    (void)snprintf(name, sizeof name, "a%d", i);
    add_attribute(event, name, PE_TYPE_TEXT);
  }
  assert_int_equal(pe_definition_add(event, &optional), PE_OK);
  finish();
  for (size_t i = 0; i < 200; i++) {
    assert_false(pe_seen_has(&seen, i) || pe_definition_is_complete(event, &seen));
    pe_seen_add(&seen, i);
    assert_true(pe_seen_has(&seen, i));
  }
  assert_true(pe_definition_is_complete(event, &seen));
  assert_false(pe_seen_has(&seen, 200));
}

static void a_thousand_events_with_twenty_attributes_are_found(void **state) {
  char name[32];
  (void)state;
  for (int i = 0; i < 1000; i++) {
    pe_definition *event;
    (void)snprintf(name, sizeof name, "event_%d", i);
    event = add_event(name);
    for (int k = 0; k < 20; k++) {
      (void)snprintf(name, sizeof name, "attribute_%d_%d", i, k);
      add_attribute(event, name, PE_TYPE_TEXT);
    }
  }
  finish();
  for (int i = 0; i < 1000; i++) {
    const pe_definition *event;
    (void)snprintf(name, sizeof name, "event_%d", i);
    event = find_event(name);
    assert_non_null(event);
    for (int k = 0; k < 20; k++) {
      (void)snprintf(name, sizeof name, "attribute_%d_%d", i, k);
      assert_non_null(find_attribute(event, name));
      (void)snprintf(name, sizeof name, "attribute_%d_%d", i + 1, k);
      assert_null(find_attribute(event, name));
    }
  }
  assert_null(find_event("event_1000"));
}

static void an_attribute_too_many_is_refused(void **state) {
  char name[32], why_text[120];
  const char *why = NULL;
  pe_attribute more = {.name = text("more")};
  pe_definition *event;
  (void)state;
  event = add_event("e");
  for (int i = 0; i < PE_MAX_ATTRIBUTES; i++) {
    (void)snprintf(name, sizeof name, "a%d", i);
    add_attribute(event, name, PE_TYPE_TEXT);
  }
  more.regex = pe_regex_new("[a-z]", 5, why_text, &why); /* is taken over all the same: nothing leaks */
  assert_int_equal(pe_definition_add(event, &more), PE_TOO_LARGE);
  finish();
  assert_int_equal(pe_definition_count(event), PE_MAX_ATTRIBUTES);
  assert_null(find_attribute(event, "more"));
  assert_non_null(find_attribute(event, "a255"));
}

static void freeing_nothing_is_legal(void **state) {
  (void)state;
  pe_definitions_free(NULL);
}

static void what_is_not_finished_is_freed_too(void **state) {
  (void)state;
  add_attribute(add_event("e"), "a", PE_TYPE_TEXT);
}

/* ---- what every event may have ---- */

static void knows_the_standard_attributes(void **state) {
  static const struct {
    const char *name;
    pe_type type;
  } standard[] = {{"event_name", PE_TYPE_TEXT},
                  {"eventDateTime", PE_TYPE_DATE},
                  {"storeUnitID", PE_TYPE_TEXT},
                  {"orgResolver", PE_TYPE_OBJECT}};
  (void)state;
  for (size_t i = 0; i < sizeof standard / sizeof *standard; i++) {
    const pe_attribute *attribute = pe_definition_standard(standard[i].name, strlen(standard[i].name));
    assert_non_null(attribute);
    assert_int_equal(attribute->type, standard[i].type);
    assert_false(attribute->required || attribute->sensitive);
  }
  assert_null(pe_definition_standard("eventdatetime", 13));
  assert_null(pe_definition_standard("event_nam", 9));
  assert_null(pe_definition_standard("", 0));
}

/* ---- "did you mean" ---- */

static void assert_nearest(const pe_text *nearest, const char *expected, const char *name) {
  if (!expected) {
    if (nearest) fail_msg("%s: expected nothing, got %.*s", name, (int)nearest->size, nearest->bytes);
  } else if (!nearest || nearest->size != strlen(expected) || memcmp(nearest->bytes, expected, nearest->size) != 0) {
    fail_msg("%s: expected %s, got %.*s", name, expected, nearest ? (int)nearest->size : 0,
             nearest ? nearest->bytes : "");
  }
}

static void tells_the_attribute_that_was_meant(void **state) {
  static const struct {
    const char *name, *nearest;
  } cases[] = {{"hotelname", "hotel_name"},
               {"Hotel-Name", "hotel_name"},
               {"hotle_name", "hotel_name"},
               {"hotel_names", "hotel_name"},
               {"hotel_na", "hotel_name"},
               {"ho_name", NULL},
               {"room_nite", "room_nights"},
               {"room_nigths", "room_nights"},
               {"agee", "age"},
               {"aeg", "age"},
               {"ag", NULL}, /* two characters are too few to guess from */
               {"eventDatetime", "eventDateTime"},
               {"event_date_time", "eventDateTime"},
               {"storeUnitId", "storeUnitID"},
               {"eventname", "event_name"},
               {"check_in", NULL},
               {"h", NULL},
               {"", NULL}};
  pe_definition *event;
  (void)state;
  event = add_event("be_reserved");
  add_attribute(event, "age", PE_TYPE_DOUBLE);
  add_attribute(event, "hotel_name", PE_TYPE_TEXT);
  add_attribute(event, "room_nights", PE_TYPE_ENUM);
  finish();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_nearest(pe_definition_nearest(event, cases[i].name, strlen(cases[i].name)), cases[i].nearest, cases[i].name);
}

static void tells_the_event_that_was_meant(void **state) {
  char longest[200];
  (void)state;
  add_event("be_reserved");
  add_event("be_reserve");
  add_event("cart_updated");
  memset(longest, 'x', sizeof longest);
  assert_non_null(pe_definitions_add(definitions, (pe_text){longest, sizeof longest}, true));
  finish();
  assert_nearest(pe_definitions_nearest(definitions, "be_reserverd", 12), "be_reserved", "be_reserverd");
  assert_nearest(pe_definitions_nearest(definitions, "be_resrve", 9), "be_reserve", "be_resrve");
  assert_nearest(pe_definitions_nearest(definitions, "CartUpdated", 11), "cart_updated", "CartUpdated");
  assert_nearest(pe_definitions_nearest(definitions, "wishlist", 8), NULL, "wishlist");
  assert_nearest(pe_definitions_nearest(definitions, longest, sizeof longest - 1), NULL, "a long name");
}

int main(void) {
#define IN_DEFINITIONS(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
  const struct CMUnitTest tests[] = {IN_DEFINITIONS(nothing_is_found_where_nothing_was_added),
                                     IN_DEFINITIONS(an_event_may_have_no_attributes),
                                     IN_DEFINITIONS(an_attribute_is_kept_as_it_was_given),
                                     IN_DEFINITIONS(the_first_of_two_of_a_name_counts),
                                     IN_DEFINITIONS(the_second_of_a_name_requires_nothing),
                                     IN_DEFINITIONS(names_are_bytes),
                                     IN_DEFINITIONS(a_name_is_kept_as_json_too),
                                     IN_DEFINITIONS(is_complete_with_all_that_is_required),
                                     IN_DEFINITIONS(a_thousand_events_with_twenty_attributes_are_found),
                                     IN_DEFINITIONS(an_attribute_too_many_is_refused),
                                     IN_DEFINITIONS(what_is_not_finished_is_freed_too),
                                     IN_DEFINITIONS(tells_the_attribute_that_was_meant),
                                     IN_DEFINITIONS(tells_the_event_that_was_meant),
                                     TEST(freeing_nothing_is_legal),
                                     TEST(knows_the_standard_attributes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
