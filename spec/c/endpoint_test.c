/* Who may be sent now: the endpoint from open to cooling or held and back, and the gate before all. */
#include "policy/endpoint.h"

#include <string.h>

#include "base/clock.h"
#include "numbers.h"
#include "test.h"

enum { WIDTH = 16 };

static const int64_t T = 1000 * PE_SECOND;

/* One transfer from its beginning to its end, at the same moment. */
static void answer(pe_endpoint *endpoint, pe_answer how, int64_t now) {
  pe_endpoint_note(endpoint, how, pe_endpoint_begin(endpoint), now);
}

static void answers(pe_endpoint *endpoint, pe_answer how, int count, int64_t now) {
  for (int i = 0; i < count; i++)
    answer(endpoint, how, now);
}

static void an_open_one_lets_its_width_through(void **state) {
  pe_endpoint endpoint;
  (void)state;
  pe_endpoint_init(&endpoint, WIDTH);
  for (size_t in_flight = 0; in_flight < WIDTH; in_flight++) {
    assert_int_equal(pe_endpoint_room(&endpoint, in_flight, T), WIDTH - in_flight);
    assert_int_equal(pe_endpoint_opens_at(&endpoint, in_flight, T), T);
    assert_false(pe_endpoint_begin(&endpoint));
  }
  assert_int_equal(pe_endpoint_room(&endpoint, WIDTH, T), 0);
  assert_int_equal(pe_endpoint_room(&endpoint, WIDTH + 1, T), 0);
  assert_int_equal(pe_endpoint_opens_at(&endpoint, WIDTH, T), INT64_MAX);
  assert_false(pe_endpoint_is_paused(&endpoint, T));
}

static void five_failures_in_a_row_cool_it(void **state) {
  pe_endpoint endpoint;
  (void)state;
  pe_endpoint_init(&endpoint, WIDTH);
  for (int i = 0; i < 10; i++) {
    answers(&endpoint, PE_ANSWER_FAILED, 4, T);
    answer(&endpoint, i % 2 ? PE_ANSWER_TAKEN : PE_ANSWER_GATED, T); /* either way it answers */
  }
  assert_int_equal(endpoint.state, PE_ENDPOINT_OPEN);
  answers(&endpoint, PE_ANSWER_FAILED, 5, T);
  assert_int_equal(endpoint.state, PE_ENDPOINT_COOLING);
  assert_false(pe_endpoint_is_paused(&endpoint, T)); /* the events age meanwhile */
}

/* The seconds from one probe to the next while every probe ends so. */
static void assert_probes(pe_endpoint *endpoint, pe_answer how, const int *seconds, size_t count) {
  int64_t now = T;
  for (size_t i = 0; i < count; i++) {
    int64_t at = now + seconds[i] * PE_SECOND;
    assert_int_equal(pe_endpoint_opens_at(endpoint, 0, now), at);
    assert_int_equal(pe_endpoint_room(endpoint, 0, at - 1), 0);
    assert_int_equal(pe_endpoint_room(endpoint, 0, at), 1);
    assert_int_equal(pe_endpoint_room(endpoint, 7, at), 1); /* those from before do not count */
    assert_true(pe_endpoint_begin(endpoint));
    assert_int_equal(pe_endpoint_room(endpoint, 1, at + 99 * PE_SECOND), 0);
    assert_int_equal(pe_endpoint_opens_at(endpoint, 1, at), INT64_MAX);
    now = at + 3 * PE_SECOND;
    pe_endpoint_note(endpoint, how, true, now);
  }
}

