/* The histogram of latencies, against the sorted values themselves; the names of the states; the sum of many. */
#include "queue/counters.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
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

/* ---- the sum of many ---- */

/* All that is counted, as one row of numbers: no field can be forgotten. */
enum { COUNTS = offsetof(pe_counters, latency) / sizeof(uint64_t) };

static void fill(pe_counters *counters, uint64_t factor) {
  memset(counters, 0, sizeof *counters);
  for (uint64_t i = 0; i < COUNTS; i++) {
    uint64_t count = factor * (i + 1);
    memcpy((char *)counters + i * sizeof count, &count, sizeof count);
  }
}

static void the_sum_has_every_count_of_both(void **state) {
  pe_counters sum, other;
  (void)state;
  fill(&sum, 1);
  fill(&other, 1000);
  pe_counters_add(&sum, &other);
  for (uint64_t i = 0; i < COUNTS; i++) {
    uint64_t count;
    memcpy(&count, (char *)&sum + i * sizeof count, sizeof count);
    assert_int_equal(count, 1001 * (i + 1));
  }
}

static void the_sum_has_the_latencies_of_both(void **state) {
  pe_counters sum, other;
  (void)state;
  fill(&sum, 0);
  fill(&other, 0);
  for (int i = 0; i < 90; i++)
    pe_latencies_add(&sum.latency, PE_MILLISECOND);
  for (int i = 0; i < 10; i++)
    pe_latencies_add(&other.latency, PE_SECOND);
  pe_counters_add(&sum, &other);
  assert_int_equal(sum.latency.count, 100);
  assert_int_equal(sum.latency.sum, 90 * PE_MILLISECOND + 10 * PE_SECOND);
  assert_int_equal(sum.latency.max, PE_SECOND);
  assert_true(pe_latencies_quantile(&sum.latency, 0.5) < 2 * PE_MILLISECOND);
  assert_int_equal(pe_latencies_quantile(&sum.latency, 0.99), PE_SECOND);
}

static void the_sum_is_in_the_state_that_wants_attention(void **state) {
  static const pe_state order[] = {PE_STATE_CLOSED, PE_STATE_IDLE, PE_STATE_SENDING, PE_STATE_COOLING, PE_STATE_HELD};
  (void)state;
  for (int a = 0; a < 5; a++)
    for (int b = 0; b < 5; b++) {
      pe_counters sum = {.state = order[a]}, other = {.state = order[b]};
      pe_counters_add(&sum, &other);
      assert_int_equal(sum.state, order[a > b ? a : b]);
    }
}

static void the_sum_has_the_later_error(void **state) {
  pe_counters none = {.last_error = PE_OK};
  pe_counters early = {.last_error = PE_TIMEOUT, .last_error_at = 1, .last_error_message = "early"};
  pe_counters late = {.last_error = PE_TLS, .last_error_at = 2, .last_error_message = "late"};
  (void)state;
  pe_counters_add(&late, &early);
  assert_string_equal(late.last_error_message, "late");
  pe_counters_add(&early, &late);
  assert_string_equal(early.last_error_message, "late");
  assert_int_equal(early.last_error, PE_TLS);
  pe_counters_add(&none, &late);
  assert_int_equal(none.last_error_at, 2);
  pe_counters_add(&none, &(pe_counters){.last_error_at = 9});
  assert_int_equal(none.last_error_at, 2);
}

static void what_a_process_held_at_its_end_is_lost(void **state) {
  pe_counters counters;
  uint64_t accepted, pending;
  (void)state;
  fill(&counters, 1);
  accepted = counters.accepted;
  pending = counters.pending + counters.lost;
  pe_counters_end(&counters);
  assert_int_equal(counters.lost, pending);
  assert_int_equal(counters.pending + counters.queued + counters.waiting + counters.in_flight, 0);
  assert_int_equal(counters.pending_bytes + counters.maybe_sent, 0);
  assert_int_equal(counters.accepted, accepted);
  assert_int_equal(counters.state, PE_STATE_CLOSED);
}

