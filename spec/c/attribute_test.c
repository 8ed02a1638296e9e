/* One value against one attribute: every type and every kind of value, and the words for what is wrong. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/definition.h"
#include "test.h"

static pe_text enum_values[] = {{"1", 1}, {"2", 1}, {"gold", 4}};

static pe_value text_value(const char *string) {
  return (pe_value){.kind = PE_KIND_TEXT, .text = {string, strlen(string)}};
}

static pe_value number_value(double number) {
  return (pe_value){.kind = PE_KIND_NUMBER, .number = number};
}

static pe_attribute attribute_of(pe_type type) {
  pe_attribute attribute = {.name = {"x", 1}, .type = type};
  if (type == PE_TYPE_ENUM) attribute.values = enum_values, attribute.value_count = 3;
  return attribute;
}

static pe_rule check_text(pe_type type, const char *string) {
  const pe_attribute attribute = attribute_of(type);
  const pe_value value = text_value(string);
  return pe_attribute_check(&attribute, &value);
}

static pe_rule check_number(pe_type type, double number) {
  const pe_attribute attribute = attribute_of(type);
  const pe_value value = number_value(number);
  return pe_attribute_check(&attribute, &value);
}

/* ---- checking ---- */

static void every_type_takes_its_kinds_and_no_other(void **state) {
  static const struct {
    pe_type type;
    const char *kinds; /* a letter a kind: t text, n number, b boolean, o object */
    const char *text;
  } types[] = {{PE_TYPE_TEXT, "t", "any"},     {PE_TYPE_CUSTOMER, "t", "EXT-1"}, {PE_TYPE_MOBILE, "t", "9988776655"},
               {PE_TYPE_EMAIL, "t", "a@b"},    {PE_TYPE_DOUBLE, "n", "any"},     {PE_TYPE_INTEGER, "n", "any"},
               {PE_TYPE_BOOLEAN, "b", "true"}, {PE_TYPE_ENUM, "t", "gold"},      {PE_TYPE_DATE, "tn", "2024-04-11"},
               {PE_TYPE_OBJECT, "o", "any"},   {PE_TYPE_ANY, "tnbao?", ""}};
  static const char letters[] = {'t', 'n', 'b', 'a', 'o', '?'};
  (void)state;
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    const pe_attribute attribute = attribute_of(types[i].type);
    for (int kind = PE_KIND_TEXT; kind <= PE_KIND_OTHER; kind++) {
      pe_value value = text_value(types[i].text);
      pe_rule expected = strchr(types[i].kinds, letters[kind - PE_KIND_TEXT]) ? PE_RULE_NONE : PE_RULE_TYPE;
      value.kind = (pe_kind)kind;
      value.number = 1;
      if (pe_attribute_check(&attribute, &value) != expected)
        fail_msg("type %d, kind %d: expected %s", (int)types[i].type, kind, pe_rule_name(expected));
    }
  }
}

static void a_null_and_an_empty_mandatory_text_are_not_given(void **state) {
  const pe_value nothing = {.kind = PE_KIND_NULL}, empty = text_value(""), blank = text_value(" "),
                 zero = number_value(0);
  (void)state;
  assert_false(pe_value_is_given(&nothing, true) || pe_value_is_given(&nothing, false));
  assert_false(pe_value_is_given(&empty, true));
  assert_true(pe_value_is_given(&empty, false));
  assert_true(pe_value_is_given(&blank, true) && pe_value_is_given(&zero, true));
}

static void knows_mobile_numbers(void **state) {
  static const char *const good[] = {"12345", "+12345", "12345678901234567890", "+12345678901234567890", "00000"};
  static const char *const bad[] = {"",       "+",        "1234",     "+1234",  "123456789012345678901",
                                    "1 2345", "12345a",   "++12345",  "12345+", "१२३४५६",
                                    "12-345", " 9988776", "9988776 ", "99887\n"};
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    if (check_text(PE_TYPE_MOBILE, good[i]) != PE_RULE_NONE) fail_msg("%s was refused", good[i]);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (check_text(PE_TYPE_MOBILE, bad[i]) != PE_RULE_CUSTOMER) fail_msg("%s was accepted", bad[i]);
}

