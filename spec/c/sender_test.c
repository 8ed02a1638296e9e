/* The sender's thread, against a server that counts what it receives: every event has its outcome, and none arrives
 * twice but where an answer was lost; at the end nothing is left running. */
#include "delivery/sender.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "events.h"
#include "numbers.h"
#include "sending.h"

enum { EVENTS = 300 };

/* ---- delivery ---- */

static void delivers_each_event_once(void **state) {
  (void)state;
  sending_start(NULL);
  sending_push_events(EVENTS);
  sending_flush();
  sending_assert_each_came(1);
  assert_int_equal(sending_count_of(PE_DELIVERED), EVENTS);
  assert_int_equal(accounted(sending.queue).attempts, EVENTS);
  assert_int_equal(accounted(sending.queue).replies[2], EVENTS);
  assert_int_equal(accounted(sending.queue).latency.count, EVENTS);
  sending_end();
}

/* One at a time, so that the sender falls asleep, or is about to, before each. */
static void loses_no_wake_up(void **state) {
  numbers random = {4};
  (void)state;
  sending_start(NULL);
  for (unsigned i = 0; i < EVENTS / 2; i++) {
    int64_t until = pe_clock_monotonic() + (int64_t)below(&random, 8000) * 1000; /* around the time that it lingers */
    while (pe_clock_monotonic() < until)
      continue;
    sending_push_events(1);
    sending_flush();
  }
  sending_assert_each_came(1);
  sending_end();
}

/* Waking it costs the program more than handing an event over. */
static void is_woken_by_no_event_that_soon_follows_another(void **state) {
  int64_t last = 0;
  (void)state;
  sending_start(NULL);
  for (unsigned i = 0; i < EVENTS; i++) {
    int64_t before = last;
    bool woke;
    while (pe_clock_monotonic() < before + PE_MILLISECOND)
      continue;
    woke = sending_push_event();
    last = pe_clock_monotonic();
    if (last - before < 3 * PE_MILLISECOND) assert_false(woke); /* else the machine was elsewhere */
  }
  sending_flush();
  sending_assert_each_came(1);
  sending_end();
}

static void keeps_the_order_with_one_in_flight(void **state) {
  (void)state;
  sending_start_with(sending_config_of(1), sending_queue_of(1), NULL, NULL);
  sending_push_events(EVENTS);
  sending_flush();
  sending_assert_each_came(1);
  assert_true(sending.server.in_order);
  sending_end();
}

static server_answer busy_at_first(void *user, unsigned event, unsigned count, const char *authorization) {
  (void)user, (void)event, (void)authorization;
  return count == 1 ? SERVER_BUSY : SERVER_TAKES;
}

static void keeps_the_order_through_retries(void **state) {
  (void)state;
  sending_start_with(sending_config_of(1), sending_queue_of(1), busy_at_first, NULL);
  sending_push_events(20);
  sending_flush();
  sending_assert_each_came(2);
  assert_true(sending.server.in_order);
  assert_int_equal(accounted(sending.queue).retries, 20);
  sending_end();
}

static server_answer refuses_every_tenth(void *user, unsigned event, unsigned count, const char *authorization) {
  (void)user, (void)count, (void)authorization;
  return event % 10 == 0 ? SERVER_REFUSES : event % 10 == 1 ? SERVER_TAKES_AND_LEAVES : SERVER_TAKES;
}

static void a_refused_event_ends_alone(void **state) {
  (void)state;
  sending_start(refuses_every_tenth);
  sending_push_events(EVENTS);
  sending_flush();
  sending_assert_each_came(1);
  assert_int_equal(sending_count_of(PE_REJECTED_BY_PLATFORM), EVENTS / 10);
  assert_int_equal(accounted(sending.queue).rejected_by[PE_REJECTED], EVENTS / 10);
  sending_end();
}

static server_answer takes_one_in_three(void *user, unsigned event, unsigned count, const char *authorization) {
  (void)user, (void)authorization;
  return (event + count) % 3 == 0 ? SERVER_TAKES : SERVER_BUSY;
}

static void retries_until_it_is_taken(void **state) {
  (void)state;
  sending_start(takes_one_in_three);
  sending_push_events(EVENTS);
  while (pe_queue_flush(sending.queue, PE_MILLISECOND) > 0)
    sending_jump(PE_SECOND); /* failures in a row cool it down now and then */
  assert_int_equal(sending_count_of(PE_DELIVERED), EVENTS);
  for (unsigned i = 0; i < EVENTS; i++)
    assert_int_equal(server_count(&sending.server, i), 3 - i % 3);
  sending_end();
}

/* ---- the owner decides of what is pending ---- */

