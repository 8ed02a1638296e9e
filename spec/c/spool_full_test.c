/* A spool whose share of the disk, max_bytes, is used: the queue's overflow policy decides, no more goes than must, and
 * nothing that went is delivered. And one that has no disk: who is refused for it can see why. */
#include <sched.h>

#include "base/thread.h"
#include "spooling.h"

enum { SHARE = 1 << 17, SIZE = 300, EVENTS = 900, PAGE = 4096 };

static void start(spooling *self, pe_overflow overflow, bool awaits) {
  static pe_spool_config config;
  pe_queue_config queue = spooling_queue_config();
  config = spooling_config();
  config.max_bytes = SHARE;
  queue.max_events = awaits ? 400 : 40;
  queue.overflow = overflow;
  queue.awaits = queue.required = awaits;
  spooling_size = SIZE;
  assert_int_equal(spooling_start_queue(self, &queue, &config), PE_OK);
}

static void is_within_its_share(spooling *self) {
  pe_counters counters = accounted(self->queue);
  assert_int_equal(counters.spool.state, PE_SPOOL_WORKS);
  assert_int_equal(counters.spool.failures, 0);
  assert_in_range(counters.spool.bytes, SHARE * 3 / 4, SHARE);
}

/* The sender has nothing to do before something ends, or time goes on. */
static void sleeps(spooling *self) {
  spooling_run(self);
  assert_true(pe_queue_next(self->queue, PE_PICK_DUE, INT64_MAX, spooling_now) > spooling_now);
  assert_true(pe_spool_next(self->spool) > spooling_now);
}

/* Each of the events from 0 to before `count` was delivered once, or went, of which there are so many at most. */
static void all_came_that_did_not_go(unsigned count, unsigned most) {
  unsigned gone = 0;
  for (unsigned i = 0; i < count; i++) {
    assert_int_equal(spooling_delivered[i] + spooling_rejected[i] + spooling_dropped[i], 1);
    gone += spooling_dropped[i];
  }
  assert_true(gone <= most);
}

/* An outage: nothing is sent. So many events are accepted between two looks of the sender. */
static void overflow_by(unsigned burst) {
  spooling self;
  uint64_t kept;
  start(&self, PE_OVERFLOW_DROP_OLDEST, false);
  for (unsigned i = 0; i < EVENTS; i++) {
    assert_int_equal(spooling_try(&self, i), PE_OK);
    if (i % burst == 0) spooling_run(&self);
  }
  sleeps(&self);
  is_within_its_share(&self);
  kept = accounted(self.queue).pending;
  assert_true(kept * SIZE > SHARE / 2);
  for (unsigned i = EVENTS - 40; i < EVENTS; i++)
    assert_int_equal(spooling_dropped[i], 0);
  spooling_stop(&self); /* what went is not on disk either */
  start(&self, PE_OVERFLOW_DROP_OLDEST, false);
  spooling_drain(&self);
  assert_int_equal(accounted(self.queue).restored, kept);
  spooling_stop(&self);
  all_came_that_did_not_go(EVENTS, EVENTS - (unsigned)kept);
}

static void test_drops_no_more_than_it_must(void **state) {
  (void)state;
  overflow_by(1);
}

static void test_drops_no_more_for_a_burst(void **state) {
  (void)state;
  overflow_by(15);
}

/* What takes more room than it said is accepted all the same: what was written before it stays on disk, and it waits in
 * memory for what is sent. */
static void test_keeps_in_memory_what_finds_no_room(void **state) {
  spooling self;
  unsigned count = 0;
  (void)state;
  start(&self, PE_OVERFLOW_REJECT, false);
  spooling_size = 2100; /* one to a page */
  while (spooling_push(&self, count))
    if (++count % 30 == 0) spooling_run(&self);
  sleeps(&self);
  assert_in_range(accounted(self.queue).unwritten, 1, 30);
  is_within_its_share(&self);
  spooling_drain(&self);
  spooling_stop(&self);
  all_came_that_did_not_go(count, 0);
}

/* It was accepted: at the end it goes beyond the share, by so little as was in memory. */
static void test_writes_at_the_end_what_found_no_room(void **state) {
  spooling self;
  unsigned count = 0;
  uint64_t bytes;
  (void)state;
  start(&self, PE_OVERFLOW_REJECT, false);
  spooling_size = 2100;
  while (spooling_push(&self, count))
    if (++count % 30 == 0) spooling_run(&self);
  sleeps(&self);
  bytes = accounted(self.queue).unwritten * PAGE;
  assert_true(bytes > 0);
  spooling_stop(&self);
  start(&self, PE_OVERFLOW_REJECT, false);
  spooling_run(&self);
  assert_int_equal(accounted(self.queue).restored, count);
  assert_in_range(accounted(self.queue).spool.bytes, SHARE * 3 / 4, SHARE + bytes);
  spooling_drain(&self);
  spooling_stop(&self);
  all_came_that_did_not_go(count, 0);
}

