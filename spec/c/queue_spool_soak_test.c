/* The queue with a spool between two threads: an owner that is faster than the disk, so that the oldest go while they
 * are just written, or most is on disk alone; and a sender whose disk is a table in memory, and who tries some of the
 * events again, so that they do not end in their order. */
#include <sched.h>

#include "base/thread.h"
#include "events.h"

enum { EVENTS = 20000, WINDOW = 20, BATCH = 16, WIDTH = 4 };

typedef struct sender {
  pe_queue *queue;
  bool stops; /* atomic */
  /* the sender's thread */
  bool on_disk[EVENTS + 1]; /* by row */
  uint64_t delivered, twice;
} sender;

static void write_some(sender *self) {
  pe_record *batch[BATCH];
  size_t count = pe_queue_unwritten(self->queue, batch, BATCH);
  for (size_t i = 0; i < count; i++) {
    assert_memory_equal(pe_record_body(batch[i]), "{x}", 3); /* it is not freed in our hands */
    self->on_disk[batch[i]->ticket] = true;
  }
  count = pe_queue_written(self->queue, batch, count);
  for (size_t i = 0; i < count; i++)
    self->on_disk[batch[i]->ticket] = false;
}

static void forget(sender *self) {
  pe_record *record = pe_queue_take_forgotten(self->queue);
  while (record) {
    pe_record *newer = record->newer;
    if (pe_record_is_on_disk(record)) self->on_disk[record->row] = false;
    free(record);
    record = newer;
  }
}

/* As far as there is room. */
static void read_some(sender *self) {
  for (size_t left = pe_queue_wanted(self->queue, false); left > 0; left--) {
    pe_returning returning = {.event = event_of("{x}"), .accepted_at = NOW};
    int64_t row = returning.after = pe_queue_read_after(self->queue, false);
    do
      row++;
    while (row <= EVENTS && !self->on_disk[row]);
    if (row > EVENTS) return;
    returning.row = row;
    assert_int_equal(pe_queue_read_back(self->queue, &returning, NOW), PE_OK);
  }
}

/* Every third event is tried again. */
static void settle(sender *self, pe_record *record) {
  const pe_queue_answer answer = {200, PE_OK, NULL, 0};
  if (record->attempts == 1 && record->ticket % 3 == 0) {
    assert_true(pe_queue_retry(self->queue, record, NOW, &answer));
    return;
  }
  if (!self->on_disk[record->ticket]) self->twice++;
  self->on_disk[record->ticket] = false;
  self->delivered++;
  pe_queue_end(self->queue, record, PE_DELIVERED, PE_OK, &answer, NOW);
  free(record);
}

static void deliver_some(sender *self) {
  pe_record *in_flight[WIDTH];
  int count = 0;
  while (count < WIDTH && (in_flight[count] = pe_queue_take(self->queue, PE_PICK_DUE, NOW)))
    count++;
  (void)sched_yield(); /* the owner may make room meanwhile */
  while (count > 0)
    settle(self, in_flight[--count]);
}

static void *send_all(void *user) {
  sender *self = user;
  while (!__atomic_load_n(&self->stops, __ATOMIC_ACQUIRE)) {
    forget(self);
    write_some(self);
    read_some(self);
    deliver_some(self);
    pe_queue_attend(self->queue, NOW + PE_SECOND);
    (void)sched_yield();
  }
  forget(self);
  return NULL;
}

static void burst(pe_overflow overflow) {
  static sender self;
  const pe_queue_config config = {.max_events = WINDOW,
                                  .max_bytes = 1 << 20,
                                  .overflow = overflow,
                                  .wait = 20 * PE_SECOND,
                                  .max_age = INT64_MAX,
                                  .width = WIDTH,
                                  .spools = true};
  pe_thread thread;
  pe_counters counters;
  memset(&self, 0, sizeof self);
  self.queue = queue_with(&config);
  assert_true(pe_thread_start(&thread, send_all, &self));
  for (int i = 0; i < EVENTS; i++) {
    const pe_event event = event_of("{x}");
    pe_push push;
    assert_int_equal(pe_queue_push(self.queue, &event, NOW, &push), PE_OK);
    (void)pe_queue_forget(self.queue, push.dropped);
    if (i % 100 == 0) (void)accounted(self.queue);
  }
  assert_int_equal(pe_queue_flush(self.queue, 20 * PE_SECOND), 0);
  __atomic_store_n(&self.stops, true, __ATOMIC_RELEASE);
  pe_thread_join(thread);
  counters = accounted(self.queue);
  assert_int_equal(counters.outcomes[PE_DROPPED] + self.delivered, EVENTS);
  assert_true(overflow == PE_OVERFLOW_DROP_OLDEST || self.delivered == EVENTS);
  assert_int_equal(counters.outcomes[PE_DELIVERED], self.delivered);
  assert_int_equal(self.twice, 0);
  for (int row = 1; row <= EVENTS; row++)
    assert_false(self.on_disk[row]);
  pe_queue_free(self.queue);
}

static void test_refuses_nothing_of_a_burst(void **state) {
  (void)state;
  burst(PE_OVERFLOW_DROP_OLDEST);
}

static void test_brings_back_each_event_once(void **state) {
  (void)state;
  burst(PE_OVERFLOW_WAIT);
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(test_refuses_nothing_of_a_burst), TEST(test_brings_back_each_event_once)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