static void knows_email_addresses(void **state) {
  static const char *const bad[] = {"", "@", "a@", "@b", "a", "a@b@c", "a@@b", "@@", "a@b@"};
  (void)state;
  assert_int_equal(check_text(PE_TYPE_EMAIL, "a@b"), PE_RULE_NONE);
  assert_int_equal(check_text(PE_TYPE_EMAIL, "आशा@example.com"), PE_RULE_NONE);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (check_text(PE_TYPE_EMAIL, bad[i]) != PE_RULE_CUSTOMER) fail_msg("%s was accepted", bad[i]);
}

static void other_customers_are_any_text_but_an_empty_one(void **state) {
  (void)state;
  assert_int_equal(check_text(PE_TYPE_CUSTOMER, " "), PE_RULE_NONE);
  assert_int_equal(check_text(PE_TYPE_CUSTOMER, ""), PE_RULE_CUSTOMER);
}

static void an_enum_has_its_values_byte_by_byte(void **state) {
  static const char *const bad[] = {"", "3", "Gold", "gol", "goldx", " gold", "1.0", "01"};
  const pe_attribute none = {.type = PE_TYPE_ENUM};
  const pe_value value = text_value("");
  (void)state;
  assert_int_equal(check_text(PE_TYPE_ENUM, "1"), PE_RULE_NONE);
  assert_int_equal(check_text(PE_TYPE_ENUM, "gold"), PE_RULE_NONE);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (check_text(PE_TYPE_ENUM, bad[i]) != PE_RULE_ENUM) fail_msg("%s was accepted", bad[i]);
  assert_int_equal(pe_attribute_check(&none, &value), PE_RULE_ENUM);
}

static void a_double_is_any_number_an_integer_a_whole_one(void **state) {
  static const double whole[] = {0, -0.0, -1, 9007199254740993.0, 1e300, -1e300};
  static const double broken[] = {0.5, -2.5, 1e-300, 4503599627370495.5};
  (void)state;
  for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
    assert_int_equal(check_number(PE_TYPE_DOUBLE, whole[i]), PE_RULE_NONE);
    assert_int_equal(check_number(PE_TYPE_INTEGER, whole[i]), PE_RULE_NONE);
  }
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
    assert_int_equal(check_number(PE_TYPE_DOUBLE, broken[i]), PE_RULE_NONE);
    assert_int_equal(check_number(PE_TYPE_INTEGER, broken[i]), PE_RULE_TYPE);
  }
}

static void a_date_may_come_in_seconds(void **state) {
  static const double good[] = {0, -1, -0.5, 1713000000, 1713000000.9, -62135596800.0, 253402300799.0, 253402300799.9};
  static const double bad[] = {1713000000000.0, 253402300800.0, -62135596801.0, 1e15, -1e15, 1e300, -1e300, NAN,
                               INFINITY,        -INFINITY};
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    if (check_number(PE_TYPE_DATE, good[i]) != PE_RULE_NONE) fail_msg("%f was refused", good[i]);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (check_number(PE_TYPE_DATE, bad[i]) != PE_RULE_DATE) fail_msg("%f was accepted", bad[i]);
  assert_int_equal(check_text(PE_TYPE_DATE, "2024-02-30"), PE_RULE_DATE);
  assert_int_equal(check_text(PE_TYPE_DATE, ""), PE_RULE_DATE);
}

static void a_pattern_is_for_text_that_is_not_empty(void **state) {
  pe_attribute attribute = attribute_of(PE_TYPE_TEXT);
  const pe_value empty = text_value(""), good = text_value("SAVE10"), bad = text_value("save10");
  char why_text[120];
  const char *why = NULL;
  (void)state;
  if (!pe_regex_available()) skip();
  attribute.regex = pe_regex_new("[A-Z]{4}[0-9]{2}", 16, why_text, &why);
  assert_non_null(attribute.regex);
  assert_int_equal(pe_attribute_check(&attribute, &good), PE_RULE_NONE);
  assert_int_equal(pe_attribute_check(&attribute, &bad), PE_RULE_REGEX);
  assert_int_equal(pe_attribute_check(&attribute, &empty), PE_RULE_NONE);
  pe_regex_free(attribute.regex);
}

/* ---- explaining ---- */

static char explanation[400];

static const char *explain(const pe_attribute *attribute, pe_rule rule, const pe_value *value, size_t ceiling) {
  pe_buffer out = {explanation, 0, ceiling, ceiling};
  assert_true(ceiling < sizeof explanation);
  pe_attribute_explain(attribute, rule, value, &out);
  assert_ptr_equal(out.data, explanation);
  assert_true(out.size <= ceiling);
  explanation[out.size] = '\0';
  assert_int_equal(strlen(explanation), out.size);
  return explanation;
}