/* Each caller waits for the disk. Returns how many were accepted; the others had that error. */
static unsigned track_all(spooling *self, pe_error otherwise) {
  unsigned count = 0;
  for (unsigned i = 0; i < EVENTS; i++) {
    pe_error error = spooling_try(self, count);
    spooling_run(self);
    if (error == PE_OK) error = pe_queue_await(self->queue);
    if (error == PE_OK)
      count++;
    else
      assert_int_equal(error, otherwise);
    assert_int_equal(accounted(self->queue).unwritten, 0);
  }
  is_within_its_share(self);
  return count;
}

static void refuses(pe_overflow overflow) {
  spooling self;
  unsigned count;
  start(&self, overflow, true);
  count = track_all(&self, PE_QUEUE_FULL);
  assert_true(count * SIZE > SHARE / 2);
  assert_int_equal(accounted(self.queue).refused[PE_QUEUE_FULL], EVENTS - count);
  spooling_drain(&self);
  spooling_stop(&self);
  all_came_that_did_not_go(count, 0);
}

static void test_refuses_who_waits_for_the_disk(void **state) {
  (void)state;
  refuses(PE_OVERFLOW_REJECT);
}

static void test_refuses_who_waits_for_room(void **state) {
  (void)state;
  refuses(PE_OVERFLOW_WAIT);
}

static void test_drops_for_who_waits_for_the_disk(void **state) {
  spooling self;
  uint64_t kept;
  (void)state;
  start(&self, PE_OVERFLOW_DROP_OLDEST, true);
  assert_int_equal(track_all(&self, PE_OK), EVENTS);
  kept = accounted(self.queue).pending;
  assert_true(kept * SIZE > SHARE / 2);
  spooling_drain(&self);
  spooling_stop(&self);
  all_came_that_did_not_go(EVENTS, EVENTS - (unsigned)kept);
}

/* A large event takes the place of many. */
static void test_drops_many_for_a_large_one(void **state) {
  spooling self;
  (void)state;
  start(&self, PE_OVERFLOW_DROP_OLDEST, true);
  spooling_size = SIZE / 2;
  for (unsigned i = 0; i < 1000; i++) {
    assert_int_equal(spooling_try(&self, i), PE_OK);
    spooling_run(&self);
    assert_int_equal(pe_queue_await(self.queue), PE_OK);
    if (i % 100 == 99) spooling_size = spooling_size < SIZE ? 2100 : SIZE / 2;
  }
  is_within_its_share(&self);
  spooling_drain(&self);
  spooling_stop(&self);
  all_came_that_did_not_go(1000, 1000);
}

typedef struct waiter {
  spooling spooling;
  pe_error error;
  pe_counters counters; /* behind it */
} waiter;

/* The owner's thread. */
static void *track_in_vain(void *user) {
  waiter *self = user;
  pe_queue *queue = self->spooling.queue;
  self->error = spooling_try(&self->spooling, 0);
  if (self->error == PE_OK) self->error = pe_queue_await(queue);
  pe_queue_snapshot(queue, &self->counters);
  return NULL;
}

static void test_says_why_before_it_refuses(void **state) {
  static pe_spool_config config;
  pe_queue_config queue = spooling_queue_config();
  (void)state;
  config = spooling_config();
  config.directory = "/proc/no/such";
  queue.awaits = queue.required = true;
  for (int i = 0; i < 300; i++) {
    waiter self;
    pe_thread owner;
    assert_int_equal(spooling_start_queue(&self.spooling, &queue, &config), PE_OK);
    assert_true(pe_thread_start(&owner, track_in_vain, &self));
    while (accounted(self.spooling.queue).refused[PE_SPOOL] == 0) {
      spooling_run(&self.spooling);
      (void)sched_yield();
    }
    pe_thread_join(owner);
    assert_int_equal(self.error, PE_SPOOL);
    assert_true(self.counters.spool.last_error_at != 0);
    spooling_stop(&self.spooling);
  }
}

#define SPOOLING(function) cmocka_unit_test_setup_teardown(function, spooling_set_up, spooling_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      SPOOLING(test_drops_no_more_than_it_must),           SPOOLING(test_drops_no_more_for_a_burst),
      SPOOLING(test_keeps_in_memory_what_finds_no_room),   SPOOLING(test_refuses_who_waits_for_the_disk),
      SPOOLING(test_refuses_who_waits_for_room),           SPOOLING(test_drops_for_who_waits_for_the_disk),
      SPOOLING(test_writes_at_the_end_what_found_no_room), SPOOLING(test_drops_many_for_a_large_one),
      SPOOLING(test_says_why_before_it_refuses),
  };
  if (!pe_spool_version()) return 0; /* a build without SQLite */
  return cmocka_run_group_tests(tests, spooling_use_clock, NULL);
}
