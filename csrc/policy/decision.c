#include "policy/decision.h"

/* design.md: an event that drew a hold on three probes while others were delivered is itself the reason. */
enum { DRAWS_TO_REJECT = 3 };

static pe_decision end(pe_outcome outcome) {
  return (pe_decision){.ended = true, .outcome = outcome};
}

static pe_decision retry_at(int64_t due) {
  return (pe_decision){.due = due};
}

static int64_t back_off(const pe_decision_policy *policy, const pe_record *record, const pe_attempt *attempt,
                        double (*unit)(void)) {
  return pe_retry_delay(&policy->retry, record->attempts, attempt->retry_after, unit());
}

/* Whether the event was sent, its answer is lost, and the user chose not to send it again. */
static bool is_given_up(const pe_decision_policy *policy, const pe_attempt *attempt) {
  bool is_cut = attempt->error == PE_BAD_REPLY && attempt->transfer.body_is_cut;
  return (is_cut || attempt->transfer.sent == PE_SENT_MAYBE) && !policy->retry_ambiguous;
}

/* ---- hold ---- */

/* Counts a hold that the event drew. Returns whether it is under suspicion itself: a transfer delivered another event
 * that began after it drew the last one. What began before says nothing: the password may have changed in between. */
static bool is_suspect(pe_record *record, pe_progress progress) {
  bool others_passed = record->draws > 0 && (int32_t)(progress.delivered - record->drawn_after) > 0;
  if (record->draws == 0 || others_passed) record->draws++;
  record->drawn_after = progress.begun;
  return others_passed;
}

static pe_decision decide_hold(const pe_decision_policy *policy, pe_endpoint *endpoint, pe_record *record,
                               const pe_attempt *attempt, bool probe, pe_progress progress, int64_t now,
                               double (*unit)(void)) {
  if (is_suspect(record, progress)) { /* one event does not hold the others up */
    pe_endpoint_forget(endpoint, probe);
    if (record->draws >= DRAWS_TO_REJECT) return end(PE_REJECTED_BY_PLATFORM);
    return retry_at(now + back_off(policy, record, attempt, unit));
  }
  pe_endpoint_note(endpoint, PE_ANSWER_HELD, probe, now);
  if (is_given_up(policy, attempt)) return end(PE_UNKNOWN);
  return retry_at(now); /* the hold is what it waits for */
}

/* ---- retry ---- */

/* Whether the reply asks everybody to be silent for a while. */
static bool is_gate(const pe_attempt *attempt) {
  long status = attempt->transfer.http_status;
  return status == 429 || (status == 503 && attempt->retry_after > 0);
}

/* A 429 that does not say how long: half of the back-off for certain, the other half by chance. The answers to all that
 * was in flight when the gate closed are one refusal. */
static int64_t gate_delay(const pe_decision_policy *policy, const pe_endpoint *endpoint, const pe_attempt *attempt,
                          int64_t now, double (*unit)(void)) {
  int refusals = endpoint->gates + (now >= endpoint->gate_until ? 1 : 0);
  if (attempt->retry_after > 0) return attempt->retry_after;
  return pe_retry_delay(&policy->retry, refusals, 0, 0.5 + unit() / 2);
}

static pe_decision decide_retry(const pe_decision_policy *policy, pe_endpoint *endpoint, const pe_record *record,
                                const pe_attempt *attempt, bool probe, int64_t now, double (*unit)(void)) {
  int64_t delay;

  if (is_gate(attempt)) {
    delay = gate_delay(policy, endpoint, attempt, now, unit);
    pe_endpoint_note(endpoint, PE_ANSWER_GATED, probe, now);
    pe_endpoint_gate(endpoint, now + delay, now);
  } else {
    delay = back_off(policy, record, attempt, unit);
    pe_endpoint_note(endpoint, PE_ANSWER_FAILED, probe, now);
  }
  if (is_given_up(policy, attempt)) return end(PE_UNKNOWN);
  return retry_at(now + delay);
}

pe_decision pe_decide(const pe_decision_policy *policy, pe_endpoint *endpoint, pe_record *record,
                      const pe_attempt *attempt, bool probe, pe_progress progress, int64_t now, double (*unit)(void)) {
  switch (attempt->verdict) {
  case PE_VERDICT_HOLD: return decide_hold(policy, endpoint, record, attempt, probe, progress, now, unit);
  case PE_VERDICT_RETRY: return decide_retry(policy, endpoint, record, attempt, probe, now, unit);
  default:
    pe_endpoint_note(endpoint, PE_ANSWER_TAKEN, probe, now);
    return end(attempt->verdict == PE_VERDICT_DELIVERED ? PE_DELIVERED : PE_REJECTED_BY_PLATFORM);
  }
}