static void drop_all(void) {
  pe_record *record = pe_queue_withdraw(sending.queue, pe_clock_monotonic());
  while (record) {
    const pe_result_words none = {0, NULL, NULL};
    pe_record *newer = record->newer;
    pe_results_put(sending.results, pe_result_new(record, PE_DROPPED, PE_WITHDRAWN, &none, pe_clock_monotonic()));
    free(record);
    record = newer;
  }
}

/* Whatever the sender is at. */
static void stops_goes_on_and_forgets_as_told(void **state) {
  (void)state;
  sending_start(takes_one_in_three);
  for (int round = 0; round < 40; round++) {
    sending_push_events(EVENTS / 20);
    (void)pe_queue_allow(sending.queue, false, pe_clock_monotonic());
    (void)pe_queue_flush(sending.queue, SENDING_LONG);
    assert_int_equal(accounted(sending.queue).in_flight, 0);
    if (round % 4 == 3) drop_all();
    if (pe_queue_allow(sending.queue, true, pe_clock_monotonic())) pe_sender_wake(sending.sender);
    if (round % 4 == 1) drop_all();
    (void)accounted(sending.queue);
  }
  while (pe_queue_flush(sending.queue, PE_MILLISECOND) > 0)
    sending_jump(PE_SECOND);
  assert_int_equal(sending_count_of(PE_DELIVERED) + sending_count_of(PE_DROPPED), sending.pushed);
  sending_end();
}

/* ---- others decide how much may begin ---- */

static void begins_what_it_is_allowed_and_no_more(void **state) {
  (void)state;
  sending_start(NULL);
  assert_int_equal(pe_sender_allow(sending.sender, 0), 0);
  sending_push_events(20);
  for (unsigned allowed = 0; allowed < 20; allowed += 4) {
    while (pe_queue_flush(sending.queue, PE_MILLISECOND) > 20 - allowed)
      continue;
    assert_int_equal(server_total(&sending.server), allowed);
    assert_int_equal(pe_sender_allow(sending.sender, 0), 0);
    assert_int_equal(accounted(sending.queue).pending, 20 - allowed);
    (void)pe_sender_allow(sending.sender, 4);
  }
  sending_flush();
  sending_assert_each_came(1);
  sending_end();
}

static void begins_nothing_while_it_is_silent(void **state) {
  (void)state;
  sending_start(NULL);
  pe_sender_silence(sending.sender, true);
  sending_push_events(20);
  assert_int_equal(pe_queue_flush(sending.queue, 10 * PE_MILLISECOND), 20);
  assert_int_equal(server_total(&sending.server), 0);
  pe_sender_silence(sending.sender, false);
  sending_flush();
  sending_assert_each_came(1);
  sending_end();
}

/* ---- lost answers ---- */

static server_answer hangs_up_at_first(void *user, unsigned event, unsigned count, const char *authorization) {
  (void)user, (void)authorization;
  return count == 1 && event % 8 == 0 ? SERVER_HANGS_UP : SERVER_TAKES;
}

static void sends_again_what_had_no_answer(void **state) {
  (void)state;
  sending_start(hangs_up_at_first);
  sending_push_events(EVENTS);
  sending_flush();
  assert_int_equal(sending_count_of(PE_DELIVERED), EVENTS);
  for (unsigned i = 0; i < EVENTS; i++)
    assert_int_equal(server_count(&sending.server, i), i % 8 == 0 ? 2 : 1);
  sending_end();
}

static void gives_up_what_had_no_answer_where_that_is_wished(void **state) {
  pe_sender_config config = sending_config_of(8);
  (void)state;
  config.policy.retry_ambiguous = false;
  sending_start_with(config, sending_queue_of(8), hangs_up_at_first, NULL);
  sending_push_events(EVENTS);
  sending_flush();
  sending_assert_each_came(1);
  assert_int_equal(sending_count_of(PE_UNKNOWN), (EVENTS + 7) / 8);
  assert_int_equal(accounted(sending.queue).unknown_by[PE_INTERRUPTED], (EVENTS + 7) / 8);
  sending_end();
}

/* ---- the end ---- */

static server_answer is_silent(void *user, unsigned event, unsigned count, const char *authorization) {
  (void)user, (void)event, (void)count, (void)authorization;
  return SERVER_SILENT;
}

static void a_stop_cancels_what_is_in_flight(void **state) {
  int64_t begin;
  (void)state;
  sending_start(is_silent);
  sending_push_events(20);
  server_wait(&sending.server, 8);
  begin = pe_clock_monotonic();
  assert_true(stop_sender(sending.sender));
  sending.sender = NULL;
  assert_true(pe_clock_monotonic() - begin < PE_SECOND);
  assert_int_equal(accounted(sending.queue).pending, 20);
  assert_int_equal(accounted(sending.queue).in_flight, 0);
  assert_int_equal(accounted(sending.queue).maybe_sent, 8);
  sending_end();
}

