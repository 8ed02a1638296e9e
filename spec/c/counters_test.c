/* The histogram of latencies, against the sorted values themselves; and the names of the states. */
#include "counters.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "numbers.h"
#include "test.h"

enum { VALUES = 2000 };

static const int64_t MICROSECOND = 1000;
static const int64_t DAY = 86400 * PE_SECOND;

static int64_t quantile_of_one(int64_t nanoseconds) {
  pe_latencies latencies;
  memset(&latencies, 0, sizeof latencies);
  pe_latencies_add(&latencies, nanoseconds);
  latencies.max = INT64_MAX; /* so that the bucket's own end shows */
  return pe_latencies_quantile(&latencies, 0.5);
}

static void a_bucket_is_at_most_a_quarter_wide(void **state) {
  int64_t last = 0;
  (void)state;
  for (int64_t value = 4 * MICROSECOND; value < 12 * DAY; value += value / 97) {
    int64_t told = quantile_of_one(value);
    assert_true(told > value);
    assert_true(told - value <= value / 4 + MICROSECOND);
    assert_true((double)told <= (double)value * 1.25);
    assert_true(told >= last);
    last = told;
  }
}

static void the_shortest_are_told_to_the_microsecond(void **state) {
  (void)state;
  for (int64_t value = 0; value < 4 * MICROSECOND; value += 7)
    assert_int_equal(quantile_of_one(value), (value / MICROSECOND + 1) * MICROSECOND);
}

/* Each end of a bucket is the beginning of the next: a value below it is in the one, at it in the other. */
static void buckets_touch(void **state) {
  int64_t end = MICROSECOND;
  int buckets = 1;
  (void)state;
  while (end < 20 * DAY) {
    int64_t next = quantile_of_one(end);
    assert_int_equal(quantile_of_one(end - 1), end);
    assert_true(next > end);
    end = next;
    buckets++;
  }
  assert_true(buckets < PE_LATENCY_BUCKETS);
}

static void none_has_no_quantiles(void **state) {
  pe_latencies latencies;
  (void)state;
  memset(&latencies, 0, sizeof latencies);
  assert_int_equal(pe_latencies_quantile(&latencies, 0.5), 0);
  assert_int_equal(pe_latencies_quantile(&latencies, 1), 0);
}

static void what_no_bucket_fits_is_kept_apart(void **state) {
  pe_latencies latencies;
  (void)state;
  memset(&latencies, 0, sizeof latencies);
  pe_latencies_add(&latencies, -5); /* no clock should, and nothing breaks */
  pe_latencies_add(&latencies, 400 * DAY);
  pe_latencies_add(&latencies, 500 * DAY);
  assert_int_equal(latencies.count, 3);
  assert_int_equal(latencies.max, 500 * DAY);
  assert_true(pe_latencies_quantile(&latencies, 0.66) >= 400 * DAY);
  assert_int_equal(pe_latencies_quantile(&latencies, 1), 500 * DAY);
}

static int by_size(const void *a, const void *b) {
  int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
  return (left > right) - (left < right);
}

static void quantiles_are_those_of_the_values(void **state) {
  static const double shares[] = {0.001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1};
  numbers random = {11};
  int64_t values[VALUES], last = 0, sum = 0;
  pe_latencies latencies;
  (void)state;
  memset(&latencies, 0, sizeof latencies);
  for (size_t i = 0; i < VALUES; i++) {
    values[i] = (int64_t)(5 + below(&random, 1000)) * MICROSECOND << below(&random, 12);
    sum += values[i];
    pe_latencies_add(&latencies, values[i]);
  }
  qsort(values, VALUES, sizeof *values, by_size);
  for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
    int64_t told = pe_latencies_quantile(&latencies, shares[i]);
    int64_t exact = values[(size_t)(shares[i] * VALUES + 0.5) - 1];
    assert_true(told >= exact);
    assert_true((double)told <= (double)exact * 1.25);
    assert_true(told >= last);
    assert_true(told <= latencies.max);
    last = told;
  }
  assert_int_equal(last, values[VALUES - 1]);
  assert_int_equal(latencies.count, VALUES);
  assert_int_equal(latencies.sum, sum);
}

static void every_state_and_outcome_has_a_name(void **state) {
  (void)state;
  assert_string_equal(pe_state_name(PE_STATE_IDLE), "idle");
  assert_string_equal(pe_state_name(PE_STATE_CLOSED), "closed");
  assert_string_equal(pe_outcome_name(PE_DELIVERED), "delivered");
  assert_string_equal(pe_outcome_name(PE_UNKNOWN), "unknown");
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(a_bucket_is_at_most_a_quarter_wide),
                                     TEST(the_shortest_are_told_to_the_microsecond),
                                     TEST(buckets_touch),
                                     TEST(none_has_no_quantiles),
                                     TEST(what_no_bucket_fits_is_kept_apart),
                                     TEST(quantiles_are_those_of_the_values),
                                     TEST(every_state_and_outcome_has_a_name)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
