#include "policy/decision.h"

/* An event that draws a hold so often, while others are delivered each time, is itself the reason: fewer would be
 * chance too often where half of all requests are refused. How many of the others go by before they count, at most, is
 * chance as well: or a server that refuses every second request might always refuse the same event. */
enum { DRAWS_TO_REJECT = 5, MOST_SKIPPED = 3 };

static pe_decision end(pe_outcome outcome) {
  return (pe_decision){.ended = true, .outcome = outcome};
}

static pe_decision retry_at(int64_t due) {
  return (pe_decision){.due = due};
}

static int64_t back_off(const pe_trial *trial) {
  return pe_retry_delay(&trial->policy->retry, trial->record->attempts, trial->attempt->retry_after, trial->unit());
}

/* Whether the event may have arrived, and the user chose not to send it again. */
static bool is_given_up(const pe_trial *trial) {
  return !trial->policy->retry_ambiguous && pe_attempt_may_have_arrived(trial->attempt);
}

/* ---- progress ---- */

static uint32_t later_of(uint32_t a, uint32_t b) {
  return pe_transfer_is_later(a, b) ? a : b;
}

uint32_t pe_progress_passed(const pe_progress *progress) {
  uint32_t first = progress->delivered[0];
  for (int i = 1; i < PE_WITNESSES; i++)
    if (pe_transfer_is_later(first, progress->delivered[i])) first = progress->delivered[i];
  return later_of(first, progress->pardoned);
}

/* What `drawn_by` of all that drew a hold until now does not exceed. */
static uint32_t pardon_now(const pe_progress *progress) {
  return progress->begun + MOST_SKIPPED;
}

pe_start pe_progress_begin(pe_progress *progress, const pe_record *record) {
  progress->begun++;
  /* The last pardon may be long ago: it must not come to lie in the future. */
  if (pardon_now(progress) - progress->pardoned > INT32_MAX) progress->pardoned = pardon_now(progress) - INT32_MAX;
  return (pe_start){progress->begun, pe_transfer_is_later(pe_progress_passed(progress), record->drawn_by)};
}

static void note_taken(const pe_trial *trial) {
  pe_progress *progress = trial->progress;
  if (trial->attempt->verdict == PE_VERDICT_DELIVERED)
    progress->delivered[progress->turn++ % PE_WITNESSES] = trial->start.number;
  if (trial->record->draws > 0) progress->pardoned = pardon_now(progress);
}

/* ---- hold ---- */

static uint32_t skip(const pe_trial *trial) {
  return (uint32_t)(trial->unit() * (MOST_SKIPPED + 1));
}

/* Counts the hold that the event drew. Returns whether it counts: it is the first since the last pardon, or enough
 * others were delivered between the last one that counted and this one. */
static bool count_draw(const pe_trial *trial) {
  pe_record *record = trial->record;
  if (!pe_transfer_is_later(record->drawn_by, trial->progress->pardoned)) record->draws = 0;
  if (record->draws > 0 && !trial->start.is_told) return false;
  record->draws++;
  record->drawn_by = trial->start.number + skip(trial);
  return true;
}

/* What the hold means for the others. A suspect does not hold them up; nor does it tell anything of a hold by others.
 */
static void note_hold(const pe_trial *trial, bool counts) {
  bool is_suspect = pe_record_is_suspect(trial->record);
  pe_answer answer = counts ? PE_ANSWER_HELD : PE_ANSWER_AGAIN;
  if (is_suspect && (counts || trial->endpoint->state != PE_ENDPOINT_HELD)) answer = PE_ANSWER_SUSPECT;
  pe_endpoint_note(trial->endpoint, answer, trial->probe, trial->now);
}

/* Where not enough others are delivered, which ends the wait. A suspect is tried later and later. Any other waits for
 * the end of the hold, and not for long after that. */
static int64_t wait_after_hold(const pe_trial *trial) {
  int attempt = pe_record_is_suspect(trial->record) ? trial->record->attempts : 1;
  return pe_retry_delay(&trial->policy->retry, attempt, trial->attempt->retry_after, trial->unit());
}

/* Nothing is burned for a portal that waits for a sign-in, nor for what speaks no HTTP: that is an answer, though whose
 * is not known. */
static pe_decision decide_hold(const pe_trial *trial) {
  pe_record *record = trial->record;
  note_hold(trial, count_draw(trial));
  if (record->draws >= DRAWS_TO_REJECT) return end(PE_REJECTED_BY_PLATFORM);
  return retry_at(trial->now + wait_after_hold(trial));
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
    trial->record->draws = 0; /* holds count in a row */
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
  note_taken(trial);
  return end(verdict == PE_VERDICT_DELIVERED ? PE_DELIVERED : PE_REJECTED_BY_PLATFORM);
}
