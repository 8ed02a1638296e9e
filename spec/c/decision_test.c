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
                          const pe_attempt *attempt, uint32_t begun, uint32_t delivered) {
  return pe_decide(&(pe_trial){by, endpoint, record, attempt, false, {begun, delivered}, NOW, half});
}

static void an_answer_about_the_event_ends_it(void **state) {
  pe_endpoint endpoint;
  pe_record record = {.attempts = 1};
  pe_attempt delivered = attempt_of(PE_VERDICT_DELIVERED, 200, PE_SENT_YES);
  pe_attempt rejected = attempt_of(PE_VERDICT_REJECTED, 400, PE_SENT_YES);
  pe_decision decision;
  (void)state;
  pe_endpoint_init(&endpoint, WIDTH);
  decision = pe_decide(&(pe_trial){&policy, &endpoint, &record, &delivered, false, {1, 0}, NOW, never});
  assert_true(decision.ended && decision.outcome == PE_DELIVERED);
  decision = pe_decide(&(pe_trial){&policy, &endpoint, &record, &rejected, false, {1, 0}, NOW, never});
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
    decision = decide(&policy, &endpoint, &record, &failed, 1, 0);
    assert_false(decision.ended);
    assert_int_equal(decision.due, NOW + ceiling / 2);
    assert_int_equal(endpoint.failures, 1);
  }
}

static void what_was_sent_without_an_answer_is_given_up_by_who_wants_it(void **state) {
  pe_attempt unanswered = attempt_of(PE_VERDICT_RETRY, 0, PE_SENT_MAYBE);
  pe_attempt unsent = attempt_of(PE_VERDICT_RETRY, 0, PE_SENT_NO);
  pe_attempt answered = attempt_of(PE_VERDICT_RETRY, 504, PE_SENT_YES);
  pe_record record = {.attempts = 1};
  pe_endpoint endpoint;
  (void)state;
  pe_endpoint_init(&endpoint, WIDTH);
  assert_false(decide(&policy, &endpoint, &record, &unanswered, 1, 0).ended);
  assert_int_equal(decide(&careful, &endpoint, &record, &unanswered, 1, 0).outcome, PE_UNKNOWN);
  assert_true(decide(&careful, &endpoint, &record, &unanswered, 1, 0).ended);
  assert_false(decide(&careful, &endpoint, &record, &unsent, 1, 0).ended);
  assert_false(decide(&careful, &endpoint, &record, &answered, 1, 0).ended);
}

static void a_gate_is_for_all(void **state) {
  pe_attempt limited = attempt_of(PE_VERDICT_RETRY, 429, PE_SENT_YES);
  pe_attempt busy = attempt_of(PE_VERDICT_RETRY, 503, PE_SENT_YES);
  pe_record record = {.attempts = 1};
  pe_endpoint endpoint;
  (void)state;
  limited.retry_after = busy.retry_after = 7 * PE_SECOND;
  pe_endpoint_init(&endpoint, WIDTH);
  assert_int_equal(decide(&policy, &endpoint, &record, &limited, 1, 0).due, NOW + 7 * PE_SECOND);
  assert_int_equal(pe_endpoint_room(&endpoint, 0, NOW + 7 * PE_SECOND - 1), 0);
  assert_int_equal(pe_endpoint_room(&endpoint, 0, NOW + 7 * PE_SECOND), WIDTH);
  pe_endpoint_init(&endpoint, WIDTH);
  assert_int_equal(decide(&policy, &endpoint, &record, &busy, 1, 0).due, NOW + 7 * PE_SECOND);
  assert_int_equal(pe_endpoint_room(&endpoint, 0, NOW), 0);
  pe_endpoint_init(&endpoint, WIDTH);
  limited.retry_after = 0; /* half of the first back-off, and by chance half of the other half */
  assert_int_equal(decide(&policy, &endpoint, &record, &limited, 1, 0).due, NOW + 3 * PE_SECOND / 4);
}

