/* One event that is refused for ever is given up and holds nobody up; and credentials that are wrong, now and then or
 * for long, cost no event. */
#include "world.h"

/* ---- events that are refused for ever ---- */

static bool is_the_one(world *self, uint64_t ticket) {
  return ticket == self->what;
}

static bool is_one_in_ten(world *self, uint64_t ticket) {
  return ticket % 10 == self->what;
}

static bool is_every_other(world *self, uint64_t ticket) {
  return (ticket * UINT64_C(2654435761) >> 7) % 2 == self->what;
}

static const size_t numbers_of_events[] = {60, 200, 1000};

static void one_is_given_up_at_once_where_others_follow(void **state) {
  static const size_t widths[] = {2, 8, 16, 64};
  (void)state;
  for (int i = 0; i < 12; i++) {
    world given = {.backlog = numbers_of_events[i / 4], .width = widths[i % 4], .refuses = is_the_one};
    if (given.backlog < 2 * given.width) continue; /* see the next but one */
    for (given.what = 1; given.what <= 10; given.what += 9)
      for (given.seed = 1; given.seed <= 20; given.seed++) {
        world self = after(&given, 60);
        assert_int_equal(self.delivered, given.backlog - 1);
        assert_true(self.was_rejected[given.what]);
        assert_true(self.attempts[given.what] <= 7);
        assert_true(self.now - NOW < 2 * PE_SECOND);
        pe_queue_free(self.queue);
      }
  }
}

static void in_order_one_keeps_the_others_waiting_for_less_than_a_minute(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    world given = {.backlog = numbers_of_events[i], .width = 1, .refuses = is_the_one, .what = 1};
    for (given.seed = 1; given.seed <= 20; given.seed++) {
      world self = after(&given, 120);
      assert_int_equal(self.delivered, given.backlog - 1);
      assert_true(self.was_rejected[1]);
      assert_true(slowest(&self) < 60 * PE_SECOND);
      pe_queue_free(self.queue);
    }
  }
}

/* All others were under way beside it, or before it: nothing tells it from a wrong password. */
static void one_with_nobody_after_it_stays_and_holds_nobody_up_that_comes(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    world given = {.backlog = 60, .width = i == 2 ? 16 : 64, .refuses = is_the_one, .what = i == 0 ? 1 : 60};
    for (given.seed = 1; given.seed <= 10; given.seed++) {
      world self = after(&given, 3600);
      assert_int_equal(self.delivered, 59);
      assert_int_equal(self.rejected, 0);
      assert_true(self.attempts[given.what] < 500);
      self.backlog = self.tracked + 1; /* newcomers, one every second */
      self.later = 40;
      self.pause = PE_SECOND;
      self.start = self.now;
      track(&self, 1);
      chance = &self.random;
      turn(&self, 60);
      assert_true(self.was_rejected[given.what]);
      assert_int_equal(self.delivered, 100);
      assert_true(slowest(&self) < PE_SECOND);
      pe_queue_free(self.queue);
    }
  }
}

static void in_steady_traffic_one_is_given_up_and_holds_nobody_up(void **state) {
  static const size_t widths[] = {2, 8, 16, 64};
  (void)state;
  for (int i = 0; i < 4; i++) {
    world given = {.backlog = 1, .later = 60, .pause = PE_SECOND, .width = widths[i], .refuses = is_the_one};
    for (given.what = 1; given.what <= 10; given.what += 9)
      for (given.seed = 1; given.seed <= 20; given.seed++) {
        world self = after(&given, 120);
        assert_int_equal(self.delivered, 60);
        assert_true(self.latency[given.what] < 40 * PE_SECOND);
        assert_true(self.attempts[given.what] <= 12);
        assert_true(slowest(&self) < PE_SECOND);
        pe_queue_free(self.queue);
      }
  }
}

/* One in ten, and enough others behind the last of them. */
static void many_are_given_up_and_the_others_go_on(void **state) {
  static const size_t widths[] = {2, 8, 16, 64};
  (void)state;
  for (int i = 0; i < 12; i++) {
    world given = {.backlog = numbers_of_events[i / 4], .width = widths[i % 4], .refuses = is_one_in_ten, .what = 5};
    for (given.seed = 1; given.seed <= 5; given.seed++) {
      world self = after(&given, 60);
      assert_int_equal(self.delivered, given.backlog - given.backlog / 10);
      assert_true(slowest(&self) < 10 * PE_SECOND);
      assert_true(given.backlog < 4 * given.width || pending(&self) <= 3);
      assert_true(most_attempts(&self) < 20);
      pe_queue_free(self.queue);
    }
  }
}

static void one_name_is_accepted_and_another_is_not(void **state) {
  static const size_t widths[] = {2, 8, 16, 64};
  (void)state;
  for (int i = 0; i < 12; i++) {
    world given = {.backlog = numbers_of_events[i / 4], .width = widths[i % 4], .refuses = is_every_other};
    for (given.seed = 1; given.seed <= 5; given.seed++) {
      world self = after(&given, 600);
      for (uint64_t ticket = 1; ticket <= self.tracked; ticket++)
        assert_true(is_every_other(&self, ticket) || (self.latency[ticket] > 0 && !self.was_rejected[ticket]));
      assert_true(slowest(&self) < 60 * PE_SECOND);
      pe_queue_free(self.queue);
    }
  }
}

