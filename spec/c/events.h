/* Events for the tests of the queue and of what stands on it, and the two equations that hold at every moment. */
#ifndef PE_TEST_EVENTS_H
#define PE_TEST_EVENTS_H

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "queue/queue.h"
#include "test.h"

/* A moment, for tests in which no time passes. */
#define NOW (INT64_C(5000) * PE_SECOND)

static inline pe_event event_of(const char *body) {
  return (pe_event){.body = body, .body_size = strlen(body)};
}

static inline pe_queue *queue_with(const pe_queue_config *config) {
  pe_queue *queue = NULL;
  assert_int_equal(pe_queue_new(config, &queue), PE_OK);
  return queue;
}

static inline void check_equations(const pe_counters *counters, bool *holds) {
  uint64_t refused = 0, ended = 0;
  for (int i = 0; i < PE_ERROR_COUNT; i++)
    refused += counters->refused[i];
  for (int i = 0; i < PE_OUTCOME_COUNT; i++)
    ended += counters->outcomes[i];
  *holds = counters->calls == counters->accepted + counters->filtered + refused &&
           counters->accepted + counters->restored == ended + counters->pending &&
           counters->pending == counters->queued + counters->waiting + counters->in_flight &&
           (counters->pending > counters->on_disk) == (counters->pending_bytes > 0);
}

/* Asserts the equations; returns a copy of the counters. */
static inline pe_counters accounted(pe_queue *queue) {
  pe_counters counters;
  bool holds;
  pe_queue_snapshot(queue, &counters);
  check_equations(&counters, &holds);
  assert_true(holds);
  return counters;
}

/* Pushes an event at that moment and expects it to be accepted. Returns its ticket. */
static inline uint64_t push_at(pe_queue *queue, const char *body, int64_t now) {
  const pe_event event = event_of(body);
  pe_push push;
  assert_int_equal(pe_queue_push(queue, &event, now, &push), PE_OK);
  assert_null(push.dropped);
  (void)accounted(queue);
  return push.ticket;
}

/* Takes an event and returns its ticket; 0: there is none. The record, when it is asked for, goes to *record. */
static inline uint64_t take_at(pe_queue *queue, pe_pick pick, int64_t now, pe_record **record) {
  pe_record *taken = pe_queue_take(queue, pick, now);
  (void)accounted(queue);
  if (record) *record = taken;
  return taken ? taken->ticket : 0;
}

static inline void end_with(pe_queue *queue, pe_record *record, pe_outcome outcome, pe_error code) {
  const pe_queue_answer answer = {outcome == PE_DELIVERED ? 200 : 0, code, "what went wrong", 0};
  pe_queue_end(queue, record, outcome, code, &answer, NOW);
  (void)accounted(queue);
  free(record);
}

static inline void deliver(pe_queue *queue, pe_record *record) {
  end_with(queue, record, PE_DELIVERED, PE_OK);
}

static inline void retry_at(pe_queue *queue, pe_record *record, int64_t due) {
  const pe_queue_answer answer = {503, PE_UNAVAILABLE, "not now", 0};
  assert_true(pe_queue_retry(queue, record, due, &answer));
  (void)accounted(queue);
}

/* All that is too old by then, counted as expired; linked by `newer`, oldest first. */
static inline pe_record *take_expired(pe_queue *queue, int64_t now) {
  pe_record *first = NULL;
  pe_record **end = &first;
  while ((*end = pe_queue_take_expired(queue, now))) {
    pe_queue_end(queue, *end, PE_EXPIRED, PE_OK, NULL, now);
    end = &(*end)->newer;
  }
  return first;
}

/* Frees a list that the queue gave; returns how many were in it, and checks that they came oldest first. */
static inline size_t free_list(pe_record *record) {
  size_t count = 0;
  uint64_t last = 0;
  while (record) {
    pe_record *newer = record->newer;
    assert_true(record->ticket > last);
    last = record->ticket;
    free(record);
    record = newer;
    count++;
  }
  return count;
}

#endif
