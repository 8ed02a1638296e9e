/* Submissions on the sender's thread: each is answered once, with what became of it; none stands behind tracked events
 * or a held queue; and none is left without an answer at the end. */
#include "delivery/submission.h"

#include <stdlib.h>

#include "base/clock.h"
#include "loop.h"
#include "sending.h"

enum { WIDTH = 4, SUBMISSIONS = 200 };

static loop self;

static void start_with(pe_post_policy policy, server_decide decide) {
  pe_sender_config config = sending_config_of(8);
  policy.accept = config.post.accept;
  config.post = policy;
  config.max_posts = WIDTH;
  sending_start_with(config, sending_queue_of(8), decide, NULL);
  loop_start(&self);
}

static void start(server_decide decide) {
  start_with((pe_post_policy){.timeout = SENDING_LONG, .attempts = 1}, decide);
}

static pe_submission *new_submission(unsigned event) {
  pe_submission *submission;
  char body[64];
  server_body(body, sizeof body, event);
  submission = pe_submission_new(self.waker, event, body, strlen(body));
  assert_non_null(submission);
  submission->begun_at = pe_clock_monotonic();
  return submission;
}

static void submit_until(unsigned event, int64_t deadline) {
  pe_submission *submission = new_submission(event);
  submission->deadline = deadline;
  assert_int_equal(pe_sender_submit(sending.sender, submission, SUBMISSIONS), PE_OK);
}

static void submit(unsigned event) {
  submit_until(event, pe_clock_monotonic() + SENDING_LONG);
}

static void submit_all(unsigned count) {
  for (unsigned i = 0; i < count; i++)
    submit(i);
}

/* Takes so many answers, and counts those that ended so. */
static unsigned count_answers(unsigned count, pe_error error) {
  bool answered[SUBMISSIONS] = {false};
  unsigned found = 0;
  for (unsigned i = 0; i < count; i++) {
    pe_submission *submission = loop_next(&self);
    assert_false(answered[submission->number]);
    answered[submission->number] = true;
    assert_true(submission->result.elapsed >= 0);
    if (submission->result.last.error == error) found++;
    pe_submission_free(submission);
  }
  assert_null(pe_waker_take(self.waker));
  return found;
}

static void end(void) {
  sending_end();
  loop_end(&self);
}

/* ---- answers ---- */

static server_answer refuses_some(void *user, unsigned event, unsigned count, const char *authorization) {
  (void)user, (void)count, (void)authorization;
  return event % 10 == 9 ? SERVER_REFUSES : SERVER_TAKES;
}

static void each_is_answered_with_what_became_of_it(void **state) {
  (void)state;
  start(refuses_some);
  for (unsigned i = 0; i < SUBMISSIONS; i++)
    submit(i);
  for (unsigned i = 0; i < SUBMISSIONS; i++) {
    pe_submission *submission = loop_next(&self);
    bool refused = submission->number % 10 == 9;
    assert_int_equal(submission->result.last.error, refused ? PE_REJECTED : PE_OK);
    assert_int_equal(submission->result.last.transfer.http_status, refused ? 400 : 200);
    assert_int_equal(submission->result.attempts, 1);
    if (!refused) assert_memory_equal(submission->result.last.reply.request_id, "r-1", 3);
    pe_submission_free(submission);
  }
  for (unsigned i = 0; i < SUBMISSIONS; i++)
    assert_int_equal(server_count(&sending.server, i), 1);
  end();
}

static void one_after_the_other_loses_no_wake_up(void **state) {
  (void)state;
  start(refuses_some);
  for (unsigned i = 0; i < SUBMISSIONS; i++) {
    pe_submission *submission;
    submit(i);
    submission = loop_next(&self);
    assert_int_equal(submission->number, i);
    pe_submission_free(submission);
  }
  end();
}

static server_answer takes_the_third(void *user, unsigned event, unsigned count, const char *authorization) {
  (void)user, (void)event, (void)authorization;
  return count < 3 ? SERVER_BUSY : SERVER_TAKES;
}

static void what_was_not_taken_is_tried_again(void **state) {
  const pe_retry_policy retry = {PE_MILLISECOND, 4 * PE_MILLISECOND};
  (void)state;
  start_with((pe_post_policy){.timeout = SENDING_LONG, .attempts = 3, .retry = retry}, takes_the_third);
  submit_all(SUBMISSIONS);
  assert_int_equal(count_answers(SUBMISSIONS, PE_OK), SUBMISSIONS);
  for (unsigned i = 0; i < SUBMISSIONS; i++)
    assert_int_equal(server_count(&sending.server, i), 3);
  end();
}

static void no_more_often_than_it_may_be(void **state) {
  const pe_retry_policy retry = {PE_MILLISECOND, 4 * PE_MILLISECOND};
  (void)state;
  start_with((pe_post_policy){.timeout = SENDING_LONG, .attempts = 2, .retry = retry}, takes_the_third);
  submit_all(20);
  assert_int_equal(count_answers(20, PE_UNAVAILABLE), 20);
  assert_int_equal(server_total(&sending.server), 40);
  end();
}

/* ---- apart from tracked events ---- */

static server_answer takes_one(void *user, unsigned event, unsigned count, const char *authorization) {
  (void)user, (void)count, (void)authorization;
  return event == 199 ? SERVER_TAKES : SERVER_LOCKED;
}

static void a_held_queue_holds_no_request(void **state) {
  (void)state;
  start(takes_one);
  sending_push_events(50);
  sending_wait_for_state(PE_STATE_HELD);
  submit(199);
  assert_int_equal(count_answers(1, PE_OK), 1);
  submit(198);
  assert_int_equal(count_answers(1, PE_UNAUTHORIZED), 1); /* and is not held itself */
  assert_int_equal(pe_queue_flush(sending.queue, 0), 50);
  end();
}

