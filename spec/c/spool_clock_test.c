/* The wall time is set, and a machine sleeps, while events are on disk: their age is what passed for them. And what
 * another process has left behind is looked for as time goes on. */
#include "spooling.h"

static const int64_t HOUR = 3600 * PE_SECOND, YEAR = 365 * 24 * 3600 * PE_SECOND;

enum { EVENTS = 20, MANY = 64 };

/* Some are in memory, most are on disk alone. */
static void fill(spooling *self) {
  spooling_start(self);
  for (unsigned i = 0; i < EVENTS; i++) {
    assert_true(spooling_push(self, i));
    spooling_run(self);
    if (i == EVENTS / 2) spooling_wall_ahead -= HOUR; /* in between, too */
  }
  assert_true(accounted(self->queue).on_disk > EVENTS / 2);
}

/* Drains; nothing may be older than that. */
static void drain_younger_than(spooling *self, int64_t age) {
  while (accounted(self->queue).pending > 0) {
    pe_record *record = pe_queue_take(self->queue, PE_PICK_DUE, spooling_now);
    if (record) {
      assert_true(spooling_now - record->accepted_at <= age && record->accepted_at <= spooling_now);
      spooling_end(self, record);
    }
    spooling_run(self);
  }
}

static void test_ages_by_what_passed_for_our_own(void **state) {
  static const int64_t steps[] = {-HOUR, HOUR, -YEAR, YEAR};
  (void)state;
  for (int i = 0; i < 4; i++) {
    spooling self;
    fill(&self);
    spooling_wall_ahead += steps[i];
    spooling_now += 60 * PE_SECOND;
    drain_younger_than(&self, 60 * PE_SECOND);
    spooling_stop(&self);
  }
}

static void test_remembers_the_last_steps_of_many(void **state) {
  spooling self;
  (void)state;
  spooling_start(&self);
  for (unsigned i = 0; i < MANY; i++) {
    assert_true(spooling_push(&self, i));
    spooling_run(&self);
    spooling_wall_ahead += i % 2 ? YEAR : -YEAR;
  }
  spooling_now += 60 * PE_SECOND;
  while (accounted(self.queue).pending > 0)
    (void)spooling_cycle(&self);
  spooling_stop(&self);
}

static void test_is_not_younger_than_now_where_it_was_restored(void **state) {
  spooling self;
  (void)state;
  fill(&self);
  spooling_stop(&self);
  spooling_wall_ahead -= 2 * HOUR;
  spooling_now += 60 * PE_SECOND;
  spooling_start(&self);
  spooling_run(&self);
  drain_younger_than(&self, 60 * PE_SECOND);
  spooling_stop(&self);
}

static void test_adopts_within_half_a_minute(void **state) {
  spooling self, other;
  (void)state;
  spooling_start(&self);
  spooling_run(&self);
  spooling_start(&other);
  assert_true(spooling_push(&other, 0));
  spooling_run(&other);
  spooling_now += 60 * PE_SECOND;
  spooling_run(&self);
  assert_int_equal(accounted(self.queue).pending, 0); /* it has an owner */
  spooling_stop(&other);
  spooling_run(&self);
  assert_int_equal(accounted(self.queue).pending, 0);
  spooling_now += 30 * PE_SECOND;
  spooling_run(&self);
  assert_int_equal(accounted(self.queue).restored, 1);
  while (accounted(self.queue).pending > 0)
    (void)spooling_cycle(&self);
  assert_int_equal(spooling_delivered[0], 1);
  spooling_stop(&self);
  assert_int_equal(spooling_files(".spool"), 0);
}

#define SPOOLING(function) cmocka_unit_test_setup_teardown(function, spooling_set_up, spooling_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      SPOOLING(test_ages_by_what_passed_for_our_own),
      SPOOLING(test_remembers_the_last_steps_of_many),
      SPOOLING(test_is_not_younger_than_now_where_it_was_restored),
      SPOOLING(test_adopts_within_half_a_minute),
  };
  if (!pe_spool_version()) return 0; /* a build without SQLite */
  return cmocka_run_group_tests(tests, spooling_use_clock, NULL);
}
