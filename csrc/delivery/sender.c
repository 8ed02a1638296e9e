/* The half of sender.h that is the thread. */
#include "delivery/sender.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "delivery/sender_private.h"
#include "http/http_multi.h"

static const int64_t LINGER = PE_MILLISECOND; /* how long a sender that had work looks again before it sleeps */

/* ---- what becomes of an event ---- */

static void put_result(pe_sender *sender, const pe_record *record, pe_outcome outcome, pe_error code,
                       const pe_result_words *words, int64_t now) {
  if (pe_results_wanted(sender->config.results))
    pe_results_put(sender->config.results, pe_result_new(record, outcome, code, words, now));
}

/* The words of the attempt for `stats`, without what a reply may quote of the event. */
static void describe(const pe_attempt *attempt, char *text, size_t size) {
  if (attempt->transfer.message[0] != '\0')
    (void)snprintf(text, size, "%s", attempt->transfer.message);
  else
    (void)snprintf(text, size, "%s (HTTP %ld)", pe_error_text_of(attempt->error, attempt->transfer.http_status),
                   attempt->transfer.http_status);
}

static void leave_spool(pe_spool *spool, const pe_record *record, pe_outcome outcome, pe_error code,
                        const pe_result_words *words) {
  const pe_spool_end end = {.outcome = outcome,
                            .code = code,
                            .message = words->trouble,
                            .http_status = words->http_status,
                            .reply = words->reply ? words->reply->message : NULL,
                            .reply_size = words->reply ? words->reply->message_size : 0};
  pe_spool_end_event(spool, record, &end);
}

/* The record, which is in flight, has its outcome. The result first: who has waited for that (flush) finds it. */
static void end(pe_sender *sender, pe_record *record, pe_outcome outcome, pe_error code, const pe_result_words *words,
                const pe_queue_answer *answer, int64_t now) {
  put_result(sender, record, outcome, code, words, now);
  if (sender->spool) leave_spool(sender->spool, record, outcome, code, words);
  pe_queue_end(sender->config.queue, record, outcome, code, answer, now);
  free(record);
}

static void finish(pe_sender *sender, pe_sender_slot *self, pe_outcome outcome, pe_error code,
                   const pe_queue_answer *answer, int64_t now) {
  const pe_attempt *attempt = &self->attempt;
  pe_result_words words = {attempt->transfer.http_status, &attempt->reply, attempt->transfer.message};
  end(sender, self->record, outcome, code, &words, answer, now);
  if (outcome == PE_DELIVERED && (int32_t)(self->number - sender->progress.delivered) > 0)
    sender->progress.delivered = self->number;
}

/* Whether credentials were refused that have been replaced since: that says nothing about the new ones. */
static bool is_outdated(const pe_sender *sender, const pe_sender_slot *self) {
  return self->attempt.error == PE_UNAUTHORIZED && self->lane.credentials_number != sender->pool.credentials_number;
}

static pe_decision decide(pe_sender *sender, const pe_sender_slot *self, int64_t now) {
  if (is_outdated(sender, self)) {
    pe_endpoint_forget(&sender->endpoint, self->probe);
    return (pe_decision){.due = now};
  }
  return pe_decide(&(pe_trial){.policy = &sender->config.policy,
                               .endpoint = &sender->endpoint,
                               .record = self->record,
                               .attempt = &self->attempt,
                               .probe = self->probe,
                               .progress = sender->progress,
                               .now = now,
                               .unit = pe_random_unit});
}

/* Returns false where the event was withdrawn meanwhile. */
static bool wait_again(pe_sender *sender, pe_record *record, int64_t due, const pe_queue_answer *answer) {
  if (sender->spool) pe_spool_tried(sender->spool, record); /* before: it may leave memory at once */
  return pe_queue_retry(sender->config.queue, record, due, answer);
}