/* ---- an endpoint that refuses whatever comes ---- */

static bool by_chance(world *self, uint64_t ticket) {
  (void)ticket;
  return below(&self->random, 100) < self->what;
}

static bool in_turn(world *self, uint64_t ticket) {
  (void)ticket;
  return self->requests % self->what == 0;
}

static bool until_then(world *self, uint64_t ticket) {
  (void)ticket;
  return self->now < NOW + (int64_t)self->what * PE_SECOND;
}

static bool in_the_middle(world *self, uint64_t ticket) {
  return self->requests > 20 && until_then(self, ticket);
}

/* One of two servers has the new password first, then the other; so has the program. */
static bool while_it_is_rolled_out(world *self, uint64_t ticket) {
  int64_t second = (self->now - NOW) / PE_SECOND;
  (void)ticket;
  if (second < 10 || second >= 50) return false;
  return (second >= 20 && second < 40) || below(&self->random, 2) == 0;
}

static void assert_none_is_lost(const world *given, int seconds) {
  world self = after(given, seconds);
  assert_int_equal(self.rejected, 0);
  assert_int_equal(self.delivered, self.tracked);
  pe_queue_free(self.queue);
}

/* At once, and one after the other: often, now and then, seldom. */
static const world traffic[] = {{.backlog = 60},
                                {.backlog = 1000},
                                {.backlog = 1, .later = 200, .pause = PE_SECOND / 50},
                                {.backlog = 1, .later = 200, .pause = PE_SECOND / 3},
                                {.backlog = 1, .later = 200, .pause = 7 * PE_SECOND}};

enum { TRAFFICS = sizeof traffic / sizeof *traffic };

static void no_event_is_lost_where_a_part_of_all_requests_is_refused(void **state) {
  static const unsigned shares[] = {5, 10, 20, 30, 50, 70};
  static const size_t widths[] = {1, 2, 8, 16, 64};
  (void)state;
  for (int i = 0; i < TRAFFICS * 6; i++) {
    world given = traffic[i / 6];
    given.refuses = by_chance;
    given.what = shares[i % 6];
    for (int j = 0; j < 5; j++)
      for (given.seed = 1; given.seed <= 4; given.seed++) {
        given.width = widths[j];
        assert_none_is_lost(&given, 100000);
      }
  }
}

static void no_event_is_lost_where_every_second_or_third_request_is_refused(void **state) {
  static const size_t widths[] = {1, 2, 8, 16, 64};
  (void)state;
  for (int i = 0; i < 2 * 5 * 3; i++) {
    world given = traffic[i % 2];
    given.refuses = in_turn;
    given.width = widths[i / 2 % 5];
    given.what = 2 + (uint64_t)i / 10;
    for (given.seed = 1; given.seed <= 20; given.seed++)
      assert_none_is_lost(&given, 100000);
  }
}

static void no_event_is_lost_to_a_password_that_is_changed(void **state) {
  static bool (*const ways[])(world *, uint64_t) = {until_then, in_the_middle, while_it_is_rolled_out};
  static const size_t widths[] = {1, 2, 8, 16, 64};
  (void)state;
  for (int i = 0; i < TRAFFICS * 3 * 5; i++) {
    world given = traffic[i % TRAFFICS];
    given.refuses = ways[i / TRAFFICS % 3];
    given.width = widths[i / TRAFFICS / 3];
    given.what = 300;
    for (given.seed = 1; given.seed <= 10; given.seed++)
      assert_none_is_lost(&given, 3600);
  }
}

static void a_day_of_refusals_costs_no_event_and_few_requests(void **state) {
  static const size_t widths[] = {1, 8, 64};
  (void)state;
  for (int i = 0; i < TRAFFICS * 3; i++) {
    world given = traffic[i / 3];
    world self;
    given.width = widths[i % 3];
    given.refuses = until_then;
    given.what = 2 * 86400;
    self = after(&given, 86400);
    assert_int_equal(pending(&self), self.tracked);
    assert_true(self.requests < 86400 / 60 + 10 + given.width);
    pe_queue_free(self.queue);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(one_is_given_up_at_once_where_others_follow),
      TEST(in_order_one_keeps_the_others_waiting_for_less_than_a_minute),
      TEST(one_with_nobody_after_it_stays_and_holds_nobody_up_that_comes),
      TEST(in_steady_traffic_one_is_given_up_and_holds_nobody_up),
      TEST(many_are_given_up_and_the_others_go_on),
      TEST(one_name_is_accepted_and_another_is_not),
      TEST(no_event_is_lost_where_a_part_of_all_requests_is_refused),
      TEST(no_event_is_lost_where_every_second_or_third_request_is_refused),
      TEST(no_event_is_lost_to_a_password_that_is_changed),
      TEST(a_day_of_refusals_costs_no_event_and_few_requests),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