static void what_a_process_had_on_disk_at_its_end_is_kept(void **state) {
  pe_counters counters = {.accepted = 10, .pending = 7, .queued = 7, .unwritten = 2, .on_disk = 3};
  (void)state;
  counters.outcomes[PE_DELIVERED] = 3;
  assert_int_equal(pe_counters_kept(&counters), 0);
  counters.spool = (pe_spool_gauges){.state = PE_SPOOL_FULL, .bytes = 9, .dead = 9, .failures = 9};
  assert_int_equal(pe_counters_kept(&counters), 5);
  pe_counters_end(&counters);
  assert_int_equal(counters.kept, 5);
  assert_int_equal(counters.lost, 2);
  assert_int_equal(counters.pending + counters.on_disk + counters.unwritten, 0);
  assert_int_equal(counters.spool.bytes + counters.spool.dead, 0);
  assert_int_equal(counters.spool.failures, 9);
}

/* Each as it has it: a spool keeps nothing of the client beside it. */
static void what_clients_without_a_spool_hold_is_not_kept_by_the_spool_of_another(void **state) {
  const pe_counters without = {.accepted = 10, .pending = 10, .queued = 10};
  const pe_counters with = {
      .accepted = 5, .pending = 5, .queued = 5, .unwritten = 1, .spool = {.state = PE_SPOOL_WORKS}};
  pe_counters sum = {0}, of_sums = {0};
  (void)state;
  pe_counters_add(&sum, &without);
  pe_counters_add(&sum, &with);
  assert_int_equal(pe_counters_kept(&sum), 4);
  pe_counters_add(&of_sums, &sum);
  pe_counters_add(&of_sums, &without);
  pe_counters_add(&of_sums, &sum);
  assert_int_equal(pe_counters_kept(&of_sums), 8);
  pe_counters_end(&of_sums);
  assert_int_equal(of_sums.kept, 8);
  assert_int_equal(of_sums.lost, 32);
  assert_int_equal(of_sums.unspooled, 0);
}

static void the_sum_has_the_spools_of_both(void **state) {
  pe_counters sum = {
      .spool = {PE_SPOOL_FAILS, 1, 2, 3, 4, 5, 6, 7, .dead_lost = 3, .last_error_at = 1, .last_error = "early"}};
  const pe_counters other = {
      .spool = {PE_SPOOL_WORKS, 10, 20, 30, 40, 50, 60, 5, .dead_lost = 4, .last_error_at = 2, .last_error = "late"}};
  (void)state;
  pe_counters_add(&sum, &other);
  assert_int_equal(sum.spool.state, PE_SPOOL_FAILS);
  assert_int_equal(sum.spool.bytes, 11);
  assert_int_equal(sum.spool.dead, 22);
  assert_int_equal(sum.spool.dead_dropped, 33);
  assert_int_equal(sum.spool.dead_lost, 7);
  assert_int_equal(sum.spool.failures, 44);
  assert_int_equal(sum.spool.adopted, 55);
  assert_int_equal(sum.spool.damaged, 66);
  assert_int_equal(sum.spool.newer, 7);
  assert_string_equal(sum.spool.last_error, "late");
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(a_bucket_is_at_most_a_quarter_wide),
                                     TEST(the_shortest_are_told_to_the_microsecond),
                                     TEST(buckets_touch),
                                     TEST(none_has_no_quantiles),
                                     TEST(what_no_bucket_fits_is_kept_apart),
                                     TEST(quantiles_are_those_of_the_values),
                                     TEST(every_state_and_outcome_has_a_name),
                                     TEST(the_sum_has_every_count_of_both),
                                     TEST(the_sum_has_the_latencies_of_both),
                                     TEST(the_sum_is_in_the_state_that_wants_attention),
                                     TEST(the_sum_has_the_later_error),
                                     TEST(what_a_process_held_at_its_end_is_lost),
                                     TEST(what_a_process_had_on_disk_at_its_end_is_kept),
                                     TEST(what_clients_without_a_spool_hold_is_not_kept_by_the_spool_of_another),
                                     TEST(the_sum_has_the_spools_of_both)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
