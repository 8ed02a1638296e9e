/* The token bucket: how many at once, how many in a while, and that its word about the next one holds. */
#include "policy/rate_limit.h"

#include "base/clock.h"
#include "numbers.h"
#include "test.h"

static void a_silence_fills_it_up_to_the_burst(void **state) {
  pe_rate_limit limit;
  (void)state;
  pe_rate_limit_init(&limit, 10, 3, 0);
  for (int hours = 0; hours < 3; hours++) {
    int64_t now = hours * 3600 * PE_SECOND;
    for (int i = 0; i < 3; i++) {
      assert_true(pe_rate_limit_next(&limit, now) <= now);
      assert_true(pe_rate_limit_take(&limit, now));
    }
    assert_false(pe_rate_limit_take(&limit, now));
  }
}

static void a_bucket_holds_at_least_one(void **state) {
  pe_rate_limit limit;
  (void)state;
  pe_rate_limit_init(&limit, 1, 0.25, 0);
  assert_true(pe_rate_limit_take(&limit, 0));
  assert_false(pe_rate_limit_take(&limit, PE_SECOND / 2));
  assert_true(pe_rate_limit_take(&limit, PE_SECOND));
}

static void without_a_limit_there_is_always_one(void **state) {
  pe_rate_limit limit;
  (void)state;
  pe_rate_limit_init(&limit, 0, 0, 5);
  for (int i = 0; i < 1000; i++)
    assert_true(pe_rate_limit_take(&limit, 5));
  assert_int_equal(pe_rate_limit_next(&limit, 5), 5);
}

/* Over any stretch of time no more than burst + rate * time, and not much less for one who always takes. */
static void keeps_the_rate(void **state) {
  static const double rates[] = {0.5, 3, 50, 333.3, 1e6};
  (void)state;
  for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
    pe_rate_limit limit;
    int64_t now = 1000 * PE_SECOND;
    double seconds;
    pe_rate_limit_init(&limit, rates[i], 1, now);
    for (int taken = 0; taken < 1000; taken++) {
      now = pe_rate_limit_next(&limit, now);
      assert_true(pe_rate_limit_take(&limit, now));
    }
    seconds = (double)(now - 1000 * PE_SECOND) / (double)PE_SECOND;
    assert_true(seconds >= 999 / rates[i] * (1 - 1e-9));
    assert_true(seconds <= 999 / rates[i] + 1e-5);
  }
}

/* Whoever sleeps until the next token finds it: a wake-up to an empty bucket would spin. */
static void what_it_says_of_the_next_one_holds(void **state) {
  numbers random = {7};
  pe_rate_limit limit;
  int64_t now = 0;
  (void)state;
  for (int round = 0; round < 200; round++) {
    pe_rate_limit_init(&limit, (double)(1 + below(&random, 100000)) / (double)(1 + below(&random, 1000)),
                       (double)below(&random, 20), now);
    for (int i = 0; i < 200; i++) {
      int64_t next = pe_rate_limit_next(&limit, now);
      if (below(&random, 3) == 0)
        now = next > now ? next : now;
      else if (below(&random, 2) == 0)
        now += (int64_t)below(&random, 2000) * PE_MILLISECOND;
      /* It rounds up by a nanosecond: there may be one that early, too. */
      if (now >= next)
        assert_true(pe_rate_limit_take(&limit, now));
      else if (now < next - 1)
        assert_false(pe_rate_limit_take(&limit, now));
    }
  }
}

static void a_rate_close_to_nothing_does_not_overflow(void **state) {
  static const double rates[] = {1e-9, 1e-12, 1e-300};
  (void)state;
  for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
    pe_rate_limit limit;
    int64_t now = INT64_MAX / 2;
    pe_rate_limit_init(&limit, rates[i], 1, now);
    assert_true(pe_rate_limit_take(&limit, now));
    assert_true(pe_rate_limit_next(&limit, now) > now);
    assert_false(pe_rate_limit_take(&limit, now + 3600 * PE_SECOND));
    assert_true(pe_rate_limit_next(&limit, now + 3600 * PE_SECOND) > now + 3600 * PE_SECOND);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_silence_fills_it_up_to_the_burst),  TEST(a_bucket_holds_at_least_one),
      TEST(without_a_limit_there_is_always_one), TEST(keeps_the_rate),
      TEST(what_it_says_of_the_next_one_holds),  TEST(a_rate_close_to_nothing_does_not_overflow)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