static void tracked_events_and_requests_share_the_thread(void **state) {
  (void)state;
  start(refuses_some);
  sending_push_events(SUBMISSIONS);
  submit_all(SUBMISSIONS);
  sending_flush();
  assert_int_equal(count_answers(SUBMISSIONS, PE_OK), SUBMISSIONS - SUBMISSIONS / 10);
  sending_assert_each_came(2);
  end();
}

/* ---- time ---- */

static server_answer never(void *user, unsigned event, unsigned count, const char *authorization) {
  (void)user, (void)event, (void)count, (void)authorization;
  return SERVER_SILENT;
}

static void those_that_wait_for_their_turn_run_out_of_time_too(void **state) {
  const int64_t timeout = 400 * PE_MILLISECOND;
  int64_t begin;
  unsigned unsent = 0;
  (void)state;
  start(never);
  begin = pe_clock_monotonic();
  for (unsigned i = 0; i < 3 * WIDTH; i++)
    submit_until(i, begin + timeout); /* the same for all: none has time left when another one's has run out */
  for (unsigned i = 0; i < 3 * WIDTH; i++) {
    pe_submission *submission = loop_next(&self);
    assert_int_equal(submission->result.last.error, PE_TIMEOUT);
    if (submission->result.attempts == 0) {
      assert_int_equal(submission->result.last.transfer.sent, PE_SENT_NO);
      unsent++;
    }
    pe_submission_free(submission);
  }
  assert_int_equal(unsent, 2 * WIDTH);
  assert_true(pe_clock_monotonic() - begin < SENDING_LONG / 2);
  assert_int_equal(server_total(&sending.server), WIDTH); /* and never more than that at once */
  end();
}

/* The eighth of a long time-out is more than it takes: 50 ms are, whatever the time-out. */
static void what_has_half_a_second_left_is_begun(void **state) {
  pe_submission *submission;
  (void)state;
  start(refuses_some);
  submission = new_submission(0);
  submission->begun_at -= 100 * PE_SECOND;
  submission->deadline = pe_clock_monotonic() + PE_SECOND / 2;
  assert_int_equal(pe_sender_submit(sending.sender, submission, SUBMISSIONS), PE_OK);
  assert_int_equal(count_answers(1, PE_OK), 1);
  end();
}

/* ---- the end ---- */

static void the_end_answers_all(void **state) {
  unsigned interrupted = 0, closed = 0;
  (void)state;
  start(never);
  submit_all(3 * WIDTH);
  server_wait(&sending.server, WIDTH);
  assert_true(stop_sender(sending.sender));
  sending.sender = NULL;
  for (unsigned i = 0; i < 3 * WIDTH; i++) {
    pe_submission *submission = loop_next(&self);
    const pe_attempt *last = &submission->result.last;
    if (last->error == PE_INTERRUPTED && last->transfer.sent == PE_SENT_MAYBE) interrupted++;
    if (last->error == PE_CLOSED && last->transfer.sent == PE_SENT_NO) closed++;
    pe_submission_free(submission);
  }
  assert_int_equal(interrupted, WIDTH);
  assert_int_equal(closed, 2 * WIDTH);
  end();
}

static void one_that_is_left_answers_before_it_ends(void **state) {
  (void)state;
  start(refuses_some);
  submit_all(20);
  pe_worker_end_all(&sending, 5 * PE_SECOND);
  assert_int_equal(count_answers(20, PE_OK), 18);
  end();
}

static void an_ended_thread_takes_none(void **state) {
  pe_submission *submission;
  (void)state;
  start(refuses_some);
  pe_worker_end_all(&sending, 5 * PE_SECOND);
  submission = new_submission(0);
  assert_int_equal(pe_sender_submit(sending.sender, submission, SUBMISSIONS), PE_CLOSED);
  pe_submission_free(submission);
  end();
}

static void no_more_are_taken_than_may_wait(void **state) {
  pe_submission *submission;
  (void)state;
  start(never);
  submit_all(SUBMISSIONS);
  submission = new_submission(0);
  assert_int_equal(pe_sender_submit(sending.sender, submission, SUBMISSIONS), PE_QUEUE_FULL);
  assert_int_equal(pe_sender_submit(sending.sender, submission, SUBMISSIONS + 1), PE_OK);
  assert_true(stop_sender(sending.sender));
  sending.sender = NULL;
  for (unsigned i = 0; i <= SUBMISSIONS; i++)
    pe_submission_free(loop_next(&self));
  end();
}

static void nobody_has_to_take_the_answer(void **state) {
  (void)state;
  start(refuses_some);
  submit_all(20);
  loop_end(&self);
  sending_end();
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(each_is_answered_with_what_became_of_it),
                                     TEST(one_after_the_other_loses_no_wake_up),
                                     TEST(what_was_not_taken_is_tried_again),
                                     TEST(no_more_often_than_it_may_be),
                                     TEST(a_held_queue_holds_no_request),
                                     TEST(tracked_events_and_requests_share_the_thread),
                                     TEST(those_that_wait_for_their_turn_run_out_of_time_too),
                                     TEST(what_has_half_a_second_left_is_begun),
                                     TEST(the_end_answers_all),
                                     TEST(one_that_is_left_answers_before_it_ends),
                                     TEST(an_ended_thread_takes_none),
                                     TEST(no_more_are_taken_than_may_wait),
                                     TEST(nobody_has_to_take_the_answer)};
  sending_use_clock();
  if (!pe_worker_prepare(nothing_to_begin)) return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