/* Checks the value, and compares the words for the rule that it breaks. */
static void assert_told(const pe_attribute *attribute, pe_value value, const char *expected) {
  pe_rule rule = pe_attribute_check(attribute, &value);
  assert_int_not_equal(rule, PE_RULE_NONE);
  assert_string_equal(explain(attribute, rule, &value, 399), expected);
}

static void tells_what_was_expected_and_what_came(void **state) {
  const pe_attribute number = attribute_of(PE_TYPE_DOUBLE), whole = attribute_of(PE_TYPE_INTEGER),
                     boolean = attribute_of(PE_TYPE_BOOLEAN), date = attribute_of(PE_TYPE_DATE),
                     any = attribute_of(PE_TYPE_TEXT), object = attribute_of(PE_TYPE_OBJECT),
                     mobile = attribute_of(PE_TYPE_MOBILE), email = attribute_of(PE_TYPE_EMAIL),
                     customer = attribute_of(PE_TYPE_CUSTOMER), list = attribute_of(PE_TYPE_ENUM);
  const pe_value nothing = {.kind = PE_KIND_NULL};
  (void)state;
  assert_string_equal(explain(&any, PE_RULE_MISSING, &nothing, 399), "missing");
  assert_told(&number, text_value("20"), "expected a number, got text");
  assert_told(&number, (pe_value){.kind = PE_KIND_ARRAY}, "expected a number, got an array");
  assert_told(&whole, number_value(2.5), "expected a whole number, got a fraction");
  assert_told(&whole, (pe_value){.kind = PE_KIND_BOOLEAN}, "expected a whole number, got a boolean");
  assert_told(&boolean, text_value("true"), "expected a boolean, got text");
  assert_told(&any, number_value(9988776655), "expected text, got a number");
  assert_told(&any, (pe_value){.kind = PE_KIND_OBJECT}, "expected text, got an object");
  assert_told(&object, text_value("{}"), "expected an object, got text");
  assert_told(&date, (pe_value){.kind = PE_KIND_BOOLEAN},
              "expected a date, as text or in seconds since 1970, got a boolean");
  assert_told(&date, text_value("2024-02-30"), "\"2024-02-30\" is not a date in one of the platform's formats");
  assert_told(&date, number_value(1713000000000.0),
              "1713000000000 is not a time in seconds since 1970 (milliseconds?)");
  assert_told(&date, number_value(-1e17), "-100000000000000000 is not a time in seconds since 1970 (milliseconds?)");
  assert_told(&date, number_value(1e300), "the number is not a time in seconds since 1970 (milliseconds?)");
  assert_told(&mobile, text_value("99"), "\"99\" is not a mobile number (5 to 20 digits)");
  assert_told(&email, text_value("a"), "\"a\" is not an e-mail address");
  assert_told(&customer, text_value(""), "\"\" is not a customer's identifier");
  assert_told(&list, text_value("3"), "\"3\" is not one of 1, 2, gold");
}

static void tells_the_first_two_and_the_last_of_many_values(void **state) {
  static const char digits[] = "123456789";
  pe_text values[9];
  pe_attribute attribute = {.type = PE_TYPE_ENUM, .values = values};
  (void)state;
  for (size_t i = 0; i < 9; i++)
    values[i] = (pe_text){digits + i, 1};
  attribute.value_count = 8;
  assert_told(&attribute, text_value("x"), "\"x\" is not one of 1, 2, 3, 4, 5, 6, 7, 8");
  attribute.value_count = 9;
  assert_told(&attribute, text_value("x"), "\"x\" is not one of 1, 2, ... 9");
  attribute.value_count = 0;
  assert_told(&attribute, text_value("x"), "\"x\" is not one of ");
}

