#include "delivery/poster.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "delivery/lane.h"
#include "delivery/submissions.h"
#include "http/http_multi.h"
#include "policy/attempt.h"
#include "policy/endpoint.h"
#include "policy/rate_limit.h"

/* A place for one transfer of a tracked event. */
typedef struct slot {
  pe_lane lane;
  pe_attempt attempt;
  pe_record *record; /* in flight; NULL: the slot is free */
  bool probe;
  pe_start start;
} slot;

typedef struct poster {
  pe_transport transport;
  /* immutable */
  pe_poster_config config;
  const pe_ends *ends;
  /* the sender's thread only */
  pe_credentials *credentials; /* owned; the pool's */
  pe_lane_pool pool;
  pe_submissions *submissions;
  slot *slots; /* max_in_flight of them */
  slot **free_slots;
  size_t free_count;
  pe_endpoint endpoint;
  pe_rate_limit rate;
  pe_progress progress;
  bool has_settled; /* since the last run */
  bool was_silent;  /* at the last look at the bounds */
} poster;

static poster *of(pe_transport *self) {
  return (poster *)self;
}

/* ---- what becomes of an event ---- */

/* The words of the attempt for `stats`, without what a reply may quote of the event. */
static void describe(const pe_attempt *attempt, char *text, size_t size) {
  if (attempt->transfer.message[0] != '\0')
    (void)snprintf(text, size, "%s", attempt->transfer.message);
  else
    (void)snprintf(text, size, "%s (HTTP %ld)", pe_error_text_of(attempt->error, attempt->transfer.http_status),
                   attempt->transfer.http_status);
}

static void finish(poster *self, slot *its, pe_outcome outcome, pe_error code, const pe_queue_answer *answer,
                   int64_t now) {
  const pe_attempt *attempt = &its->attempt;
  pe_result_words words = {attempt->transfer.http_status, &attempt->reply, attempt->transfer.message};
  pe_ends_end(self->ends, its->record, outcome, code, &words, answer, now);
}

/* Whether credentials were refused that have been replaced since: that says nothing about the new ones. */
static bool is_outdated(const poster *self, const slot *its) {
  return its->attempt.error == PE_UNAUTHORIZED && its->lane.credentials_number != self->pool.credentials_number;
}

static pe_decision decide(poster *self, const slot *its, int64_t now) {
  if (is_outdated(self, its)) {
    pe_endpoint_forget(&self->endpoint, its->probe);
    return (pe_decision){.due = now};
  }
  return pe_decide(&(pe_trial){.policy = &self->config.policy,
                               .endpoint = &self->endpoint,
                               .record = its->record,
                               .attempt = &its->attempt,
                               .probe = its->probe,
                               .progress = &self->progress,
                               .start = its->start,
                               .now = now,
                               .unit = pe_random_unit});
}

/* The slot's transfer is over. */
static void settle(pe_lane *lane, int64_t now) {
  slot *its = (slot *)lane;
  poster *self = lane->owner;
  char message[PE_LAST_ERROR_SIZE];
  pe_queue_answer answer = {0, PE_OK, message, 0};
  pe_decision decision;

  pe_attempt_judge(&its->attempt, self->config.post.accept);
  answer.http_status = its->attempt.transfer.http_status;
  answer.error = its->attempt.error;
  if (answer.error != PE_OK) describe(&its->attempt, message, sizeof message);
  decision = decide(self, its, now);
  answer.transfer = pe_progress_passed(&self->progress);
  if (decision.ended)
    finish(self, its, decision.outcome, answer.error, &answer, now);
  else if (!pe_ends_again(self->ends, its->record, decision.due, &answer))
    finish(self, its, PE_DROPPED, PE_WITHDRAWN, &answer, now);
  its->record = NULL;
  pe_attempt_forget(&its->attempt);
  self->free_slots[self->free_count++] = its;
  self->has_settled = true;
}

/* ---- beginning transfers ---- */

static void begin_one(poster *self, pe_record *record, int64_t now) {
  slot *its = self->free_slots[--self->free_count];

  its->record = record;
  its->start = pe_progress_begin(&self->progress, record);
  its->probe = pe_endpoint_begin(&self->endpoint);
  if (!pe_lane_begin(&its->lane, &self->pool, pe_record_body(record), record->body_size, self->config.post.timeout,
                     &its->attempt))
    settle(&its->lane, now);
}