/* The slot's transfer is over. */
void pe_sender_settle(pe_lane *lane, int64_t now) {
  pe_sender_slot *self = (pe_sender_slot *)lane;
  pe_sender *sender = lane->owner;
  char message[PE_LAST_ERROR_SIZE];
  pe_queue_answer answer = {0, PE_OK, message};
  pe_decision decision;

  pe_attempt_judge(&self->attempt, sender->config.post.accept);
  answer.http_status = self->attempt.transfer.http_status;
  answer.error = self->attempt.error;
  if (answer.error != PE_OK) describe(&self->attempt, message, sizeof message);
  decision = decide(sender, self, now);
  if (decision.ended)
    finish(sender, self, decision.outcome, answer.error, &answer, now);
  else if (!wait_again(sender, self->record, decision.due, &answer))
    finish(sender, self, PE_DROPPED, PE_WITHDRAWN, &answer, now);
  self->record = NULL;
  pe_attempt_forget(&self->attempt);
  sender->free_slots[sender->free_count++] = self;
  sender->had_work = true;
}

static void give_up(pe_sender *sender, int64_t now) {
  const pe_result_words none = {0, NULL, NULL};
  pe_record *record;
  while ((record = pe_queue_take_expired(sender->config.queue, now)))
    end(sender, record, PE_EXPIRED, PE_OK, &none, NULL, now);
  while ((record = pe_queue_take_withdrawn(sender->config.queue)))
    end(sender, record, PE_DROPPED, PE_WITHDRAWN, &none, NULL, now);
}

/* ---- beginning transfers ---- */

static void begin(pe_sender *sender, pe_record *record, int64_t now) {
  pe_sender_slot *self = sender->free_slots[--sender->free_count];

  self->record = record;
  self->number = ++sender->progress.begun;
  self->probe = pe_endpoint_begin(&sender->endpoint);
  if (!pe_lane_begin(&self->lane, &sender->pool, pe_record_body(record), record->body_size, sender->config.post.timeout,
                     &self->attempt))
    pe_sender_settle(&self->lane, now);
}

static size_t in_flight(const pe_sender *sender) {
  return sender->config.max_in_flight - sender->free_count;
}

static bool can_begin(const pe_sender *sender, int64_t now) {
  return sender->free_count > 0 && pe_endpoint_room(&sender->endpoint, in_flight(sender), now) > 0 &&
         pe_rate_limit_next(&sender->rate, now) <= now;
}

static pe_pick pick_now(const pe_sender *sender) {
  switch (sender->endpoint.state) {
  case PE_ENDPOINT_HELD: return PE_PICK_ANY;
  case PE_ENDPOINT_COOLING: return PE_PICK_NEW;
  default: return PE_PICK_DUE;
  }
}

static void begin_all(pe_sender *sender, int64_t now) {
  while (can_begin(sender, now)) {
    pe_record *record = pe_queue_take(sender->config.queue, pick_now(sender), now);
    if (!record) break;
    (void)pe_rate_limit_take(&sender->rate, now); /* there is one: can_begin looked */
    begin(sender, record, now);
    sender->had_work = true;
  }
}

/* ---- the thread ---- */

static void take_credentials(pe_sender *sender, pe_credentials *given, int64_t now) {
  pe_credentials_free(sender->credentials);
  sender->credentials = given;
  sender->pool.credentials = given;
  sender->pool.credentials_number++;
  pe_endpoint_probe_now(&sender->endpoint, now);
}

/* Takes over what the owner asked for. Returns by when the sender is to be done. */
static int64_t obey(pe_sender *sender, int64_t now) {
  pe_inbox_content content = pe_inbox_take(&sender->inbox);
  if (content.credentials) take_credentials(sender, content.credentials, now);
  pe_submissions_add(sender->submissions, content.submissions);
  return content.finish_by;
}

static pe_state current_state(const pe_sender *sender, int64_t now) {
  if (sender->endpoint.state == PE_ENDPOINT_HELD) return PE_STATE_HELD;
  if (sender->endpoint.state == PE_ENDPOINT_COOLING || now < sender->endpoint.gate_until) return PE_STATE_COOLING;
  return PE_STATE_SENDING;
}

/* Tells the queue what has changed. */
static void publish(pe_sender *sender, int64_t now) {
  bool paused = pe_endpoint_is_paused(&sender->endpoint, now);
  pe_state state = current_state(sender, now);
  if (paused != sender->paused) pe_queue_pause(sender->config.queue, paused, now);
  if (state != sender->state) pe_queue_set_state(sender->config.queue, state);
  sender->paused = paused;
  sender->state = state;
}

