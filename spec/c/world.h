/* A queue, the endpoint and the decisions together, as a sender has them, and the program and the server beside it, all
 * under a clock that jumps from one thing that happens to the next. */
#ifndef PE_TEST_WORLD_H
#define PE_TEST_WORLD_H

#include "events.h"
#include "numbers.h"
#include "policy/decision.h"

enum { MOST_SLOTS = 64, MOST_EVENTS = 2000 };

typedef struct flight {
  pe_record *record; /* NULL: the slot is free */
  int64_t ends_at;
  bool probe;
  pe_start start;
} flight;

/* A sender without threads and transfers, and the server that answers it. */
typedef struct world {
  size_t width;
  size_t backlog; /* tracked at once in the beginning */
  size_t later;   /* and so many more, one every `pause` */
  int64_t pause;
  /* Whether the server refuses the event with that ticket. */
  bool (*refuses)(struct world *self, uint64_t ticket);
  uint64_t what; /* for `refuses` */
  uint64_t seed;
  /* what came of it */
  numbers random;
  uint64_t requests;
  pe_queue *queue;
  pe_endpoint endpoint;
  pe_progress progress;
  flight flights[MOST_SLOTS];
  size_t in_flight;
  int64_t start, now;
  size_t tracked, delivered, rejected;
  uint16_t attempts[MOST_EVENTS + 1];
  int64_t latency[MOST_EVENTS + 1]; /* until its end; 0: not yet */
  bool was_rejected[MOST_EVENTS + 1];
} world;

static const pe_decision_policy policy = {.retry = {PE_SECOND / 2, 30 * PE_SECOND}, .retry_ambiguous = true};

static numbers *chance;

static inline double unit(void) {
  return (double)below(chance, 1 << 20) / (1 << 20);
}

/* ---- the sender ---- */

static inline void begin_all(world *self) {
  while (self->in_flight < self->width && pe_endpoint_room(&self->endpoint, self->in_flight, self->now) > 0) {
    pe_record *record = pe_queue_take(self->queue, pe_endpoint_pick(&self->endpoint, self->now), self->now);
    flight *slot = self->flights;
    if (!record) return;
    while (slot->record)
      slot++;
    *slot = (flight){record, self->now + PE_MILLISECOND + (int64_t)below(&self->random, 4) * PE_MILLISECOND,
                     pe_endpoint_begin(&self->endpoint), pe_progress_begin(&self->progress, record)};
    self->in_flight++;
    self->attempts[record->ticket]++;
  }
}

static inline void finish(world *self, pe_record *record, pe_outcome outcome, uint32_t transfer) {
  const pe_queue_answer answer = {200, PE_OK, "", transfer};
  self->latency[record->ticket] = self->now - record->accepted_at;
  self->delivered += outcome == PE_DELIVERED;
  self->rejected += outcome == PE_REJECTED_BY_PLATFORM;
  self->was_rejected[record->ticket] = outcome == PE_REJECTED_BY_PLATFORM;
  pe_queue_end(self->queue, record, outcome, PE_OK, &answer, self->now);
  free(record);
}

static inline void settle(world *self, flight *slot) {
  pe_record *record = slot->record;
  pe_attempt attempt = {.verdict = PE_VERDICT_DELIVERED};
  pe_decision decision;
  self->requests++;
  if (self->refuses(self, record->ticket)) attempt.verdict = PE_VERDICT_HOLD;
  decision = pe_decide(&(pe_trial){&policy, &self->endpoint, record, &attempt, slot->probe, &self->progress,
                                   slot->start, self->now, unit});
  slot->record = NULL;
  self->in_flight--;
  if (decision.ended)
    finish(self, record, decision.outcome, pe_progress_passed(&self->progress));
  else
    assert_true(pe_queue_retry(self->queue, record, decision.due, NULL));
}

static inline void settle_all(world *self) {
  for (flight *slot = self->flights; slot < self->flights + self->width; slot++)
    if (slot->record && slot->ends_at <= self->now) settle(self, slot);
}

static inline int64_t earlier(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static inline int64_t next_begin(const world *self) {
  pe_pick pick = pe_endpoint_pick(&self->endpoint, self->now);
  int64_t opens_at = pe_endpoint_opens_at(&self->endpoint, self->in_flight, self->now);
  int64_t next = self->in_flight < self->width ? pe_queue_next(self->queue, pick, opens_at, self->now) : INT64_MAX;
  return pick == PE_PICK_FRESH ? earlier(next, self->endpoint.probe_at) : next;
}

/* ---- the program ---- */

static inline void track(world *self, size_t count) {
  const pe_event event = event_of("{}");
  pe_push push;
  for (size_t i = 0; i < count; i++)
    assert_int_equal(pe_queue_push(self->queue, &event, self->now, &push), PE_OK);
  self->tracked += count;
}

/* INT64_MAX: it is done. */
static inline int64_t next_track(const world *self) {
  if (self->tracked >= self->backlog + self->later) return INT64_MAX;
  return self->start + (int64_t)(self->tracked - self->backlog + 1) * self->pause;
}

static inline void jump(world *self, int64_t until) {
  int64_t next = earlier(earlier(next_begin(self), next_track(self)), until);
  for (flight *slot = self->flights; slot < self->flights + self->width; slot++)
    if (slot->record) next = earlier(next, slot->ends_at);
  if (next < self->now) next = self->now;
  self->now = next;
}

/* Lets the world turn for so many seconds, or until every event has its outcome. */
static inline void turn(world *self, int seconds) {
  int64_t until = self->now + seconds * PE_SECOND;
  while (self->now < until && (self->delivered + self->rejected < self->backlog + self->later)) {
    begin_all(self);
    jump(self, until);
    settle_all(self);
    if (self->now >= next_track(self)) track(self, 1);
  }
}

static inline world start(const world *given) {
  const pe_queue_config config = {
      .max_events = MOST_EVENTS, .max_bytes = 1 << 24, .max_age = INT64_MAX, .width = given->width};
  world self = *given;
  self.queue = queue_with(&config);
  self.random.state = self.seed + 1;
  self.start = self.now = NOW;
  pe_endpoint_init(&self.endpoint, self.width);
  track(&self, self.backlog);
  return self;
}

/* ---- what came of it ---- */

/* How long the slowest took of those that were delivered. */
static inline int64_t slowest(const world *self) {
  int64_t most = 0;
  for (size_t i = 1; i <= self->tracked; i++)
    if (!self->was_rejected[i] && self->latency[i] > most) most = self->latency[i];
  return most;
}

static inline unsigned most_attempts(const world *self) {
  unsigned most = 0;
  for (size_t i = 1; i <= self->tracked; i++)
    if (self->attempts[i] > most) most = self->attempts[i];
  return most;
}

static inline size_t pending(const world *self) {
  return self->tracked - self->delivered - self->rejected;
}

/* Lets a world turn from its beginning; the caller frees its queue. */
static inline world after(const world *given, int seconds) {
  world self = start(given);
  chance = &self.random;
  turn(&self, seconds);
  (void)accounted(self.queue);
  return self;
}

#endif
