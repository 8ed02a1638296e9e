/* The small pure parts: back-off, ids, names that are alike, URLs, error names. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "event/similar.h"
#include "http/http.h"
#include "policy/retry.h"
#include "test.h"

static const pe_retry_policy policy = {PE_SECOND / 2, 30 * PE_SECOND};

static int64_t fixed_wall(void) {
  return 42 * PE_SECOND;
}
static int64_t fixed_monotonic(void) {
  return 7;
}
static int64_t slept;
static void no_sleep(int64_t nanoseconds) {
  slept += nanoseconds;
}

static void the_clock_can_be_replaced_and_brought_back(void **state) {
  static const pe_clock fixed = {fixed_wall, fixed_monotonic, no_sleep};
  (void)state;
  pe_clock_use(&fixed);
  assert_int_equal(pe_clock_wall(), 42 * PE_SECOND);
  assert_int_equal(pe_clock_monotonic(), 7);
  pe_clock_sleep(5);
  pe_clock_sleep(-5);
  assert_int_equal(slept, 5); /* nothing is slept for a time that is over */
  pe_clock_use(NULL);
  assert_true(pe_clock_wall() > 42 * PE_SECOND);
}

static void back_off_doubles_up_to_its_ceiling(void **state) {
  const int64_t ceilings[] = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000};
  (void)state;
  for (int attempt = 1; attempt <= 8; attempt++) {
    int64_t ceiling = ceilings[attempt - 1] * PE_MILLISECOND;
    assert_int_equal(pe_retry_delay(&policy, attempt, 0, 0.0), 0); /* full jitter begins at nothing */
    assert_true(pe_retry_delay(&policy, attempt, 0, 0.999999) > ceiling * 99 / 100);
    assert_true(pe_retry_delay(&policy, attempt, 0, 0.999999) <= ceiling);
    assert_int_equal(pe_retry_delay(&policy, attempt, 0, 0.5), ceiling / 2);
  }
  assert_true(pe_retry_delay(&policy, 1000000, 0, 0.999) <= policy.max);
}

static void back_off_waits_at_least_as_long_as_asked(void **state) {
  (void)state;
  assert_int_equal(pe_retry_delay(&policy, 1, 7 * PE_SECOND, 0.9), 7 * PE_SECOND);
  assert_true(pe_retry_delay(&policy, 7, 7 * PE_SECOND, 0.9) > 7 * PE_SECOND);
}

static void ids_are_version_7_and_in_order_of_time(void **state) {
  char earlier[PE_UUID_LENGTH + 1], later[PE_UUID_LENGTH + 1], other[PE_UUID_LENGTH + 1];
  (void)state;
  /* RFC 9562, A.6: 2022-02-22 19:22:22 UTC is 017f22e2-79b0-7... */
  pe_random_uuid7(earlier, INT64_C(1645557742000) * PE_MILLISECOND);
  assert_memory_equal(earlier, "017f22e2-79b0-7", 15);
  assert_int_equal(strlen(earlier), PE_UUID_LENGTH);
  assert_non_null(strchr("89ab", earlier[19]));
  assert_int_equal(strspn(earlier, "0123456789abcdef-"), PE_UUID_LENGTH);
  pe_random_uuid7(later, INT64_C(1645557742001) * PE_MILLISECOND);
  assert_true(strcmp(earlier, later) < 0);
  pe_random_uuid7(other, INT64_C(1645557742001) * PE_MILLISECOND);
  assert_string_not_equal(later, other);
}

static void units_are_spread_between_0_and_1(void **state) {
  double sum = 0;
  (void)state;
  for (int i = 0; i < 10000; i++) {
    double unit = pe_random_unit();
    assert_true(unit >= 0 && unit < 1);
    sum += unit;
  }
  assert_true(sum > 4500 && sum < 5500);
}

static size_t distance(const char *a, const char *b) {
  return pe_similar_distance(a, strlen(a), b, strlen(b), 3);
}

static void tells_how_alike_names_are(void **state) {
  char longest[80];
  (void)state;
  assert_int_equal(distance("hotel_name", "hotel_name"), 0);
  assert_int_equal(distance("hotelname", "hotel_name"), 1);
  assert_int_equal(distance("Hotel-Name", "hotel_name"), 0);
  assert_int_equal(distance("hotle_name", "hotel_name"), 1); /* two neighbours swapped */
  assert_int_equal(distance("timout", "timeout"), 1);
  assert_int_equal(distance("", "abc"), 3);
  assert_true(distance("age", "hotel_name") > 3);
  memset(longest, 'x', sizeof longest);
  assert_true(pe_similar_distance(longest, sizeof longest, longest, sizeof longest, 3) > 3);
}

/* The same by the whole table, for bytes that are not folded. */
static size_t plain_distance(const char *a, size_t a_size, const char *b, size_t b_size) {
  size_t rows[PE_SIMILAR_MAX_SIZE + 1][PE_SIMILAR_MAX_SIZE + 1];
  for (size_t i = 0; i <= a_size; i++) {
    for (size_t j = 0; j <= b_size; j++) {
      size_t least = i == 0 ? j : i;
      if (i > 0 && j > 0) {
        least = rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
        if (rows[i - 1][j] + 1 < least) least = rows[i - 1][j] + 1;
        if (rows[i][j - 1] + 1 < least) least = rows[i][j - 1] + 1;
      }
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && rows[i - 2][j - 2] + 1 < least)
        least = rows[i - 2][j - 2] + 1;
      rows[i][j] = least;
    }
  }
  return rows[a_size][b_size];
}

