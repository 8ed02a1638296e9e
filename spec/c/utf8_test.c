/* UTF-8: what is a character, and what one U+FFFD stands for (Unicode 15, table 3-8 and its neighbours). */
#include "event/utf8.h"

#include <stdint.h>
#include <string.h>

#include "test.h"

static size_t length(const char *text) {
  return pe_utf8_length((const unsigned char *)text, strlen(text));
}

static void knows_the_bounds_of_every_form(void **state) {
  static const char *const good[] = {"\xc2\x80",         "\xdf\xbf",         "\xe0\xa0\x80",
                                     "\xed\x9f\xbf",     "\xee\x80\x80",     "\xef\xbf\xbf",
                                     "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xe2\x82\xac more"};
  static const char *const bad[] = {"\x80",         "\xc0\x80",         "\xc1\xbf",         "\xc2",
                                    "\xc2\x7f",     "\xe0\x9f\xbf",     "\xed\xa0\x80",     "\xef\xbf",
                                    "\xef\xbf\xc0", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
                                    "\xff"};
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    assert_int_equal(length(good[i]), strcspn(good[i], " "));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(length(bad[i]), 0);
}

/* How many bytes each U+FFFD stands for, as digits. */
static void pieces(const char *text, size_t size, char *out) {
  for (size_t at = 0; at < size;) {
    const unsigned char *s = (const unsigned char *)text + at;
    size_t whole = *s < 0x80 ? 1 : pe_utf8_length(s, size - at);
    size_t count = whole > 0 ? whole : pe_utf8_broken(s, size - at);
    *out++ = (char)(whole > 0 ? '.' : '0' + (char)count);
    at += count;
  }
  *out = '\0';
}

static void replaces_the_longest_beginning_of_a_character(void **state) {
  static const char *const cases[][2] = {
      {"\x61\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64", ".321.1.11."}, /* table 3-8 */
      {"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", "11111111."},                  /* table 3-9: overlong */
      {"\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41", "11111111."},                  /* table 3-10: surrogates */
      {"\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", "11111.11."},                  /* table 3-11: others */
      {"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", "2132."},                      /* table 3-12: cut off */
      {"\xf0\x9f\x98", "3"}};
  char found[32];
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    pieces(cases[i][0], strlen(cases[i][0]), found);
    assert_string_equal(found, cases[i][1]);
  }
}

static void never_reads_beyond_the_text(void **state) {
  (void)state;
  for (unsigned lead = 0x80; lead <= 0xff; lead++)
    for (size_t size = 1; size <= 4; size++) {
      unsigned char *exact = test_malloc(size); /* cmocka guards what lies behind it */
      memset(exact, 0x90, size);
      exact[0] = (unsigned char)lead;
      assert_true(pe_utf8_length(exact, size) <= size);
      assert_true(pe_utf8_broken(exact, size) >= 1 && pe_utf8_broken(exact, size) <= size);
      test_free(exact);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(knows_the_bounds_of_every_form),
      TEST(replaces_the_longest_beginning_of_a_character),
      TEST(never_reads_beyond_the_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
