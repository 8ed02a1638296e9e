/* For a machine whose size_t has 32 bits: limits of options that it cannot count to. Compiled with -m32 by
 * spec/build/narrow_spec.lua, without cmocka, which such a machine's compiler may not have. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/number.h"
#include "delivery/results.h"
#include "queue/queue.h"

static int failed;

static void check(int is_good, const char *what) {
  if (is_good) return;
  (void)fprintf(stderr, "%s\n", what);
  failed = 1;
}

static void sizes_end_where_the_machine_does(void) {
  check(pe_number_to_size(0) == 0, "0 as a size");
  check(pe_number_to_size(4294967294.0) == SIZE_MAX - 1, "2^32 - 2 as a size");
  check(pe_number_to_size(4294967296.0) == SIZE_MAX, "2^32 as a size");
  check(pe_number_to_size(1099511627776.0) == SIZE_MAX, "2^40 as a size");
}

static void a_queue_without_a_limit_takes_events(void) {
  const pe_queue_config config = {.max_events = pe_number_to_size(2147483648.0),
                                  .max_bytes = pe_number_to_size(1099511627776.0),
                                  .wait = PE_SECOND,
                                  .max_age = PE_SECOND,
                                  .width = pe_number_to_size(1000)};
  const pe_event event = {.body = "{}", .body_size = 2};
  pe_queue *queue = NULL;
  pe_push push;

  check(pe_queue_new(&config, &queue) == PE_OK, "a queue of 2^40 bytes");
  for (int i = 0; queue && i < 3; i++)
    check(pe_queue_push(queue, &event, pe_clock_monotonic(), &push) == PE_OK, "an event in it");
  pe_queue_free(queue);
}

/* 932068 results of 4.5 KiB are 2^32 and 2048 bytes. */
static void a_ring_of_many_results_keeps_two(void) {
  pe_results *results = NULL;
  pe_record record = {0};
  uint64_t lost = 0;

  check(pe_results_new(932068, &results) == PE_OK, "a ring of 932068 results");
  for (int i = 0; results && i < 100; i++)
    pe_results_put(results, pe_result_new(&record, PE_EXPIRED, PE_OK, &(pe_result_words){0, NULL, NULL}, 0));
  check(results && pe_results_count(results, &lost) == 100 && lost == 0, "100 results in it");
  pe_results_free(results);
}

int main(void) {
  check(sizeof(size_t) == 4, "a size_t of 32 bits");
  sizes_end_where_the_machine_does();
  a_queue_without_a_limit_takes_events();
  a_ring_of_many_results_keeps_two();
  return failed;
}