/* What a customer typed goes to a log: nothing in it may move the cursor or end the line. */
static void quotes_no_control_character(void **state) {
  const pe_attribute email = attribute_of(PE_TYPE_EMAIL);
  pe_text values[] = {{"a\nb", 3}, {"\x1b[2J", 4}};
  const pe_attribute list = {.type = PE_TYPE_ENUM, .values = values, .value_count = 2};
  const pe_value nul = {.kind = PE_KIND_TEXT, .text = {"a\0b", 3}};
  (void)state;
  assert_told(&email, text_value("a\r\nb\tc\x7f\x1b[31m"), "\"a??b?c??[31m\" is not an e-mail address");
  assert_told(&email, text_value("a\xc2\x9b\xc2\x80\xc2\x9f\xc2\xa0z"),
              "\"a??????\xc2\xa0z\" is not an e-mail address");
  assert_told(&email, nul, "\"a?b\" is not an e-mail address");
  assert_told(&list, text_value("x"), "\"x\" is not one of a?b, ?[2J");
}

/* A long value is cut between two characters, whatever their length and wherever they lie. */
static void cuts_no_character(void **state) {
  static const char *const characters[] = {"x", "é", "ह", "🏨"};
  const pe_attribute email = attribute_of(PE_TYPE_EMAIL);
  (void)state;
  for (size_t i = 0; i < sizeof characters / sizeof *characters; i++)
    for (size_t before = 0; before < 4; before++) {
      char value[80] = "", expected[120] = "\"";
      size_t size = strlen(characters[i]), shown = before + (40 - before) / size * size;
      memset(value, '.', before);
      for (size_t k = before; k + size < sizeof value; k += size)
        memcpy(value + k, characters[i], size);
      memcpy(expected + 1, value, shown);
      strcpy(expected + 1 + shown, "...\" is not an e-mail address");
      assert_told(&email, text_value(value), expected);
      value[shown < 40 ? shown : 40] = '\0'; /* what fits is not cut */
      (void)snprintf(expected, sizeof expected, "\"%s\" is not an e-mail address", value);
      assert_told(&email, text_value(value), expected);
    }
}

static void quotes_no_sensitive_value(void **state) {
  pe_attribute attribute;
  (void)state;
  for (int type = PE_TYPE_TEXT; type <= PE_TYPE_ANY; type++)
    for (int rule = PE_RULE_MISSING; rule <= PE_RULE_CUSTOMER; rule++) {
      const pe_value secret = text_value("4111111111111111"), number = number_value(4111111111111111);
      attribute = attribute_of((pe_type)type);
      attribute.sensitive = true;
      assert_null(strstr(explain(&attribute, (pe_rule)rule, &secret, 399), "4111"));
      assert_null(strstr(explain(&attribute, (pe_rule)rule, &number, 399), "4111"));
    }
  attribute = attribute_of(PE_TYPE_MOBILE);
  attribute.sensitive = true;
  assert_told(&attribute, text_value("4111-1111"), "the value is not a mobile number (5 to 20 digits)");
}

static void leaves_out_what_does_not_fit(void **state) {
  char longest[300];
  pe_text values[8];
  const pe_attribute list = {.type = PE_TYPE_ENUM, .values = values, .value_count = 8};
  const pe_value value = text_value("ह");
  (void)state;
  memset(longest, 'v', sizeof longest);
  for (size_t i = 0; i < 8; i++)
    values[i] = (pe_text){longest, sizeof longest};
  for (size_t ceiling = 0; ceiling < 399; ceiling++) {
    const char *told = explain(&list, PE_RULE_ENUM, &value, ceiling);
    const char *head = strchr(told, '\xe0');
    assert_true(!head || strncmp(head, "ह", 3) == 0);
  }
  assert_null(strstr(explain(&list, PE_RULE_ENUM, &value, 399), ", ,"));
  assert_int_equal(strlen(explanation), strlen("\"ह\" is not one of ") + 8 * 35 + 7 * 2); /* all eight are named */
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(every_type_takes_its_kinds_and_no_other),
                                     TEST(a_null_and_an_empty_mandatory_text_are_not_given),
                                     TEST(knows_mobile_numbers),
                                     TEST(knows_email_addresses),
                                     TEST(other_customers_are_any_text_but_an_empty_one),
                                     TEST(an_enum_has_its_values_byte_by_byte),
                                     TEST(a_double_is_any_number_an_integer_a_whole_one),
                                     TEST(a_date_may_come_in_seconds),
                                     TEST(a_pattern_is_for_text_that_is_not_empty),
                                     TEST(tells_what_was_expected_and_what_came),
                                     TEST(tells_the_first_two_and_the_last_of_many_values),
                                     TEST(quotes_no_control_character),
                                     TEST(cuts_no_character),
                                     TEST(quotes_no_sensitive_value),
                                     TEST(leaves_out_what_does_not_fit)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
