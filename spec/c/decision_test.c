/* What becomes of an event after an attempt. */
#include "test.h"

#include <string.h>

#include "base/clock.h"
#include "policy/decision.h"

enum { WIDTH = 4 };

static const int64_t NOW = 1000 * PE_SECOND;
static const pe_decision_policy policy = {.retry = {PE_SECOND, 30 * PE_SECOND}, .retry_ambiguous = true};
static const pe_decision_policy careful = {.retry = {PE_SECOND, 30 * PE_SECOND}, .retry_ambiguous = false};

static double half(void) {
  return 0.5;
}

/* Only a decision that needs chance asks for it. */
static double never(void) {
  fail_msg("asked for a number by chance");
  return 0;
}

static pe_attempt attempt_of(pe_verdict verdict, long http_status, pe_sent sent) {
  pe_attempt attempt;
  memset(&attempt, 0, sizeof attempt);
  attempt.verdict = verdict;
  attempt.transfer.http_status = http_status;
  attempt.transfer.sent = sent;
  return attempt;
}

static pe_decision decide(const pe_decision_policy *by, pe_endpoint *endpoint, pe_record *record,
                          const pe_attempt *attempt) {
  pe_progress progress = {.begun = 1};
  return pe_decide(&(pe_trial){by, endpoint, record, attempt, false, &progress, {1, false}, NOW, half});
}

static void an_answer_about_the_event_ends_it(void **state) {
  pe_endpoint endpoint;
  pe_record record = {.attempts = 1};
  pe_attempt delivered = attempt_of(PE_VERDICT_DELIVERED, 200, PE_SENT_YES);
  pe_attempt rejected = attempt_of(PE_VERDICT_REJECTED, 400, PE_SENT_YES);
  pe_progress progress = {.begun = 1};
  pe_decision decision;
  (void)state;
  pe_endpoint_init(&endpoint, WIDTH);
  decision = pe_decide(&(pe_trial){&policy, &endpoint, &record, &delivered, false, &progress, {1, false}, NOW, never});
  assert_true(decision.ended && decision.outcome == PE_DELIVERED);
  decision = pe_decide(&(pe_trial){&policy, &endpoint, &record, &rejected, false, &progress, {1, false}, NOW, never});
  assert_true(decision.ended && decision.outcome == PE_REJECTED_BY_PLATFORM);
}

static void trouble_is_tried_again_later_and_later(void **state) {
  pe_attempt failed = attempt_of(PE_VERDICT_RETRY, 500, PE_SENT_YES);
  (void)state;
  for (uint16_t attempts = 1; attempts <= 8; attempts++) {
    int64_t ceiling = attempts < 6 ? PE_SECOND << (attempts - 1) : 30 * PE_SECOND;
    pe_record record = {.attempts = attempts};
    pe_endpoint endpoint;
    pe_decision decision;
    pe_endpoint_init(&endpoint, WIDTH);
    decision = decide(&policy, &endpoint, &record, &failed);
    assert_false(decision.ended);
    assert_int_equal(decision.due, NOW + ceiling / 2);
    assert_int_equal(endpoint.failures, 1);
  }
}

static void what_was_sent_without_an_answer_is_given_up_by_who_wants_it(void **state) {
  pe_attempt unanswered = attempt_of(PE_VERDICT_RETRY, 0, PE_SENT_MAYBE);
  pe_attempt unsent = attempt_of(PE_VERDICT_RETRY, 0, PE_SENT_NO);
  pe_record record = {.attempts = 1};
  pe_endpoint endpoint;
  (void)state;
  unanswered.error = PE_TIMEOUT;
  unsent.error = PE_UNREACHABLE;
  pe_endpoint_init(&endpoint, WIDTH);
  assert_false(decide(&policy, &endpoint, &record, &unanswered).ended);
  assert_int_equal(decide(&careful, &endpoint, &record, &unanswered).outcome, PE_UNKNOWN);
  assert_true(decide(&careful, &endpoint, &record, &unanswered).ended);
  assert_false(decide(&careful, &endpoint, &record, &unsent).ended);
}

/* docs/reference/codes.md: of 425, 503 and 7301 the event was not taken; whoever answers with another may have passed
 * it on. */
static void an_answer_that_does_not_say_is_none(void **state) {
  static const long open[] = {408, 500, 502, 504, 507, 599}, closed[] = {425, 503, 200};
  pe_record record = {.attempts = 1};
  pe_endpoint endpoint;
  (void)state;
  for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
    pe_attempt attempt = attempt_of(PE_VERDICT_RETRY, open[i], PE_SENT_YES);
    attempt.error = PE_UNAVAILABLE;
    pe_endpoint_init(&endpoint, WIDTH);
    assert_int_equal(decide(&careful, &endpoint, &record, &attempt).outcome, PE_UNKNOWN);
    assert_int_equal(endpoint.failures, 1);
    assert_false(decide(&policy, &endpoint, &record, &attempt).ended);
  }
  for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) {
    pe_attempt attempt = attempt_of(PE_VERDICT_RETRY, closed[i], PE_SENT_YES);
    attempt.error = PE_UNAVAILABLE;
    pe_endpoint_init(&endpoint, WIDTH);
    assert_false(decide(&careful, &endpoint, &record, &attempt).ended);
  }
}

