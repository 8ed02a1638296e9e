/* Numbers read back as the same double, in every locale; strings hold nothing but UTF-8. jansson is the oracle. */
#include "event/json_writer.h"

#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "test.h"

static pe_buffer out;

static int setup(void **state) {
  (void)state;
  pe_buffer_init(&out, 1 << 16);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  pe_buffer_cleanup(&out);
  return 0;
}

static const char *number(double value) {
  out.size = 0;
  assert_int_equal(pe_json_write_number(&out, value), PE_OK);
  assert_int_equal(pe_buffer_append_byte(&out, '\0'), PE_OK);
  return out.data;
}

static void assert_reads_back(double value) {
  json_error_t error;
  const char *text = number(value);
  json_t *read = json_loads(text, JSON_DECODE_ANY, &error);
  if (!read || json_number_value(read) != value) fail_msg("%.17g was written as %s", value, text);
  json_decref(read);
}

static void writes_numbers_as_short_as_they_go(void **state) {
  (void)state;
  assert_string_equal(number(20), "20");
  assert_string_equal(number(-0.0), "0");
  assert_string_equal(number(0.1), "0.1");
  assert_string_equal(number(0.1 + 0.2), "0.30000000000000004");
  assert_string_equal(number(1e300), "1e+300");
  assert_string_equal(number(9007199254740992.0), "9007199254740992");
  assert_string_equal(number(-9007199254740992.0), "-9007199254740992");
}

static void every_double_reads_back(void **state) {
  (void)state;
  for (int i = 0; i < 200000; i++) {
    double value;
    pe_random_bytes(&value, sizeof value);
    if (isfinite(value)) assert_reads_back(value);
  }
  for (int i = 0; i < 2000; i++)
    assert_reads_back(floor(pe_random_unit() * 1e6) / 100);
  assert_reads_back(5e-324);
  assert_reads_back(1.7976931348623157e308);
  assert_reads_back(9223372036854775808.0);
}

static void refuses_what_is_not_finite(void **state) {
  (void)state;
  assert_int_equal(pe_json_write_number(&out, NAN), PE_INVALID_EVENT);
  assert_int_equal(pe_json_write_number(&out, INFINITY), PE_INVALID_EVENT);
  assert_int_equal(pe_json_write_number(&out, -INFINITY), PE_INVALID_EVENT);
}

static void writes_integers_to_the_last_digit(void **state) {
  const int64_t values[] = {0, 1, -1, 10, INT64_MAX, INT64_MIN, 9007199254740993};
  (void)state;
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    char expected[32];
    int size = snprintf(expected, sizeof expected, "%lld", (long long)values[i]);
    out.size = 0;
    assert_int_equal(pe_json_write_integer(&out, values[i]), PE_OK);
    assert_int_equal(out.size, (size_t)size);
    assert_memory_equal(out.data, expected, (size_t)size);
  }
}

/* The plain definition, slow and obvious: decode, then compare with the ranges of RFC 3629. */
static bool is_utf8(const unsigned char *s, size_t size) {
  static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
  for (size_t i = 0; i < size;) {
    size_t length = s[i] < 0x80 ? 1 : s[i] >> 5 == 6 ? 2 : s[i] >> 4 == 14 ? 3 : s[i] >> 3 == 30 ? 4 : 0;
    unsigned point;
    if (length == 0 || length > size - i) return false;
    point = length == 1 ? s[i] : s[i] & (0xffu >> (length + 1));
    for (size_t k = 1; k < length; k++) {
      if (s[i + k] >> 6 != 2) return false;
      point = point << 6 | (s[i + k] & 0x3f);
    }
    if (point < least[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
    i += length;
  }
  return true;
}

static void assert_string(const unsigned char *s, size_t size) {
  json_t *read;
  pe_error error;

  out.size = 0;
  error = pe_json_write_string(&out, (const char *)s, size);
  assert_int_equal(error, is_utf8(s, size) ? PE_OK : PE_INVALID_EVENT);
  if (error) return;
  read = json_loadb(out.data, out.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
  assert_non_null(read);
  assert_int_equal(json_string_length(read), size);
  assert_memory_equal(json_string_value(read), s, size);
  json_decref(read);
}

/* All sequences of two bytes, and random ones of up to six that favour the edges. */
static void strings_are_utf8_or_refused(void **state) {
  static const unsigned char edges[] = {0,    0x1f, 0x20, '"',  '\\', 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0,
                                        0xc1, 0xc2, 0xdf, 0xe0, 0xec, 0xed, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};
  unsigned char s[6], pick[7];
  (void)state;
  for (unsigned i = 0; i < 0x10000; i++) {
    s[0] = (unsigned char)(i >> 8);
    s[1] = (unsigned char)i;
    assert_string(s, 2);
  }
  for (int i = 0; i < 200000; i++) {
    pe_random_bytes(pick, sizeof pick);
    for (size_t k = 0; k < sizeof s; k++)
      s[k] = edges[pick[k] % sizeof edges];
    assert_string(s, 1 + pick[6] % sizeof s);
  }
}

static void a_string_beyond_the_ceiling_is_too_large(void **state) {
  pe_buffer small;
  (void)state;
  pe_buffer_init(&small, 10);
  assert_int_equal(pe_json_write_string(&small, "12345678", 8), PE_OK);
  small.size = 0;
  assert_int_equal(pe_json_write_string(&small, "123456789", 9), PE_TOO_LARGE);
  small.size = 0;
  assert_int_equal(pe_json_write_string(&small, "\1\1", 2), PE_TOO_LARGE);
  pe_buffer_cleanup(&small);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(writes_numbers_as_short_as_they_go), TEST(every_double_reads_back),
      TEST(refuses_what_is_not_finite),         TEST(writes_integers_to_the_last_digit),
      TEST(strings_are_utf8_or_refused),        TEST(a_string_beyond_the_ceiling_is_too_large)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
