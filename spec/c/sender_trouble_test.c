/* The sender's thread, when the endpoint or the time stands in the way: it waits as long as it must, loses nothing
 * meanwhile, and no longer. */
#include "delivery/sender.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "events.h"
#include "sending.h"

enum { EVENTS = 300 };

/* ---- trouble with the endpoint ---- */

static server_answer wants_good(void *user, unsigned event, unsigned count, const char *authorization) {
  (void)user, (void)event, (void)count;
  return strcmp(authorization, "good") == 0 ? SERVER_TAKES : SERVER_LOCKED;
}

static void holds_everything_until_the_credentials_are_right(void **state) {
  pe_queue_config queue = sending_queue_of(8);
  int64_t begin;
  (void)state;
  queue.max_age = 3600 * PE_SECOND;
  sending_start_with(sending_config_of(8), queue, wants_good, NULL);
  sending_push_events(EVENTS);
  sending_wait_for_state(PE_STATE_HELD);
  for (int i = 0; i < 5; i++) { /* held, with a probe now and then, for longer than anything may age */
    unsigned before = server_total(&sending.server);
    while (server_total(&sending.server) == before) { /* again where the answer to a probe was still on its way */
      sending_jump(7200 * PE_SECOND);
      (void)pe_queue_flush(sending.queue, 5 * PE_MILLISECOND);
    }
  }
  assert_true(server_total(&sending.server) < 30);
  assert_int_equal(accounted(sending.queue).pending, EVENTS);
  begin = pe_clock_monotonic();
  assert_int_equal(pe_sender_set_credentials(sending.sender, sending_good), PE_OK);
  sending_flush();
  assert_true(pe_clock_monotonic() - begin < 4 * PE_SECOND); /* at once, and not with the next probe */
  assert_int_equal(sending_count_of(PE_DELIVERED), EVENTS);
  sending_end();
}

/* The answer to the old credentials comes after the new ones were given. */
typedef struct late_answer {
  pe_mutex lock;
  pe_cond bell;
  bool given;
} late_answer;

static server_answer answers_late(void *user, unsigned event, unsigned count, const char *authorization) {
  late_answer *late = user;
  pe_mutex_lock(&late->lock);
  while (!late->given)
    (void)pe_cond_wait(&late->bell, &late->lock, PE_SECOND);
  pe_mutex_unlock(&late->lock);
  return wants_good(NULL, event, count, authorization);
}

static void old_credentials_do_not_speak_for_the_new(void **state) {
  (void)state;
  for (int round = 0; round < 10; round++) { /* either the answer or the wish may come first */
    late_answer late = {.given = false};
    int64_t begin = pe_clock_monotonic();
    assert_true(pe_mutex_init(&late.lock) && pe_cond_init(&late.bell));
    sending_start_with(sending_config_of(8), sending_queue_of(8), answers_late, &late);
    sending_push_events(1);
    server_wait(&sending.server, 1);
    assert_int_equal(pe_sender_set_credentials(sending.sender, sending_good), PE_OK);
    pe_mutex_lock(&late.lock);
    late.given = true;
    pe_cond_broadcast(&late.bell);
    pe_mutex_unlock(&late.lock);
    sending_flush();
    assert_true(pe_clock_monotonic() - begin < 4 * PE_SECOND);
    sending_end();
    pe_cond_destroy(&late.bell);
    pe_mutex_destroy(&late.lock);
  }
}

static server_answer dislikes_one(void *user, unsigned event, unsigned count, const char *authorization) {
  (void)user, (void)count, (void)authorization;
  return event == 5 ? SERVER_PORTAL : SERVER_TAKES;
}

static void one_event_does_not_hold_the_others_for_ever(void **state) {
  (void)state;
  sending_start(dislikes_one);
  sending_push_events(EVENTS);
  while (pe_queue_flush(sending.queue, PE_MILLISECOND) > 1)
    sending_jump(5 * PE_SECOND);
  /* It draws a hold once more after each delivery, until that is enough. */
  for (int i = 0; i < 50 && sending_count_of(PE_REJECTED_BY_PLATFORM) == 0; i++) {
    sending_push_events(1);
    sending_jump(5 * PE_SECOND);
    (void)pe_queue_flush(sending.queue, 20 * PE_MILLISECOND);
  }
  sending_flush();
  assert_int_equal(sending_count_of(PE_REJECTED_BY_PLATFORM), 1);
  assert_int_equal(accounted(sending.queue).rejected_by[PE_BAD_REPLY], 1);
  assert_int_equal(sending_count_of(PE_DELIVERED), sending.pushed - 1);
  assert_true(server_count(&sending.server, 5) >= 3);
  sending_end();
}

static server_answer too_fast_at_first(void *user, unsigned event, unsigned count, const char *authorization) {
  int64_t *first = user;
  (void)event, (void)authorization;
  if (*first == 0) *first = pe_clock_monotonic();
  if (count > 1 && pe_clock_monotonic() - *first < PE_SECOND) *first = -1;
  return count == 1 && *first > 0 && pe_clock_monotonic() - *first < PE_SECOND ? SERVER_TOO_FAST : SERVER_TAKES;
}

static void is_silent_for_as_long_as_it_is_asked_to(void **state) {
  int64_t first = 0;
  (void)state;
  sending_start_with(sending_config_of(2), sending_queue_of(2), too_fast_at_first, &first);
  sending_push_events(EVENTS);
  sending_flush();
  assert_true(first > 0); /* none came twice within the second */
  assert_true(server_total(&sending.server) <= EVENTS + 2);
  assert_int_equal(sending_count_of(PE_DELIVERED), EVENTS);
  sending_end();
}

static server_answer is_busy(void *user, unsigned event, unsigned count, const char *authorization) {
  (void)user, (void)event, (void)count, (void)authorization;
  return SERVER_BUSY;
}

static void what_is_too_old_expires(void **state) {
  pe_queue_config queue = sending_queue_of(8);
  (void)state;
  queue.max_age = 600 * PE_SECOND;
  sending_start_with(sending_config_of(8), queue, is_busy, NULL);
  sending_push_events(EVENTS);
  server_wait(&sending.server, 5);
  sending_jump(600 * PE_SECOND);
  sending_flush();
  assert_int_equal(sending_count_of(PE_EXPIRED), EVENTS);
  sending_end();
}

static void keeps_to_the_rate(void **state) {
  pe_sender_config config = sending_config_of(8);
  int64_t begin = pe_clock_monotonic();
  (void)state;
  config.rate_per_second = 200;
  config.rate_burst = 10;
  sending_start_with(config, sending_queue_of(8), NULL, NULL);
  sending_push_events(50);
  sending_flush();
  assert_true(pe_clock_monotonic() - begin >= 40 * PE_SECOND / 200);
  sending_assert_each_came(1);
  sending_end();
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(holds_everything_until_the_credentials_are_right),
                                     TEST(old_credentials_do_not_speak_for_the_new),
                                     TEST(one_event_does_not_hold_the_others_for_ever),
                                     TEST(is_silent_for_as_long_as_it_is_asked_to),
                                     TEST(what_is_too_old_expires),
                                     TEST(keeps_to_the_rate)};
  sending_use_clock();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