/* When the endpoint and the rate limit let another transfer begin, without anything else happening. */
static int64_t may_begin_at(const pe_sender *sender, int64_t now) {
  int64_t opens_at = pe_endpoint_opens_at(&sender->endpoint, in_flight(sender), now);
  int64_t next = pe_rate_limit_next(&sender->rate, now);
  if (sender->free_count == 0) return INT64_MAX;
  return opens_at > next ? opens_at : next;
}

/* Until when there is nothing to do unless a transfer moves or somebody wakes us. Waking us costs the program more than
 * handing over an event does: after work we look again by ourselves, once, before we say that we sleep. */
static int64_t next_work(pe_sender *sender, int64_t now) {
  bool had_work = sender->had_work;
  int64_t (*ask)(pe_queue *, pe_pick, int64_t, int64_t) = had_work ? pe_queue_next : pe_queue_sleep;
  int64_t next = ask(sender->config.queue, pick_now(sender), may_begin_at(sender, now), now);
  int64_t submission = pe_submissions_next(sender->submissions);
  sender->had_work = false;
  if (submission < next) next = submission;
  if (sender->spool && pe_spool_next(sender->spool) < now) next = now; /* there is more on disk */
  return had_work && now + LINGER < next ? now + LINGER : next;
}

/* Whether a sender that is to finish has nothing more to do in the time that it has. */
static bool is_finished(const pe_sender *sender, int64_t finish_by, int64_t next, int64_t now) {
  if (now >= finish_by) return true;
  return finish_by != INT64_MAX && in_flight(sender) == 0 && !pe_submissions_any(sender->submissions) &&
         next >= finish_by;
}

/* Sleeps for a time, unless a submission was handed over meanwhile. */
static void rest(pe_sender *sender, int64_t nanoseconds) {
  bool may_rest = pe_inbox_rest(&sender->inbox);
  pe_worker_rest(&sender->worker);
  if (may_rest && nanoseconds > 0) pe_http_multi_wait(sender->pool.multi, nanoseconds);
  pe_worker_resume(&sender->worker);
}

static void deliver(pe_sender *sender) {
  for (;;) {
    int64_t now = pe_clock_monotonic();
    int64_t finish_by = obey(sender, now);
    int64_t next;
    publish(sender, now);
    give_up(sender, now);
    begin_all(sender, now);
    pe_submissions_run(sender->submissions, now);
    pe_http_multi_run(sender->pool.multi);
    pe_lane_end_done(&sender->pool);
    if (sender->spool) pe_spool_run(sender->spool, pe_clock_monotonic());
    now = pe_clock_monotonic();
    publish(sender, now);
    pe_queue_attend(sender->config.queue, now);
    next = next_work(sender, now);
    if (is_finished(sender, finish_by, next, now)) return;
    if (sender->spool && pe_spool_next(sender->spool) < next) next = pe_spool_next(sender->spool);
    if (next > finish_by) next = finish_by;
    rest(sender, next - now);
  }
}

/* What is in flight stays pending. */
static void cancel_all(pe_sender *sender) {
  int64_t now = pe_clock_monotonic();
  for (size_t i = 0; i < sender->config.max_in_flight; i++) {
    pe_sender_slot *self = &sender->slots[i];
    if (self->record) pe_queue_cancel(sender->config.queue, self->record, pe_lane_cancel(&self->lane), now);
    self->record = NULL;
  }
}

/* Answers the submissions, and closes the connections here, on the thread that used them. */
static void close_connections(pe_sender *sender) {
  for (size_t i = 0; i < sender->config.max_in_flight; i++)
    pe_lane_close(&sender->slots[i].lane);
  pe_submissions_add(sender->submissions, pe_inbox_close(&sender->inbox));
  pe_submissions_end(sender->submissions, pe_clock_monotonic());
  pe_http_multi_free(sender->pool.multi);
  sender->pool.multi = NULL;
}

void pe_sender_run(pe_worker *worker) {
  pe_sender *sender = (pe_sender *)worker;
  deliver(sender);
  cancel_all(sender);
  pe_spool_free(sender->spool);
  sender->spool = NULL;
  close_connections(sender);
}