static void a_cooling_one_is_probed_less_and_less(void **state) {
  static const int seconds[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
  pe_endpoint endpoint;
  (void)state;
  pe_endpoint_init(&endpoint, WIDTH);
  answers(&endpoint, PE_ANSWER_FAILED, 5, T);
  assert_probes(&endpoint, PE_ANSWER_FAILED, seconds, sizeof seconds / sizeof *seconds);
}

/* So many that it is about all. */
static void hold(pe_endpoint *endpoint, int64_t now) {
  for (int i = 0; i < 3; i++)
    pe_endpoint_note(endpoint, PE_ANSWER_HELD, false, now);
}

static void a_held_one_is_probed_less_and_less(void **state) {
  static const int seconds[] = {5, 10, 20, 40, 60, 60};
  static const pe_answer ways[] = {PE_ANSWER_HELD, PE_ANSWER_AGAIN, PE_ANSWER_FAILED};
  (void)state;
  for (int i = 0; i < 3; i++) {
    pe_endpoint endpoint;
    pe_endpoint_init(&endpoint, WIDTH);
    hold(&endpoint, T);
    assert_true(pe_endpoint_is_paused(&endpoint, T));
    assert_probes(&endpoint, ways[i], seconds, sizeof seconds / sizeof *seconds);
    assert_int_equal(endpoint.state, PE_ENDPOINT_HELD);
  }
}

/* ---- a hold that may be about one event ---- */

static void events_never_tried_find_out_at_once_what_a_hold_is_about(void **state) {
  pe_endpoint endpoint;
  (void)state;
  pe_endpoint_init(&endpoint, WIDTH);
  answer(&endpoint, PE_ANSWER_HELD, T);
  assert_true(pe_endpoint_is_paused(&endpoint, T));
  assert_int_equal(pe_endpoint_room(&endpoint, 1, T), 0); /* what is in flight will tell */
  assert_int_equal(pe_endpoint_opens_at(&endpoint, 1, T), T + 5 * PE_SECOND);
  for (int i = 1; i <= 2; i++) {
    assert_int_equal(pe_endpoint_pick(&endpoint, T + i), PE_PICK_FRESH);
    assert_int_equal(pe_endpoint_room(&endpoint, 0, T + i), 1);
    assert_int_equal(pe_endpoint_opens_at(&endpoint, 0, T + i), T + i);
    assert_true(pe_endpoint_begin(&endpoint));
    assert_int_equal(pe_endpoint_room(&endpoint, 1, T + i), 0);
    pe_endpoint_note(&endpoint, i == 1 ? PE_ANSWER_HELD : PE_ANSWER_FAILED, true, T + i);
  }
  assert_int_equal(pe_endpoint_room(&endpoint, 0, T + 2), 0); /* it is about all; its time has not changed */
  assert_int_equal(pe_endpoint_opens_at(&endpoint, 0, T + 2), T + 5 * PE_SECOND);
  assert_int_equal(pe_endpoint_pick(&endpoint, T + 5 * PE_SECOND), PE_PICK_ANY);
}

static void the_same_event_again_leaves_it_open_what_a_hold_is_about(void **state) {
  pe_endpoint endpoint;
  int64_t now = T;
  (void)state;
  pe_endpoint_init(&endpoint, WIDTH);
  answer(&endpoint, PE_ANSWER_HELD, now);
  for (int i = 0; i < 20; i++) {
    now = endpoint.probe_at;
    assert_int_equal(pe_endpoint_pick(&endpoint, now), PE_PICK_ANY);
    answer(&endpoint, PE_ANSWER_AGAIN, now);
    assert_int_equal(pe_endpoint_pick(&endpoint, now), PE_PICK_FRESH);
    assert_int_equal(pe_endpoint_room(&endpoint, 0, now), 1);
  }
  assert_int_equal(endpoint.probe_at, now + 60 * PE_SECOND);
}

static void a_suspect_changes_nothing_but_how_many_go_at_once(void **state) {
  pe_endpoint endpoint;
  (void)state;
  pe_endpoint_init(&endpoint, WIDTH);
  answer(&endpoint, PE_ANSWER_SUSPECT, T);
  assert_int_equal(endpoint.state, PE_ENDPOINT_OPEN);
  for (size_t taken = 0; taken < 200; taken++) {
    size_t room = 3 + taken / 8 < WIDTH ? 3 + taken / 8 : WIDTH;
    assert_int_equal(pe_endpoint_room(&endpoint, 0, T), room);
    assert_int_equal(pe_endpoint_room(&endpoint, room, T), 0);
    assert_int_equal(pe_endpoint_opens_at(&endpoint, room - 1, T), T);
    assert_int_equal(pe_endpoint_opens_at(&endpoint, room, T), INT64_MAX);
    answer(&endpoint, PE_ANSWER_TAKEN, T);
  }
  hold(&endpoint, T);
  answer(&endpoint, PE_ANSWER_SUSPECT, T + 5 * PE_SECOND); /* a probe that tells nothing: another one at once */
  assert_int_equal(endpoint.state, PE_ENDPOINT_HELD);
  assert_int_equal(pe_endpoint_room(&endpoint, 0, T + 5 * PE_SECOND), 1);
}

/* ---- what ends it ---- */

static void what_was_in_flight_before_does_not_prolong_it(void **state) {
  pe_endpoint endpoint;
  int64_t opens_at;
  (void)state;
  pe_endpoint_init(&endpoint, WIDTH);
  answer(&endpoint, PE_ANSWER_HELD, T);
  opens_at = pe_endpoint_opens_at(&endpoint, 15, T);
  for (int i = 0; i < 15; i++) {
    pe_endpoint_note(&endpoint, PE_ANSWER_HELD, false, T + i);
    pe_endpoint_note(&endpoint, PE_ANSWER_FAILED, false, T + i);
  }
  assert_int_equal(pe_endpoint_opens_at(&endpoint, 0, T + 15), opens_at);
}

static void an_answer_opens_it(void **state) {
  static const pe_answer ways[] = {PE_ANSWER_FAILED, PE_ANSWER_HELD};
  (void)state;
  for (int i = 0; i < 4; i++) {
    pe_endpoint endpoint;
    pe_endpoint_init(&endpoint, WIDTH);
    answers(&endpoint, ways[i % 2], 5, T);
    /* A probe's, or that of one from before. */
    pe_endpoint_note(&endpoint, PE_ANSWER_TAKEN, i < 2 && pe_endpoint_begin(&endpoint), T);
    assert_int_equal(pe_endpoint_room(&endpoint, 0, T),
                     i % 2 ? 3 : WIDTH); /* after a hold few at once in the beginning */
    assert_int_equal(pe_endpoint_pick(&endpoint, T), PE_PICK_DUE);
    assert_false(pe_endpoint_is_paused(&endpoint, T));
    answers(&endpoint, PE_ANSWER_FAILED, 4, T); /* the row begins anew */
    assert_int_equal(endpoint.state, PE_ENDPOINT_OPEN);
  }
}

static void trouble_with_the_credentials_outranks_failures(void **state) {
  pe_endpoint endpoint;
  (void)state;
  pe_endpoint_init(&endpoint, WIDTH);
  answers(&endpoint, PE_ANSWER_FAILED, 5, T);
  hold(&endpoint, T);
  assert_int_equal(endpoint.state, PE_ENDPOINT_HELD);
  assert_int_equal(pe_endpoint_opens_at(&endpoint, 0, T), T + 5 * PE_SECOND);
}

static void a_probe_that_is_given_up_makes_room_for_another(void **state) {
  pe_endpoint endpoint;
  (void)state;
  pe_endpoint_init(&endpoint, WIDTH);
  hold(&endpoint, T);
  assert_true(pe_endpoint_begin(&endpoint));
  pe_endpoint_forget(&endpoint, false);
  assert_int_equal(pe_endpoint_room(&endpoint, 0, T + 5 * PE_SECOND), 0);
  pe_endpoint_forget(&endpoint, true);
  assert_int_equal(pe_endpoint_room(&endpoint, 0, T + 5 * PE_SECOND), 1);
}

static void new_credentials_are_tried_at_once(void **state) {
  pe_endpoint endpoint;
  (void)state;
  pe_endpoint_init(&endpoint, WIDTH);
  assert_false(pe_endpoint_probe_now(&endpoint, T));
  assert_int_equal(pe_endpoint_room(&endpoint, 0, T), WIDTH); /* an open one has nothing to probe */
  hold(&endpoint, T);
  for (int i = 0; i < 6; i++) {
    int64_t at = pe_endpoint_opens_at(&endpoint, 0, T + i);
    answer(&endpoint, PE_ANSWER_HELD, at);
  }
  assert_false(pe_endpoint_probe_now(&endpoint, T + 1));
  assert_int_equal(pe_endpoint_room(&endpoint, 0, T + 1), 1);
  assert_true(pe_endpoint_is_paused(&endpoint, T + 1));
  answer(&endpoint, PE_ANSWER_HELD, T + 1); /* these are wrong too: as after the first time */
  assert_int_equal(pe_endpoint_opens_at(&endpoint, 0, T + 1), T + 1 + 5 * PE_SECOND);
}

/* What the one before brings, late, is no word about the new ones. */
static void new_credentials_wait_for_no_probe(void **state) {
  static const pe_answer late[] = {PE_ANSWER_HELD, PE_ANSWER_FAILED, PE_ANSWER_TAKEN};
  (void)state;
  for (int i = 0; i < 3; i++) {
    pe_endpoint endpoint;
    bool probe;
    pe_endpoint_init(&endpoint, WIDTH);
    hold(&endpoint, T);
    assert_true(pe_endpoint_begin(&endpoint));
    assert_int_equal(pe_endpoint_room(&endpoint, 1, T + PE_SECOND), 0);
    assert_true(pe_endpoint_probe_now(&endpoint, T + PE_SECOND));
    assert_int_equal(pe_endpoint_room(&endpoint, 1, T + PE_SECOND), 1);
    probe = pe_endpoint_begin(&endpoint);
    pe_endpoint_note(&endpoint, late[i], false, T + PE_SECOND);
    assert_int_equal(endpoint.state, late[i] == PE_ANSWER_TAKEN ? PE_ENDPOINT_OPEN : PE_ENDPOINT_HELD);
    if (late[i] != PE_ANSWER_TAKEN) assert_int_equal(pe_endpoint_room(&endpoint, 1, T + PE_SECOND), 0);
    pe_endpoint_note(&endpoint, PE_ANSWER_HELD, probe, T + PE_SECOND);
    assert_int_equal(endpoint.probe_at, T + 6 * PE_SECOND);
  }
}

/* Of one that cools, which they do not hurry, a probe in flight stays the one. */
static void a_cooling_one_keeps_its_probe(void **state) {
  pe_endpoint endpoint;
  (void)state;
  pe_endpoint_init(&endpoint, WIDTH);
  answers(&endpoint, PE_ANSWER_FAILED, 5, T);
  assert_true(pe_endpoint_begin(&endpoint));
  assert_false(pe_endpoint_probe_now(&endpoint, T + PE_SECOND));
  assert_int_equal(pe_endpoint_room(&endpoint, 1, T + PE_SECOND), 0);
}

static void a_gate_stops_everything_until_then(void **state) {
  pe_endpoint endpoint;
  (void)state;
  pe_endpoint_init(&endpoint, WIDTH);
  answer(&endpoint, PE_ANSWER_GATED, T);
  pe_endpoint_gate(&endpoint, T + 10, T);
  pe_endpoint_gate(&endpoint, T + 5, T + 1); /* the longest counts */
  assert_int_equal(pe_endpoint_room(&endpoint, 0, T + 9), 0);
  assert_int_equal(pe_endpoint_opens_at(&endpoint, 2, T + 1), T + 10);
  assert_int_equal(pe_endpoint_opens_at(&endpoint, WIDTH, T + 1), INT64_MAX);
  assert_true(pe_endpoint_is_paused(&endpoint, T + 9));
  assert_int_equal(pe_endpoint_room(&endpoint, 0, T + 10), 3); /* not all at once, which was too fast */
  assert_false(pe_endpoint_is_paused(&endpoint, T + 10));
}

static void a_gate_stops_probes_too(void **state) {
  pe_endpoint endpoint;
  (void)state;
  pe_endpoint_init(&endpoint, WIDTH);
  hold(&endpoint, T);
  pe_endpoint_gate(&endpoint, T + 20 * PE_SECOND, T);
  assert_int_equal(pe_endpoint_opens_at(&endpoint, 0, T), T + 20 * PE_SECOND);
  assert_int_equal(pe_endpoint_room(&endpoint, 0, T + 6 * PE_SECOND), 0);
  assert_false(pe_endpoint_probe_now(&endpoint, T + 1));
  assert_int_equal(pe_endpoint_room(&endpoint, 0, T + 6 * PE_SECOND), 0);
  assert_int_equal(pe_endpoint_room(&endpoint, 0, T + 20 * PE_SECOND), 1);
}

static void counts_the_gates_in_a_row(void **state) {
  pe_endpoint endpoint;
  int64_t now = T;
  (void)state;
  pe_endpoint_init(&endpoint, WIDTH);
  for (int round = 1; round <= 5; round++) {
    for (int i = 0; i < 8; i++) { /* all that were in flight are refused: one gate */
      answer(&endpoint, PE_ANSWER_GATED, now + i);
      pe_endpoint_gate(&endpoint, now + 100, now + i);
    }
    assert_int_equal(endpoint.gates, round);
    answer(&endpoint, PE_ANSWER_TAKEN, now + 50); /* one that had begun before: says nothing of the next */
    assert_int_equal(endpoint.gates, round);
    now += 100;
  }
  answer(&endpoint, PE_ANSWER_TAKEN, now);
  assert_int_equal(endpoint.gates, 0);
}

static void an_answer_that_asks_for_silence_ends_a_row_of_failures(void **state) {
  pe_endpoint endpoint;
  (void)state;
  pe_endpoint_init(&endpoint, 4);
  answers(&endpoint, PE_ANSWER_FAILED, 4, 0);
  answer(&endpoint, PE_ANSWER_GATED, 0);
  answers(&endpoint, PE_ANSWER_FAILED, 4, 0);
  assert_int_equal(endpoint.state, PE_ENDPOINT_OPEN);
  answer(&endpoint, PE_ANSWER_FAILED, 0);
  assert_int_equal(endpoint.state, PE_ENDPOINT_COOLING);
}

static void one_that_was_silent_for_another_begins_with_a_few(void **state) {
  pe_endpoint endpoint;
  (void)state;
  pe_endpoint_init(&endpoint, WIDTH);
  pe_endpoint_resume(&endpoint, T);
  assert_true(pe_endpoint_room(&endpoint, 0, T) > 0);
  assert_true(pe_endpoint_room(&endpoint, 0, T) < WIDTH);
  answer(&endpoint, PE_ANSWER_HELD, 0);
  pe_endpoint_resume(&endpoint, T + 1);
  assert_int_equal(pe_endpoint_room(&endpoint, 0, T + 1), 1);
}

/* After any row of events: either there is room now, or it is known when, or a transfer is out that will tell. */
static void never_gets_stuck(void **state) {
  numbers random = {99};
  pe_endpoint endpoint;
  bool probes[WIDTH];
  size_t in_flight = 0;
  int64_t now = T;
  (void)state;
  pe_endpoint_init(&endpoint, WIDTH);
  for (int step = 0; step < 200000; step++) {
    int64_t opens_at;
    now += (int64_t)below(&random, 4) * PE_SECOND / 2;
    if (pe_endpoint_room(&endpoint, in_flight, now) > 0 && in_flight < WIDTH && below(&random, 2)) {
      probes[in_flight++] = pe_endpoint_begin(&endpoint);
    } else if (in_flight > 0) {
      size_t i = below(&random, in_flight);
      pe_answer how = (pe_answer)below(&random, 6);
      if (below(&random, 20) == 0)
        pe_endpoint_forget(&endpoint, probes[i]);
      else
        pe_endpoint_note(&endpoint, how, probes[i], now);
      if (how == PE_ANSWER_GATED) pe_endpoint_gate(&endpoint, now + (int64_t)below(&random, 9) * PE_SECOND, now);
      probes[i] = probes[--in_flight];
    }
    if (below(&random, 50) == 0 && pe_endpoint_probe_now(&endpoint, now)) memset(probes, 0, sizeof probes);
    opens_at = pe_endpoint_opens_at(&endpoint, in_flight, now);
    if (opens_at == INT64_MAX)
      assert_true(in_flight > 0);
    else
      assert_true(pe_endpoint_room(&endpoint, in_flight, opens_at > now ? opens_at : now) > 0);
    assert_int_equal(pe_endpoint_room(&endpoint, in_flight, now) > 0, opens_at <= now);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(an_open_one_lets_its_width_through),
                                     TEST(five_failures_in_a_row_cool_it),
                                     TEST(a_cooling_one_is_probed_less_and_less),
                                     TEST(a_held_one_is_probed_less_and_less),
                                     TEST(events_never_tried_find_out_at_once_what_a_hold_is_about),
                                     TEST(the_same_event_again_leaves_it_open_what_a_hold_is_about),
                                     TEST(a_suspect_changes_nothing_but_how_many_go_at_once),
                                     TEST(what_was_in_flight_before_does_not_prolong_it),
                                     TEST(an_answer_opens_it),
                                     TEST(trouble_with_the_credentials_outranks_failures),
                                     TEST(a_probe_that_is_given_up_makes_room_for_another),
                                     TEST(new_credentials_are_tried_at_once),
                                     TEST(new_credentials_wait_for_no_probe),
                                     TEST(a_cooling_one_keeps_its_probe),
                                     TEST(a_gate_stops_everything_until_then),
                                     TEST(a_gate_stops_probes_too),
                                     TEST(counts_the_gates_in_a_row),
                                     TEST(an_answer_that_asks_for_silence_ends_a_row_of_failures),
                                     TEST(one_that_was_silent_for_another_begins_with_a_few),
                                     TEST(never_gets_stuck)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