static size_t in_flight(const poster *self) {
  return self->config.max_in_flight - self->free_count;
}

/* Who was silent, since another one was refused, and may go on, is as careful as that one. */
static void look_at_bounds(poster *self, int64_t now) {
  bool silent = pe_bounds_silent(self->config.bounds);
  if (self->was_silent && !silent) pe_endpoint_resume(&self->endpoint, now);
  self->was_silent = silent;
}

static bool can_begin(const poster *self, int64_t now) {
  return self->free_count > 0 && pe_bounds_open(self->config.bounds) &&
         pe_endpoint_room(&self->endpoint, in_flight(self), now) > 0 && pe_rate_limit_next(&self->rate, now) <= now;
}

static bool begin_all(pe_transport *transport, int64_t now) {
  poster *self = of(transport);
  bool any = false;
  look_at_bounds(self, now);
  while (can_begin(self, now)) {
    pe_record *record = pe_queue_take(self->ends->queue, pe_endpoint_pick(&self->endpoint, now), now);
    if (!record) break;
    (void)pe_rate_limit_take(&self->rate, now); /* there is one: can_begin looked */
    pe_bounds_use(self->config.bounds);
    begin_one(self, record, now);
    any = true;
  }
  return any;
}

static bool run(pe_transport *transport, int64_t now) {
  poster *self = of(transport);
  bool any;
  pe_submissions_run(self->submissions, now);
  pe_http_multi_run(self->pool.multi);
  pe_lane_end_done(&self->pool);
  pe_bounds_set_gate(self->config.bounds, self->endpoint.gate_until);
  any = self->has_settled;
  self->has_settled = false;
  return any;
}

/* ---- how it is ---- */

static pe_state current_state(const poster *self, int64_t now) {
  if (self->endpoint.state == PE_ENDPOINT_HELD) return PE_STATE_HELD;
  if (self->endpoint.state == PE_ENDPOINT_COOLING || now < self->endpoint.gate_until) return PE_STATE_COOLING;
  return PE_STATE_SENDING;
}

/* When the endpoint and the rate limit let another transfer begin, without anything else happening. */
static int64_t may_begin_at(const poster *self, int64_t now) {
  int64_t opens_at = pe_endpoint_opens_at(&self->endpoint, in_flight(self), now);
  int64_t next = pe_rate_limit_next(&self->rate, now);
  if (self->free_count == 0 || !pe_bounds_open(self->config.bounds)) return INT64_MAX;
  return opens_at > next ? opens_at : next;
}

/* Where only an event that was never tried may begin, that is no longer so at the time of the next probe. */
static int64_t next_by_itself(const poster *self, int64_t now) {
  int64_t next = pe_submissions_next(self->submissions);
  bool is_fresh = pe_endpoint_pick(&self->endpoint, now) == PE_PICK_FRESH;
  return is_fresh && self->endpoint.probe_at < next ? self->endpoint.probe_at : next;
}

static pe_transport_view look(const pe_transport *transport, int64_t now) {
  const poster *self = (const poster *)transport;
  return (pe_transport_view){.pick = pe_endpoint_pick(&self->endpoint, now),
                             .begin_at = may_begin_at(self, now),
                             .next = next_by_itself(self, now),
                             .busy = in_flight(self) > 0 || pe_submissions_any(self->submissions),
                             .paused = self->was_silent || pe_endpoint_is_paused(&self->endpoint, now),
                             .state = current_state(self, now)};
}

/* For new credentials. What asks with the old ones, and may do so for as long as a time-out, is not waited for. */
static void probe_now(poster *self, int64_t now) {
  if (!pe_endpoint_probe_now(&self->endpoint, now)) return;
  for (size_t i = 0; i < self->config.max_in_flight; i++)
    self->slots[i].probe = false;
}