static size_t random_word(char *word, size_t most) {
  size_t size = (size_t)(pe_random_unit() * (double)(most + 1));
  for (size_t i = 0; i < size; i++)
    word[i] = "abc"[(size_t)(pe_random_unit() * 3)];
  return size;
}

/* Changes `from` here and there: what is near by chance is short. */
static size_t change_word(const char *from, size_t size, char *to) {
  size_t made = 0;
  for (size_t i = 0; i < size && made + 2 < PE_SIMILAR_MAX_SIZE; i++) {
    double chance = pe_random_unit();
    if (chance < 0.02) continue;
    if (chance < 0.04) to[made++] = 'c';
    to[made++] = chance < 0.06 ? 'a' : from[i];
    if (chance > 0.98 && made > 1) {
      char last = to[made - 1];
      to[made - 1] = to[made - 2];
      to[made - 2] = last;
    }
  }
  return made;
}

static void counts_edits_as_the_whole_table_does(void **state) {
  static const size_t limits[] = {0, 1, 2, 3, 5, 20, PE_SIMILAR_MAX_SIZE, SIZE_MAX - 1};
  (void)state;
  for (int i = 0; i < 20000; i++) {
    char a[PE_SIMILAR_MAX_SIZE], b[PE_SIMILAR_MAX_SIZE];
    size_t a_size = random_word(a, i % 2 == 0 ? PE_SIMILAR_MAX_SIZE : 6);
    size_t b_size = i % 4 == 3 ? random_word(b, 6) : change_word(a, a_size, b);
    size_t limit = limits[(size_t)i / 4 % (sizeof limits / sizeof *limits)];
    size_t plain = plain_distance(a, a_size, b, b_size), got = pe_similar_distance(a, a_size, b, b_size, limit);
    if (plain <= limit ? got != plain : got <= limit)
      fail_msg("%.*s and %.*s, at most %zu: %zu, not %zu", (int)a_size, a, (int)b_size, b, limit, got, plain);
  }
}

static void accepts_urls_that_can_be_posted_to(void **state) {
  pe_http_url url;
  (void)state;
  assert_null(pe_http_check_url("https://api.example.com/eucrm/webhooks/1?x=y", &url));
  assert_true(url.tls);
  assert_false(url.loopback);
  assert_string_equal(url.host, "api.example.com");
  assert_null(pe_http_check_url("HTTPS://EXAMPLE.com", &url));
  assert_true(url.tls);
}

static void knows_this_machine(void **state) {
  static const char *const here[] = {"http://localhost/",
                                     "http://127.0.0.1:80/",
                                     "http://127.9.9.9/",
                                     "http://[::1]/",
                                     "http://127.1/",
                                     "http://0x7f000001/",
                                     NULL};
  static const char *const elsewhere[] = {"http://127.0.0.1.example.com/",
                                          "http://localhost.example.com/",
                                          "http://128.0.0.1/",
                                          "http://[::2]/",
                                          "http://127.0.0.1x/",
                                          NULL};
  pe_http_url url;
  (void)state;
  for (int i = 0; here[i]; i++) {
    assert_null(pe_http_check_url(here[i], &url));
    if (!url.loopback || url.tls) fail_msg("%s is on this machine", here[i]);
  }
  for (int i = 0; elsewhere[i]; i++) {
    assert_null(pe_http_check_url(elsewhere[i], &url));
    if (url.loopback) fail_msg("%s is not on this machine", elsewhere[i]);
  }
}

static void refuses_other_urls(void **state) {
  static const char *const bad[] = {"",
                                    "example.com/x",
                                    "ftp://example.com/",
                                    "file:///etc/passwd",
                                    "gopher://x/",
                                    "https://",
                                    "https://user@example.com/",
                                    "https://user:secret@example.com/",
                                    "https://example.com/#f",
                                    "https://example.com/a b",
                                    "https://example.com/\r\nX: y",
                                    "https://exa\tmple.com/",
                                    "https://example.com:99999/",
                                    "//example.com/",
                                    NULL};
  pe_http_url url;
  (void)state;
  for (int i = 0; bad[i]; i++) {
    const char *why = pe_http_check_url(bad[i], &url);
    if (!why) fail_msg("%s was accepted", bad[i]);
    assert_null(strstr(why, "secret"));
  }
}

static void checks_proxies(void **state) {
  pe_http_url url;
  (void)state;
  assert_null(pe_http_check_proxy("http://user:password@proxy.example:3128", &url));
  assert_false(url.loopback);
  assert_null(pe_http_check_proxy("socks5h://127.0.0.1:1080", &url));
  assert_true(url.loopback);
  assert_non_null(pe_http_check_proxy("ftp://proxy.example", &url));
  assert_non_null(pe_http_check_proxy("proxy.example:3128 x", &url));
}

static void every_error_has_a_name_and_a_text(void **state) {
  (void)state;
  for (int i = 0; i < PE_ERROR_COUNT; i++) {
    assert_non_null(pe_error_name((pe_error)i));
    assert_non_null(pe_error_text((pe_error)i));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(the_clock_can_be_replaced_and_brought_back),
                                     TEST(back_off_doubles_up_to_its_ceiling),
                                     TEST(back_off_waits_at_least_as_long_as_asked),
                                     TEST(ids_are_version_7_and_in_order_of_time),
                                     TEST(units_are_spread_between_0_and_1),
                                     TEST(tells_how_alike_names_are),
                                     TEST(counts_edits_as_the_whole_table_does),
                                     TEST(accepts_urls_that_can_be_posted_to),
                                     TEST(knows_this_machine),
                                     TEST(refuses_other_urls),
                                     TEST(checks_proxies),
                                     TEST(every_error_has_a_name_and_a_text)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