static void a_503_without_a_time_is_a_gate_for_nobody(void **state) {
  pe_attempt busy = attempt_of(PE_VERDICT_RETRY, 503, PE_SENT_YES);
  pe_record record = {.attempts = 1};
  pe_endpoint endpoint;
  (void)state;
  pe_endpoint_init(&endpoint, WIDTH);
  assert_int_equal(decide(&policy, &endpoint, &record, &busy, 1, 0).due, NOW + PE_SECOND / 2);
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
    assert_int_equal(decide(&policy, &endpoint, &record, &limited, 1, 0).due, NOW + 3 * PE_SECOND / 4);
  endpoint.gate_until = NOW; /* it is over */
  assert_int_equal(decide(&policy, &endpoint, &record, &limited, 1, 0).due, NOW + 3 * PE_SECOND / 2);
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

static void a_hold_keeps_the_event(void **state) {
  pe_attempt refused = attempt_of(PE_VERDICT_HOLD, 401, PE_SENT_YES);
  pe_record record = {.attempts = 1};
  pe_endpoint endpoint;
  (void)state;
  pe_endpoint_init(&endpoint, WIDTH);
  for (uint32_t i = 1; i < 100; i++) { /* nothing is delivered meanwhile */
    pe_decision decision = decide(&policy, &endpoint, &record, &refused, i, 0);
    assert_false(decision.ended);
    assert_int_equal(decision.due, NOW);
  }
  assert_int_equal(endpoint.state, PE_ENDPOINT_HELD);
  assert_int_equal(record.draws, 1);
}

static void a_page_in_the_platforms_place_holds_though_lost_answers_are_given_up(void **state) {
  pe_attempt page = attempt_of(PE_VERDICT_HOLD, 200, PE_SENT_YES);
  pe_attempt cut = attempt_of(PE_VERDICT_RETRY, 200, PE_SENT_YES);
  pe_record record = {.attempts = 1};
  pe_endpoint endpoint;
  (void)state;
  page.error = cut.error = PE_BAD_REPLY;
  cut.transfer.body_is_cut = true;
  pe_endpoint_init(&endpoint, WIDTH);
  assert_false(decide(&careful, &endpoint, &record, &page, 1, 0).ended);
  assert_int_equal(endpoint.state, PE_ENDPOINT_HELD);
  pe_endpoint_init(&endpoint, WIDTH);
  assert_int_equal(decide(&careful, &endpoint, &record, &cut, 1, 0).outcome, PE_UNKNOWN);
  assert_false(decide(&policy, &endpoint, &record, &cut, 1, 0).ended);
}

static void a_third_hold_while_others_pass_ends_the_event(void **state) {
  pe_attempt refused = attempt_of(PE_VERDICT_HOLD, 403, PE_SENT_YES);
  pe_record record = {.attempts = 1};
  pe_endpoint endpoint;
  (void)state;
  pe_endpoint_init(&endpoint, WIDTH);
  assert_false(decide(&policy, &endpoint, &record, &refused, UINT32_MAX - 1, 0).ended);
  pe_endpoint_note(&endpoint, PE_ANSWER_TAKEN, false, NOW); /* by UINT32_MAX */
  assert_false(decide(&policy, &endpoint, &record, &refused, 1, UINT32_MAX).ended);
  assert_int_equal(endpoint.state, PE_ENDPOINT_OPEN); /* it holds nobody up */
  assert_int_equal(decide(&policy, &endpoint, &record, &refused, 3, 2).outcome, PE_REJECTED_BY_PLATFORM);
  assert_int_equal(record.draws, 3);
}

static void a_suspect_whose_answer_is_lost_is_given_up_by_who_wants_it(void **state) {
  pe_attempt refused = attempt_of(PE_VERDICT_HOLD, 302, PE_SENT_YES);
  pe_attempt broken = attempt_of(PE_VERDICT_HOLD, 200, PE_SENT_MAYBE);
  pe_record record = {.attempts = 1};
  pe_endpoint endpoint;
  (void)state;
  broken.error = PE_BAD_REPLY;
  pe_endpoint_init(&endpoint, WIDTH);
  assert_false(decide(&careful, &endpoint, &record, &refused, 1, 0).ended);
  pe_endpoint_note(&endpoint, PE_ANSWER_TAKEN, false, NOW); /* by 2 */
  assert_int_equal(decide(&careful, &endpoint, &record, &broken, 3, 2).outcome, PE_UNKNOWN);
  assert_int_equal(endpoint.state, PE_ENDPOINT_OPEN);
}

static void what_began_before_a_hold_is_no_witness(void **state) {
  pe_attempt refused = attempt_of(PE_VERDICT_HOLD, 401, PE_SENT_YES);
  pe_record record = {.attempts = 1};
  pe_endpoint endpoint;
  (void)state;
  pe_endpoint_init(&endpoint, WIDTH);
  for (uint32_t late = 1; late <= 16; late++) /* 1 to 16 began before, and deliver one after the other */
    assert_false(decide(&policy, &endpoint, &record, &refused, 16 + late, late).ended);
  assert_int_equal(record.draws, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(an_answer_about_the_event_ends_it),
      TEST(trouble_is_tried_again_later_and_later),
      TEST(what_was_sent_without_an_answer_is_given_up_by_who_wants_it),
      TEST(a_gate_is_for_all),
      TEST(a_503_without_a_time_is_a_gate_for_nobody),
      TEST(a_refusal_after_the_gate_doubles_it_and_one_from_before_does_not),
      TEST(an_attempt_that_could_not_begin_was_not_sent),
      TEST(a_hold_keeps_the_event),
      TEST(a_page_in_the_platforms_place_holds_though_lost_answers_are_given_up),
      TEST(a_third_hold_while_others_pass_ends_the_event),
      TEST(a_suspect_whose_answer_is_lost_is_given_up_by_who_wants_it),
      TEST(what_began_before_a_hold_is_no_witness),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
