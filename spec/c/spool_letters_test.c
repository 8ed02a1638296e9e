/* Dead letters while the disk is full or what is open is taken away: each event that was refused has left one, or one
 * that gave way, or one that is counted as lost; and what has ended is not sent again. */
#include "little_disk.h"

#include <errno.h>

#include "spooling.h"

static bool has_nothing; /* not even a byte is left */

EXPORT ssize_t pwrite64(int file, const void *bytes, size_t size, off_t at);
ssize_t pwrite64(int file, const void *bytes, size_t size, off_t at) {
  static ssize_t (*real)(int, const void *, size_t, off_t);
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pwrite64");
  if (has_nothing) errno = ENOSPC;
  return has_nothing ? -1 : real(file, bytes, size, at);
}

/* To nothing. */
static void cut_log(void) {
  spooling_shell("for f in %s/*-wal; do : > $f; done");
}

static void push_all(spooling *self, unsigned first, unsigned last) {
  for (unsigned i = first; i <= last; i++)
    assert_true(spooling_push(self, i));
  spooling_run(self);
}

static void take(spooling *self, pe_record *records[4]) {
  for (int i = 0; i < 4; i++) {
    records[i] = pe_queue_take(self->queue, PE_PICK_DUE, spooling_now);
    assert_non_null(records[i]);
  }
}

/* Four events, which are in flight. */
static void start_with_four(spooling *self, pe_record *records[4]) {
  spooling_start(self);
  push_all(self, 1, 4);
  take(self, records);
}

static void end_four(spooling *self, pe_record *records[4]) {
  for (int i = 0; i < 4; i++)
    spooling_end(self, records[i]);
}

static void wait_and_run(spooling *self) {
  for (int i = 0; i < 3; i++) {
    spooling_now += 2 * PE_SECOND;
    spooling_run(self);
  }
}

/* So many events in all ended once each, and the letters add up. */
static void all_ended_once(spooling *self, unsigned count) {
  pe_spool_gauges spool = accounted(self->queue).spool;
  uint64_t rejected = 0;
  for (unsigned i = 1; i <= count; i++) {
    assert_int_equal(spooling_delivered[i] + spooling_rejected[i], 1);
    rejected += spooling_rejected[i];
  }
  assert_true(rejected > 0);
  assert_int_equal(spool.dead + spool.dead_dropped + spool.dead_lost, rejected);
}

static void finish(spooling *self, unsigned count) {
  spooling_drain(self);
  all_ended_once(self, count);
  spooling_stop(self);
  spooling_start(self);
  spooling_drain(self);
  assert_int_equal(accounted(self->queue).restored, 0);
  spooling_stop(self);
}

static void test_are_written_when_there_is_room(void **state) {
  spooling self;
  pe_record *records[4];
  (void)state;
  start_with_four(&self, records);
  has_nothing = true;
  end_four(&self, records);
  wait_and_run(&self);
  assert_int_equal(accounted(self.queue).spool.state, PE_SPOOL_FULL);
  has_nothing = false;
  wait_and_run(&self);
  assert_int_equal(accounted(self.queue).spool.dead, 1);
  finish(&self, 4);
}

static void test_are_counted_where_there_is_none_to_the_end(void **state) {
  spooling self;
  pe_record *records[4];
  pe_spool_gauges spool;
  (void)state;
  start_with_four(&self, records);
  has_nothing = true;
  end_four(&self, records);
  pe_spool_free(self.spool);
  has_nothing = false;
  spool = accounted(self.queue).spool;
  assert_int_equal(spool.dead + spool.dead_lost, 1);
  pe_queue_free(self.queue);
}

static void test_are_not_forgotten_with_a_log_that_is_cut(void **state) {
  spooling self;
  pe_record *records[4];
  (void)state;
  start_with_four(&self, records);
  end_four(&self, records);
  cut_log();
  spooling_run(&self);
  finish(&self, 4);
}

/* What is done again when the disk is back is not done again with what ends later. */
static void test_are_done_again_once_after_a_log_that_is_cut(void **state) {
  spooling self;
  pe_record *records[4];
  (void)state;
  start_with_four(&self, records);
  has_nothing = true;
  for (int i = 0; i < 3; i++)
    spooling_end(&self, records[i]);
  wait_and_run(&self);
  cut_log();
  has_nothing = false;
  spooling_now += 2 * PE_SECOND;
  spooling_run(&self);
  spooling_end(&self, records[3]);
  spooling_run(&self);
  assert_int_equal(accounted(self.queue).spool.dead, 1);
  finish(&self, 4);
}

/* What was in flight is in the new file, too, by the copy of the old one. */
static void test_end_what_was_copied(void **state) {
  spooling self;
  pe_record *records[4];
  (void)state;
  start_with_four(&self, records);
  assert_true(pe_queue_retry(self.queue, records[0], spooling_now, NULL));
  push_all(&self, 5, 5);
  spooling_shell("rm %s/*");
  has_little = true;
  spooling_run(&self);
  for (int i = 1; i < 4; i++)
    spooling_end(&self, records[i]);
  wait_and_run(&self);
  has_little = false;
  finish(&self, 5);
}

static void test_that_gave_way_stay_counted(void **state) {
  static pe_spool_config config;
  spooling self;
  (void)state;
  config = spooling_config();
  config.dead_letters = 1;
  assert_int_equal(spooling_start_with(&self, &config), PE_OK);
  for (unsigned i = 1; i <= 20; i++) {
    push_all(&self, i, i);
    (void)spooling_cycle(&self);
  }
  spooling_shell("rm %s/*");
  push_all(&self, 21, 21);
  spooling_drain(&self);
  all_ended_once(&self, 21);
  assert_int_equal(accounted(self.queue).spool.dead_dropped, 3);
  spooling_stop(&self);
}

#define SPOOLING(function) cmocka_unit_test_setup_teardown(function, spooling_set_up, spooling_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      SPOOLING(test_are_written_when_there_is_room),
      SPOOLING(test_are_counted_where_there_is_none_to_the_end),
      SPOOLING(test_are_not_forgotten_with_a_log_that_is_cut),
      SPOOLING(test_are_done_again_once_after_a_log_that_is_cut),
      SPOOLING(test_end_what_was_copied),
      SPOOLING(test_that_gave_way_stay_counted),
  };
  if (!pe_spool_version()) return 0; /* a build without SQLite */
  return cmocka_run_group_tests(tests, spooling_use_clock, NULL);
}
