/* The 17 formats: spec/vectors/dates.jsonl line by line, every day of the calendar, and text that nobody should send.
 */
#include "event/date.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/random.h"
#include "test.h"

static bool check(const char *text) {
  return pe_date_check(text, strlen(text));
}

static void agrees_with_the_vectors(void **state) {
  FILE *file = fopen("spec/vectors/dates.jsonl", "r");
  char line[1024];
  int count = 0;
  (void)state;
  assert_non_null(file);
  while (fgets(line, sizeof line, file)) {
    json_t *vector = json_loads(line, JSON_ALLOW_NUL, NULL);
    const json_t *text = json_object_get(vector, "text");
    bool ok = json_is_true(json_object_get(vector, "ok"));
    if (pe_date_check(json_string_value(text), json_string_length(text)) != ok) fail_msg("%s", line);
    json_decref(vector);
    count++;
  }
  assert_true(count >= 61);
  (void)fclose(file);
}

/* libc is the oracle: what it formats is a date, and the day of the week must be the right one. */
static void knows_every_day_of_four_centuries(void **state) {
  static const char *const formats[] = {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.5",
                                        "%Y-%m-%d %H:%M:%S",  "%Y-%m-%d",
                                        "%d-%m-%Y %H:%M:%S",  "%m/%d/%Y %H:%M:%S",
                                        "%Y/%m/%d %H:%M:%S",  "%Y/%m/%d",
                                        "%d-%m-%Y",           "%m/%d/%Y",
                                        "%Y%m%d %H:%M:%S",    "%d-%b-%y",
                                        "%Y-%m-%dT%H:%M:%S",  "%a %b %d %H:%M:%S UTC %Y",
                                        "%B,%d,%Y",           "%Y-%d-%m %H:%M:%S"};
  static const char *const names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  char text[64];
  (void)state;
  for (int64_t day = -135140; day < 10957; day++) { /* 1600 to 1999 */
    time_t now = (time_t)(day * 86400 + (day * 7919) % 86400);
    struct tm utc;
    assert_non_null(gmtime_r(&now, &utc));
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
      strftime(text, sizeof text, formats[i], &utc);
      if (i == 11 && utc.tm_year % 100 == 0) continue; /* 29-Feb-00 is 2000's */
      if (!check(text)) fail_msg("%s was refused", text);
    }
    strftime(text, sizeof text, "%a %b %d %H:%M:%S UTC %Y", &utc);
    memcpy(text, names[(utc.tm_wday + 1) % 7], 3);
    if (check(text)) fail_msg("%s was accepted", text);
  }
}

static void knows_the_centuries_without_a_leap_day(void **state) {
  (void)state;
  assert_true(check("2000-02-29 00:00:00"));
  assert_false(check("1900-02-29 00:00:00"));
  assert_false(check("2100-02-29T00:00:00"));
  assert_false(check("2023-02-29 00:00:00"));
}

static void reads_names_without_regard_to_case(void **state) {
  (void)state;
  assert_true(check("11-APR-24"));
  assert_true(check("april,11,2024"));
  assert_true(check("May,01,2024"));
  assert_true(check("01-May-24"));
  assert_false(check("11-Apr-2024"));
  assert_false(check("Apr,11,2024"));
}

static void never_reads_beyond_the_text(void **state) {
  static const char *const whole[] = {"2024-04-11T12:00:00+05:30", "Thu Apr 11 12:00:00 GMT+05:30 2024",
                                      "April,11,2024"};
  (void)state;
  for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
    for (size_t size = 0; size < strlen(whole[i]); size++) {
      char *exact = test_malloc(size + 1); /* cmocka guards what lies behind it */
      memcpy(exact, whole[i], size);
      (void)pe_date_check(exact, size);
      test_free(exact);
    }
}

static void writes_seconds_as_the_platform_reads_them(void **state) {
  char text[PE_DATE_SIZE + 1];
  (void)state;
  assert_true(pe_date_write(text, 1713000000));
  assert_string_equal(text, "2024-04-13 09:20:00");
  assert_true(pe_date_write(text, 0));
  assert_string_equal(text, "1970-01-01 00:00:00");
  assert_true(pe_date_write(text, -1));
  assert_string_equal(text, "1969-12-31 23:59:59");
  assert_true(pe_date_write(text, INT64_C(253402300799)));
  assert_string_equal(text, "9999-12-31 23:59:59");
  assert_false(pe_date_write(text, INT64_C(253402300800)));
  assert_false(pe_date_write(text, INT64_C(1713000000000)));
  assert_false(pe_date_write(text, INT64_MIN));
  for (int i = 0; i < 10000; i++) {
    uint64_t bits;
    pe_random_bytes(&bits, sizeof bits);
    assert_true(pe_date_write(text, (int64_t)(bits % UINT64_C(253402300800))));
    if (!check(text)) fail_msg("%s was written and is refused", text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(agrees_with_the_vectors),
                                     TEST(knows_every_day_of_four_centuries),
                                     TEST(knows_the_centuries_without_a_leap_day),
                                     TEST(reads_names_without_regard_to_case),
                                     TEST(never_reads_beyond_the_text),
                                     TEST(writes_seconds_as_the_platform_reads_them)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
