#include "policy/decision.h"

/* design.md: an event that drew a hold on three probes while others were delivered is itself the reason. */
enum { DRAWS_TO_REJECT = 3 };

static pe_decision end(pe_outcome outcome) {
  return (pe_decision){.ended = true, .outcome = outcome};
}

static pe_decision retry_at(int64_t due) {
  return (pe_decision){.due = due};
}

static int64_t back_off(const pe_trial *trial) {
  return pe_retry_delay(&trial->policy->retry, trial->record->attempts, trial->attempt->retry_after, trial->unit());
}

/* Whether the event was sent, its answer is lost, and the user chose not to send it again. */
static bool is_given_up(const pe_trial *trial) {
  const pe_attempt *attempt = trial->attempt;
  bool is_cut = attempt->error == PE_BAD_REPLY && attempt->transfer.body_is_cut;
  return (is_cut || attempt->transfer.sent == PE_SENT_MAYBE) && !trial->policy->retry_ambiguous;
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

static pe_decision decide_hold(const pe_trial *trial) {
  if (is_suspect(trial->record, trial->progress)) { /* one event does not hold the others up */
    pe_endpoint_forget(trial->endpoint, trial->probe);
    if (is_given_up(trial)) return end(PE_UNKNOWN);
    if (trial->record->draws >= DRAWS_TO_REJECT) return end(PE_REJECTED_BY_PLATFORM);
    return retry_at(trial->now + back_off(trial));
  }
  pe_endpoint_note(trial->endpoint, PE_ANSWER_HELD, trial->probe, trial->now);
  if (is_given_up(trial)) return end(PE_UNKNOWN);
  return retry_at(trial->now); /* the hold is what it waits for */
}

/* ---- retry ---- */

/* Whether the reply asks everybody to be silent for a while. */
static bool is_gate(const pe_attempt *attempt) {
  long status = attempt->transfer.http_status;
  return status == 429 || (status == 503 && attempt->retry_after > 0);
}

/* A 429 that does not say how long: half of the back-off for certain, the other half by chance. The answers to all that
 * was in flight when the gate closed are one refusal. */
static int64_t gate_delay(const pe_trial *trial) {
  const pe_endpoint *endpoint = trial->endpoint;
  int refusals = endpoint->gates + (trial->now >= endpoint->gate_until ? 1 : 0);
  if (trial->attempt->retry_after > 0) return trial->attempt->retry_after;
  return pe_retry_delay(&trial->policy->retry, refusals, 0, 0.5 + trial->unit() / 2);
}

static pe_decision decide_retry(const pe_trial *trial) {
  int64_t due;

  if (is_gate(trial->attempt)) {
    due = trial->now + gate_delay(trial);
    pe_endpoint_note(trial->endpoint, PE_ANSWER_GATED, trial->probe, trial->now);
    pe_endpoint_gate(trial->endpoint, due, trial->now);
  } else {
    due = trial->now + back_off(trial);
    pe_endpoint_note(trial->endpoint, PE_ANSWER_FAILED, trial->probe, trial->now);
  }
  return is_given_up(trial) ? end(PE_UNKNOWN) : retry_at(due);
}

pe_decision pe_decide(const pe_trial *trial) {
  pe_verdict verdict = trial->attempt->verdict;
  if (verdict == PE_VERDICT_HOLD) return decide_hold(trial);
  if (verdict == PE_VERDICT_RETRY) return decide_retry(trial);
  pe_endpoint_note(trial->endpoint, PE_ANSWER_TAKEN, trial->probe, trial->now);
  return end(verdict == PE_VERDICT_DELIVERED ? PE_DELIVERED : PE_REJECTED_BY_PLATFORM);
}
