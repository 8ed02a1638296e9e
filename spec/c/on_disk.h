/* A queue with a spool, for its tests: what its sender does, without a disk. */
#ifndef PE_TEST_ON_DISK_H
#define PE_TEST_ON_DISK_H

#include "events.h"
#include "test.h"

static inline pe_queue *spooling_queue(size_t max_events) {
  const pe_queue_config config = {
      .max_events = max_events, .max_bytes = 1 << 20, .max_age = 100 * PE_SECOND, .width = 4, .spools = true};
  return queue_with(&config);
}

/* What the sender does with what was accepted. */
static inline size_t write_out(pe_queue *queue) {
  pe_record *records[64];
  size_t count = pe_queue_unwritten(queue, records, 64);
  assert_int_equal(pe_queue_written(queue, records, count), 0);
  (void)accounted(queue);
  return count;
}

static inline void read_back(pe_queue *queue, int64_t row, bool restored) {
  const pe_returning returning = {.event = event_of("x"),
                                  .row = row,
                                  .after = pe_queue_read_after(queue, restored),
                                  .restored = restored,
                                  .accepted_at = NOW};
  assert_int_equal(pe_queue_read_back(queue, &returning, NOW), PE_OK);
  (void)accounted(queue);
}

static inline uint64_t take(pe_queue *queue, pe_record **record) {
  return take_at(queue, PE_PICK_DUE, NOW, record);
}

#endif