static void a_gate_is_for_all(void **state) {
  pe_attempt limited = attempt_of(PE_VERDICT_RETRY, 429, PE_SENT_YES);
  pe_attempt busy = attempt_of(PE_VERDICT_RETRY, 503, PE_SENT_YES);
  pe_record record = {.attempts = 1};
  pe_endpoint endpoint;
  (void)state;
  limited.retry_after = busy.retry_after = 7 * PE_SECOND;
  pe_endpoint_init(&endpoint, WIDTH);
  assert_int_equal(decide(&policy, &endpoint, &record, &limited).due, NOW + 7 * PE_SECOND);
  assert_int_equal(pe_endpoint_room(&endpoint, 0, NOW + 7 * PE_SECOND - 1), 0);
  assert_true(pe_endpoint_room(&endpoint, 0, NOW + 7 * PE_SECOND) > 0);
  pe_endpoint_init(&endpoint, WIDTH);
  assert_int_equal(decide(&policy, &endpoint, &record, &busy).due, NOW + 7 * PE_SECOND);
  assert_int_equal(pe_endpoint_room(&endpoint, 0, NOW), 0);
  pe_endpoint_init(&endpoint, WIDTH);
  limited.retry_after = 0; /* half of the first back-off, and by chance half of the other half */
  assert_int_equal(decide(&policy, &endpoint, &record, &limited).due, NOW + 3 * PE_SECOND / 4);
}

static void a_503_without_a_time_is_a_gate_for_nobody(void **state) {
  pe_attempt busy = attempt_of(PE_VERDICT_RETRY, 503, PE_SENT_YES);
  pe_record record = {.attempts = 1};
  pe_endpoint endpoint;
  (void)state;
  pe_endpoint_init(&endpoint, WIDTH);
  assert_int_equal(decide(&policy, &endpoint, &record, &busy).due, NOW + PE_SECOND / 2);
  assert_int_equal(endpoint.gate_until, 0);
  assert_int_equal(endpoint.failures, 1);
  assert_int_equal(pe_endpoint_room(&endpoint, 0, NOW), WIDTH);
}

static void a_refusal_after_the_gate_doubles_it_and_one_from_before_does_not(void **state) {
  pe_attempt limited = attempt_of(PE_VERDICT_RETRY, 429, PE_SENT_YES);
  pe_record record = {.attempts = 1};
  pe_endpoint endpoint;
  (void)state;
  pe_endpoint_init(&endpoint, WIDTH);
  for (int i = 0; i < 3; i++) /* all of them were in flight when the gate closed */
    assert_int_equal(decide(&policy, &endpoint, &record, &limited).due, NOW + 3 * PE_SECOND / 4);
  endpoint.gate_until = NOW; /* it is over */
  assert_int_equal(decide(&policy, &endpoint, &record, &limited).due, NOW + 3 * PE_SECOND / 2);
}

static void an_attempt_that_could_not_begin_was_not_sent(void **state) {
  pe_attempt attempt = attempt_of(PE_VERDICT_RETRY, 500, PE_SENT_YES);
  (void)state;
  attempt.transfer.retry_after = PE_SECOND;
  attempt.transfer.body_is_usable = true;
  pe_attempt_fail(&attempt, PE_NO_MEMORY);
  assert_int_equal(attempt.transfer.sent, PE_SENT_NO);
  assert_int_equal(attempt.transfer.http_status, 0);
  assert_int_equal(attempt.retry_after, 0);
  assert_int_equal(attempt.error, PE_NO_MEMORY);
  assert_int_equal(attempt.verdict, PE_VERDICT_RETRY);
  pe_attempt_cleanup(&attempt);
}

/* ---- holds ---- */

/* A client that tries events one at a time. */
typedef struct client {
  pe_endpoint endpoint;
  pe_progress progress;
  double (*unit)(void);
} client;

static client new_client(void) {
  client made = {.unit = half};
  pe_endpoint_init(&made.endpoint, WIDTH);
  return made;
}

static pe_decision attempt_by(client *self, const pe_decision_policy *by, pe_record *record,
                              const pe_attempt *attempt) {
  pe_start start = pe_progress_begin(&self->progress, record);
  return pe_decide(&(pe_trial){by, &self->endpoint, record, attempt, false, &self->progress, start, NOW, self->unit});
}