static void stops_at_any_time(void **state) {
  (void)state;
  for (unsigned i = 0; i < 20; i++) {
    sending_start(hangs_up_at_first);
    sending_push_events(i * 3);
    assert_true(stop_sender(sending.sender));
    sending.sender = NULL;
    assert_int_equal(sending_count_of(PE_DELIVERED) + accounted(sending.queue).pending, sending.pushed);
    for (unsigned event = 0; event < sending.pushed; event++)
      assert_true(server_count(&sending.server, event) <= (event % 8 == 0 ? 2 : 1));
    sending_end();
  }
}

static int disposed; /* atomic */

static void dispose(void *user) {
  pe_sender_free(*(pe_sender **)user);
  __atomic_store_n(&disposed, 1, __ATOMIC_RELEASE);
}

static void one_that_is_left_delivers_the_rest(void **state) {
  pe_sender *left;
  (void)state;
  sending_start(NULL);
  sending_push_events(EVENTS);
  left = sending.sender;
  sending.sender = NULL;
  disposed = 0;
  pe_sender_leave(left, SENDING_LONG, dispose, &left);
  pe_worker_end_all(&sending, SENDING_LONG);
  assert_int_equal(__atomic_load_n(&disposed, __ATOMIC_ACQUIRE), 1);
  assert_int_equal(sending_count_of(PE_DELIVERED), EVENTS);
  sending_assert_each_came(1);
  sending_end();
}

static void one_that_is_left_gives_up_in_time(void **state) {
  pe_sender *left;
  int64_t begin = pe_clock_monotonic();
  (void)state;
  sending_start(is_silent);
  sending_push_events(20);
  server_wait(&sending.server, 8);
  left = sending.sender;
  sending.sender = NULL;
  disposed = 0;
  pe_sender_leave(left, 50 * PE_MILLISECOND, dispose, &left);
  pe_worker_end_all(&sending, SENDING_LONG); /* the earlier wish stays */
  assert_true(pe_clock_monotonic() - begin < SENDING_LONG / 2);
  assert_int_equal(__atomic_load_n(&disposed, __ATOMIC_ACQUIRE), 1);
  assert_int_equal(accounted(sending.queue).pending, 20);
  sending_end();
}

/* ---- everything at once ---- */

static server_answer is_moody(void *user, unsigned event, unsigned count, const char *authorization) {
  static const server_answer moods[] = {SERVER_TAKES,    SERVER_TAKES,   SERVER_TAKES, SERVER_TAKES_AND_LEAVES,
                                        SERVER_HANGS_UP, SERVER_REFUSES, SERVER_TAKES, SERVER_BUSY};
  (void)authorization;
  (void)event, (void)count;
  return moods[below(user, 8)];
}

static void accounts_for_every_event_of_a_moody_server(void **state) {
  numbers random = {8};
  uint64_t ended;
  (void)state;
  sending_start_with(sending_config_of(16), sending_queue_of(16), is_moody, &random);
  for (int i = 0; i < 10; i++) {
    sending_push_events(EVENTS);
    while (pe_queue_flush(sending.queue, PE_MILLISECOND) > 0)
      sending_jump(PE_SECOND / 4);
    sending_read_results();
  }
  ended = sending_count_of(PE_DELIVERED) + sending_count_of(PE_REJECTED_BY_PLATFORM);
  assert_int_equal(ended, sending.pushed);
  /* A request may go down with a connection that the server was closing. */
  assert_true(accounted(sending.queue).attempts >= server_total(&sending.server));
  sending_end();
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(delivers_each_event_once),
                                     TEST(loses_no_wake_up),
                                     TEST(is_woken_by_no_event_that_soon_follows_another),
                                     TEST(keeps_the_order_with_one_in_flight),
                                     TEST(keeps_the_order_through_retries),
                                     TEST(a_refused_event_ends_alone),
                                     TEST(retries_until_it_is_taken),
                                     TEST(stops_goes_on_and_forgets_as_told),
                                     TEST(begins_what_it_is_allowed_and_no_more),
                                     TEST(begins_nothing_while_it_is_silent),
                                     TEST(sends_again_what_had_no_answer),
                                     TEST(gives_up_what_had_no_answer_where_that_is_wished),
                                     TEST(a_stop_cancels_what_is_in_flight),
                                     TEST(stops_at_any_time),
                                     TEST(one_that_is_left_delivers_the_rest),
                                     TEST(one_that_is_left_gives_up_in_time),
                                     TEST(accounts_for_every_event_of_a_moody_server)};
  sending_use_clock();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