static void take(pe_transport *transport, pe_credentials *credentials, pe_submission *submissions, int64_t now) {
  poster *self = of(transport);
  pe_submissions_add(self->submissions, submissions);
  if (!credentials) return;
  pe_credentials_free(self->credentials);
  self->credentials = credentials;
  self->pool.credentials = credentials;
  self->pool.credentials_number++;
  probe_now(self, now);
}

static void wait(pe_transport *self, int64_t nanoseconds) {
  pe_http_multi_wait(of(self)->pool.multi, nanoseconds);
}

static void wake(pe_transport *self) {
  pe_http_multi_wake(of(self)->pool.multi);
}

static void hurry(pe_transport *self, int64_t by) {
  pe_http_multi_finish_by(of(self)->pool.multi, by);
}

/* ---- its life ---- */

static void cancel(pe_transport *transport, int64_t now) {
  poster *self = of(transport);
  for (size_t i = 0; i < self->config.max_in_flight; i++) {
    slot *its = &self->slots[i];
    if (its->record) pe_ends_cancel(self->ends, its->record, pe_lane_cancel(&its->lane), now);
    its->record = NULL;
  }
}

static void close_connections(pe_transport *transport, int64_t now) {
  poster *self = of(transport);
  for (size_t i = 0; i < self->config.max_in_flight; i++)
    pe_lane_close(&self->slots[i].lane);
  pe_submissions_end(self->submissions, now);
  pe_http_multi_free(self->pool.multi);
  self->pool.multi = NULL;
}

static void free_poster(pe_transport *transport) {
  poster *self = of(transport);
  if (!self) return;
  for (size_t i = 0; self->slots && i < self->config.max_in_flight; i++)
    pe_attempt_cleanup(&self->slots[i].attempt);
  pe_http_multi_free(self->pool.multi); /* of a thread that never started */
  pe_submissions_free(self->submissions);
  free(self->slots);
  free(self->free_slots);
  pe_credentials_free(self->credentials);
  free(self);
}

static const pe_transport_class CLASS = {.take = take,
                                         .begin = begin_all,
                                         .run = run,
                                         .look = look,
                                         .wait = wait,
                                         .wake = wake,
                                         .hurry = hurry,
                                         .cancel = cancel,
                                         .close = close_connections,
                                         .free = free_poster};

static pe_error make_slots(poster *self, size_t count) {
  self->slots = calloc(count, sizeof *self->slots);
  self->free_slots = calloc(count, sizeof *self->free_slots);
  if (!self->slots || !self->free_slots) return PE_NO_MEMORY;
  for (size_t i = 0; i < count; i++) {
    pe_lane_init(&self->slots[i].lane, settle, self);
    pe_attempt_init(&self->slots[i].attempt);
    self->free_slots[count - 1 - i] = &self->slots[i];
  }
  self->free_count = count;
  return PE_OK;
}

/* Fills an empty one. On an error the caller frees what there is. */
static pe_error fill(poster *self, pe_http_credentials credentials) {
  const pe_poster_config *config = &self->config;
  pe_error error;

  pe_endpoint_init(&self->endpoint, config->max_in_flight);
  pe_rate_limit_init(&self->rate, config->rate_per_second, config->rate_burst, pe_clock_monotonic());
  self->credentials = pe_credentials_new(credentials);
  if (!self->credentials) return PE_NO_MEMORY;
  error = make_slots(self, config->max_in_flight);
  if (error != PE_OK) return error;
  self->submissions = pe_submissions_new(&config->post, &self->pool, config->max_posts, config->unanswered);
  if (!self->submissions) return PE_NO_MEMORY;
  self->pool = (pe_lane_pool){.plan = config->plan, .credentials = self->credentials};
  return pe_http_multi_new(config->max_in_flight + config->max_posts, &self->pool.multi);
}

pe_error pe_poster_new(const pe_poster_config *config, pe_http_credentials credentials, const pe_ends *ends,
                       pe_transport **transport) {
  poster *made = calloc(1, sizeof *made);
  pe_error error;

  if (!made) return PE_NO_MEMORY;
  made->transport.class = &CLASS;
  made->config = *config;
  made->ends = ends;
  error = fill(made, credentials);
  if (error != PE_OK) {
    free_poster(&made->transport);
    return error;
  }
  *transport = &made->transport;
  return PE_OK;
}