static pe_decision refuse(client *self, pe_record *record) {
  pe_attempt refused = attempt_of(PE_VERDICT_HOLD, 403, PE_SENT_YES);
  return attempt_by(self, &policy, record, &refused);
}

static void deliver_record(client *self, pe_record *record) {
  pe_attempt delivered = attempt_of(PE_VERDICT_DELIVERED, 200, PE_SENT_YES);
  assert_int_equal(attempt_by(self, &policy, record, &delivered).outcome, PE_DELIVERED);
}

static void deliver_others(client *self, int count) {
  for (int i = 0; i < count; i++) {
    pe_record other = {.attempts = 1};
    deliver_record(self, &other);
  }
}

static double none(void) {
  return 0;
}

static double nearly_one(void) {
  return 0.999999;
}

static void a_hold_keeps_the_event(void **state) {
  pe_record record = {.attempts = 1};
  client self = new_client();
  (void)state;
  for (int i = 0; i < 1000; i++) { /* nothing is delivered meanwhile */
    pe_decision decision = refuse(&self, &record);
    assert_false(decision.ended);
    assert_int_equal(decision.due, NOW + PE_SECOND / 2); /* if the hold is over then */
  }
  assert_int_equal(self.endpoint.state, PE_ENDPOINT_HELD);
  assert_int_equal(record.draws, 1);
}

static void what_is_not_the_platforms_holds_though_lost_answers_are_given_up(void **state) {
  pe_attempt page = attempt_of(PE_VERDICT_HOLD, 200, PE_SENT_YES);
  pe_attempt garbage = attempt_of(PE_VERDICT_HOLD, 0, PE_SENT_MAYBE);
  pe_attempt cut = attempt_of(PE_VERDICT_RETRY, 200, PE_SENT_MAYBE);
  pe_record record = {.attempts = 1};
  pe_endpoint endpoint;
  (void)state;
  page.error = garbage.error = PE_BAD_REPLY;
  cut.error = PE_INTERRUPTED;
  for (int i = 0; i < 2; i++) {
    pe_endpoint_init(&endpoint, WIDTH);
    assert_false(decide(&careful, &endpoint, &record, i == 0 ? &page : &garbage).ended);
    assert_int_equal(endpoint.state, PE_ENDPOINT_HELD);
  }
  pe_endpoint_init(&endpoint, WIDTH);
  assert_int_equal(decide(&careful, &endpoint, &record, &cut).outcome, PE_UNKNOWN);
  assert_false(decide(&policy, &endpoint, &record, &cut).ended);
}

static void a_fifth_hold_while_others_pass_ends_the_event(void **state) {
  static double (*const chances[])(void) = {none, half, nearly_one};
  (void)state;
  for (int i = 0; i < 3; i++) {
    pe_record record = {.attempts = 1};
    client self = new_client();
    self.progress.begun = UINT32_MAX - 5; /* over the end of the numbers */
    self.progress.pardoned = UINT32_MAX - 100;
    self.unit = chances[i];
    for (int draws = 1; draws < 5; draws++) {
      assert_false(refuse(&self, &record).ended);
      assert_int_equal(record.draws, draws);
      deliver_others(&self, 6); /* three that count, behind three that may not */
    }
    assert_int_equal(refuse(&self, &record).outcome, PE_REJECTED_BY_PLATFORM);
  }
}

static void a_suspect_holds_nobody_up(void **state) {
  pe_record record = {.attempts = 6};
  client self = new_client();
  (void)state;
  (void)refuse(&self, &record);
  deliver_others(&self, 6);
  assert_int_equal(refuse(&self, &record).due, NOW + 15 * PE_SECOND); /* at the latest */
  assert_int_equal(self.endpoint.state, PE_ENDPOINT_OPEN);
  for (int i = 0; i < 100; i++) /* nothing is delivered any more: it stays */
    assert_false(refuse(&self, &record).ended);
  assert_int_equal(self.endpoint.state, PE_ENDPOINT_OPEN);
  assert_int_equal(record.draws, 2);
}

static void two_others_are_too_few(void **state) {
  pe_record record = {.attempts = 1};
  client self = new_client();
  (void)state;
  self.unit = none;
  for (int i = 0; i < 100; i++) {
    assert_false(refuse(&self, &record).ended);
    assert_int_equal(record.draws, 1 + i / 2); /* they add up over attempts that do not count */
    deliver_others(&self, 2);
    if (record.draws == 4) break;
  }
  assert_int_equal(record.draws, 4);
}

static void what_draws_no_hold_any_more_pardons_all(void **state) {
  pe_record record = {.attempts = 1}, other = {.attempts = 1};
  client self = new_client();
  (void)state;
  for (int i = 0; i < 100; i++) {
    assert_false(refuse(&self, &record).ended);
    if (i % 3 == 0) (void)refuse(&self, &other);
    deliver_others(&self, 6);
    if (i % 3 != 0) continue;
    deliver_record(&self, &other);
    other = (pe_record){.attempts = 1};
  }
  assert_true(record.draws < 5);
}

static void what_is_pardoned_is_tried_again_at_once(void **state) {
  pe_record records[3] = {{.attempts = 1}, {.attempts = 1}, {.attempts = 1}};
  client self = new_client();
  (void)state;
  for (int i = 0; i < 3; i++)
    (void)refuse(&self, &records[i]);
  deliver_others(&self, 1);
  assert_false(pe_transfer_is_later(pe_progress_passed(&self.progress), records[0].drawn_by));
  deliver_record(&self, &records[1]);
  for (int i = 0; i < 3; i++)
    assert_true(pe_transfer_is_later(pe_progress_passed(&self.progress), records[i].drawn_by));
}

static void another_trouble_ends_the_row(void **state) {
  pe_attempt failed = attempt_of(PE_VERDICT_RETRY, 500, PE_SENT_YES);
  pe_attempt limited = attempt_of(PE_VERDICT_RETRY, 429, PE_SENT_YES);
  pe_record record = {.attempts = 1};
  client self = new_client();
  (void)state;
  for (int i = 0; i < 4; i++) {
    (void)refuse(&self, &record);
    deliver_others(&self, 6);
  }
  (void)attempt_by(&self, &policy, &record, &limited); /* about all: says nothing of this one */
  assert_int_equal(record.draws, 4);
  (void)attempt_by(&self, &policy, &record, &failed);
  assert_false(refuse(&self, &record).ended);
  assert_int_equal(record.draws, 1);
}

static void a_pardon_of_long_ago_does_not_come_back(void **state) {
  pe_progress progress = {.begun = 1};
  pe_record record = {.attempts = 1};
  (void)state;
  for (uint64_t i = 0; i < UINT64_C(9) << 32; i += INT32_MAX / 2) {
    progress.begun += INT32_MAX / 2 - 1;
    (void)pe_progress_begin(&progress, &record);
    assert_true(pe_transfer_is_later(progress.begun, progress.pardoned));
  }
}

static void a_suspect_whose_answer_is_not_the_platforms_stays_one(void **state) {
  pe_attempt garbage = attempt_of(PE_VERDICT_HOLD, 0, PE_SENT_MAYBE);
  pe_record record = {.attempts = 1};
  client self = new_client();
  (void)state;
  garbage.error = PE_BAD_REPLY;
  (void)refuse(&self, &record);
  deliver_others(&self, 6);
  assert_false(attempt_by(&self, &careful, &record, &garbage).ended);
  assert_int_equal(self.endpoint.state, PE_ENDPOINT_OPEN);
}

static void what_began_before_a_hold_is_no_witness(void **state) {
  pe_record record = {.attempts = 1};
  pe_record others[16] = {{.attempts = 1}};
  pe_start starts[16];
  pe_attempt delivered = attempt_of(PE_VERDICT_DELIVERED, 200, PE_SENT_YES);
  client self = new_client();
  (void)state;
  for (int i = 0; i < 16; i++)
    starts[i] = pe_progress_begin(&self.progress, &others[i]);
  (void)refuse(&self, &record);
  for (int late = 0; late < 16; late++) { /* these began before, and deliver one after the other */
    (void)pe_decide(&(pe_trial){&policy, &self.endpoint, &others[late], &delivered, false, &self.progress, starts[late],
                                NOW, half});
    assert_false(refuse(&self, &record).ended);
  }
  assert_int_equal(record.draws, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(an_answer_about_the_event_ends_it),
      TEST(trouble_is_tried_again_later_and_later),
      TEST(what_was_sent_without_an_answer_is_given_up_by_who_wants_it),
      TEST(an_answer_that_does_not_say_is_none),
      TEST(a_gate_is_for_all),
      TEST(a_503_without_a_time_is_a_gate_for_nobody),
      TEST(a_refusal_after_the_gate_doubles_it_and_one_from_before_does_not),
      TEST(an_attempt_that_could_not_begin_was_not_sent),
      TEST(a_hold_keeps_the_event),
      TEST(what_is_not_the_platforms_holds_though_lost_answers_are_given_up),
      TEST(a_fifth_hold_while_others_pass_ends_the_event),
      TEST(a_suspect_holds_nobody_up),
      TEST(two_others_are_too_few),
      TEST(what_draws_no_hold_any_more_pardons_all),
      TEST(what_is_pardoned_is_tried_again_at_once),
      TEST(another_trouble_ends_the_row),
      TEST(a_pardon_of_long_ago_does_not_come_back),
      TEST(a_suspect_whose_answer_is_not_the_platforms_stays_one),
      TEST(what_began_before_a_hold_is_no_witness),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
