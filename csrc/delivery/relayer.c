#include "delivery/relayer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bell.h"
#include "base/clock.h"
#include "base/random.h"
#include "delivery/relay_command.h"
#include "delivery/relay_window.h"
#include "policy/retry.h"

enum { UNSENT_MOST = 1 << 20 }; /* what is written before the first answer comes: enough for a round trip */

typedef struct relayer {
  pe_transport transport;
  /* immutable */
  const pe_relay_config *config;
  pe_retry_policy retry;
  const pe_ends *ends;
  pe_bell bell; /* any thread rings it */
  /* the sender's thread only */
  pe_redis_link *link;
  pe_relay_window window;
  pe_state state;
  int failures;     /* in a row */
  int64_t retry_at; /* after a failure nothing begins before */
  bool was_denied;  /* a WAIT, by the last answer to one: the events are there, and wait for the next */
  bool is_leaving;  /* the connection ends with the last answer that is to come: */
  pe_redis_trouble leaves_for;
} relayer;

static relayer *of(pe_transport *self) {
  return (relayer *)self;
}

/* ---- what became of events ---- */

/* The answers to all that was under way when the first was refused are one refusal. */
static void note_trouble(relayer *self, const pe_redis_trouble *trouble, int64_t now) {
  const pe_queue_answer answer = {0, trouble->error, trouble->message, 0};
  if (now < self->retry_at) return;
  pe_queue_note_trouble(self->ends->queue, &answer);
  self->failures++;
  self->retry_at = now + pe_retry_delay(&self->retry, self->failures, 0, 0.5 + pe_random_unit() / 2);
  self->state = trouble->holds ? PE_STATE_HELD : PE_STATE_COOLING;
}

static void note_success(relayer *self) {
  self->failures = 0;
  self->retry_at = 0;
  self->state = PE_STATE_SENDING;
}

/* The connection is gone. */
static void lose_all(relayer *self, const pe_redis_trouble *trouble, int64_t now) {
  note_trouble(self, trouble, now);
  pe_relay_window_lose(&self->window, trouble, pe_redis_link_sent(self->link), self->retry_at, now);
  self->is_leaving = false;
}

static void refuse(relayer *self, pe_relay_handed *its, const pe_redis_trouble *trouble, int64_t now) {
  note_trouble(self, trouble, now);
  pe_relay_window_refuse(&self->window, its, trouble, self->retry_at, now);
}

static void refuse_full(relayer *self, pe_relay_handed *its, int64_t now) {
  pe_redis_trouble trouble;
  char why[160];
  (void)snprintf(why, sizeof why, "the stream has its relay.max_length, %lld entries",
                 (long long)self->config->max_length);
  pe_redis_trouble_set(&trouble, &self->config->link.url, PE_UNAVAILABLE, why);
  refuse(self, its, &trouble, now);
}

/* ---- writing commands ---- */

static void hand_over(relayer *self, pe_relay_kind kind, pe_record *record, int64_t now) {
  uint64_t ends_at = pe_redis_link_sent(self->link) + pe_redis_link_unsent(self->link);
  pe_relay_window_add(&self->window, kind, record, ends_at);
  pe_redis_link_expect(self->link, 1, now);
}

/* Returns false where memory is out: the event is back, and nothing was written. */
static bool write_record(relayer *self, pe_record *record, int64_t age, int64_t now) {
  pe_buffer *out = pe_redis_link_out(self->link);
  size_t before = out->size;
  pe_redis_trouble trouble;

  if (pe_relay_write_event(self->config, out, record, age) == PE_OK) {
    hand_over(self, PE_RELAY_ADD, record, now);
    return true;
  }
  out->size = before;
  pe_redis_trouble_set(&trouble, &self->config->link.url, PE_NO_MEMORY, pe_error_text(PE_NO_MEMORY));
  note_trouble(self, &trouble, now);
  pe_relay_window_give_back(&self->window, record, &trouble, false, self->retry_at, now);
  return false;
}

/* One of our own; where memory is out the next batch brings it. */
static void write_own(relayer *self, pe_relay_kind kind, pe_error (*write)(const pe_relay_config *, pe_buffer *),
                      int64_t now) {
  pe_buffer *out = pe_redis_link_out(self->link);
  size_t before = out->size;
  if (write(self->config, out) == PE_OK)
    hand_over(self, kind, NULL, now);
  else
    out->size = before;
}

/* Behind the events of a batch. */
static void write_rest(relayer *self, int64_t now) {
  if (self->config->drops_oldest && self->config->max_length > 0)
    write_own(self, PE_RELAY_TRIM, pe_relay_write_trim, now);
  if (self->config->wait_replicas > 0) write_own(self, PE_RELAY_WAIT, pe_relay_write_wait, now);
}

/* Asks once more. What stands behind the last event has its answer, and gives its place: replicas may be away for as
 * long as they like. */
static void wait_again(relayer *self, int64_t now) {
  if (pe_relay_window_trim(&self->window)) write_own(self, PE_RELAY_WAIT, pe_relay_write_wait, now);
}

/* ---- beginning ---- */

/* One at a time where the last was refused. */
static bool has_room(const relayer *self, int64_t now) {
  if (now < self->retry_at || pe_redis_link_unsent(self->link) >= UNSENT_MOST) return false;
  return pe_relay_window_count(&self->window) < (self->failures > 0 ? 1 : (size_t)PE_RELAY_WINDOW);
}

static bool wants(const relayer *self, int64_t now) {
  return now >= self->retry_at && pe_queue_next(self->ends->queue, PE_PICK_DUE, now, now) <= now;
}

static void connect(relayer *self, int64_t now) {
  if (!wants(self, now)) return;
  pe_redis_link_open(self->link, now);
  if (pe_redis_link_state(self->link) == PE_REDIS_OFF) lose_all(self, pe_redis_link_trouble(self->link), now);
}

static bool begin(pe_transport *transport, int64_t now) {
  relayer *self = of(transport);
  int64_t paused = pe_queue_paused(self->ends->queue, now);
  bool any = false;

  if (pe_redis_link_state(self->link) == PE_REDIS_OFF) connect(self, now);
  if (pe_redis_link_state(self->link) != PE_REDIS_READY || self->is_leaving) return false;
  if (pe_relay_window_owes_wait(&self->window) && now >= self->retry_at) wait_again(self, now);
  while (has_room(self, now)) {
    pe_record *record = pe_queue_take(self->ends->queue, PE_PICK_DUE, now);
    if (!record || !write_record(self, record, pe_record_age(record, paused, now), now)) break;
    any = true;
  }
  if (any) write_rest(self, now);
  return any;
}

/* ---- answers ---- */

/* It is asked for again: the events are in Redis, and wait for nothing else. */
static void note_few(relayer *self, int64_t replicas) {
  pe_redis_trouble trouble;
  char why[80];
  (void)snprintf(why, sizeof why, "%lld of %d replicas have the events (relay.wait_replicas)", (long long)replicas,
                 self->config->wait_replicas);
  pe_redis_trouble_set(&trouble, &self->config->link.url, PE_UNAVAILABLE, why);
  pe_queue_note_trouble(self->ends->queue, &(pe_queue_answer){0, trouble.error, trouble.message, 0});
}

static void answer_wait(relayer *self, const pe_redis_reply *reply, int64_t now) {
  int64_t replicas = pe_redis_reply_number(reply);
  if (self->was_denied) note_success(self);
  self->was_denied = false;
  if (replicas >= self->config->wait_replicas) {
    pe_relay_window_settle(&self->window, now);
    return;
  }
  note_few(self, replicas);
  if (pe_relay_window_owes_wait(&self->window) && !self->is_leaving) wait_again(self, now); /* nobody else asks */
}

static void answer_add(relayer *self, pe_relay_handed *its, const pe_redis_reply *reply, int64_t now) {
  if (pe_redis_reply_kind(reply) != PE_REDIS_TEXT) {
    refuse_full(self, its, now);
    return;
  }
  if (self->failures > 0) note_success(self);
  if (self->config->wait_replicas == 0) pe_relay_window_settle(&self->window, now);
}

static void answer_error(relayer *self, pe_relay_handed *its, const pe_redis_reply *reply, int64_t now) {
  static const char *const commands[] = {[PE_RELAY_ADD] = "XADD", [PE_RELAY_TRIM] = "XTRIM", [PE_RELAY_WAIT] = "WAIT"};
  pe_redis_trouble trouble;
  size_t size;
  const char *text = pe_redis_reply_text(reply, &size);

  pe_redis_link_explain(self->link, commands[its->kind], text, size, &trouble);
  refuse(self, its, &trouble, now);
  self->was_denied = its->kind == PE_RELAY_WAIT && trouble.error == PE_UNAUTHORIZED;
  if (its->kind != PE_RELAY_ADD && trouble.error == PE_UNAUTHORIZED)
    return; /* what is written again would be there twice */
  if (self->is_leaving || (!trouble.reconnects && its->kind != PE_RELAY_WAIT)) return;
  self->is_leaving = true;
  self->leaves_for = trouble;
}

static void answer(relayer *self, const pe_redis_reply *reply, int64_t now) {
  pe_relay_handed *its = pe_relay_window_answer(&self->window);
  if (pe_redis_reply_kind(reply) == PE_REDIS_ERROR) {
    answer_error(self, its, reply, now);
  } else if (its->kind == PE_RELAY_WAIT) {
    answer_wait(self, reply, now);
  } else if (its->kind == PE_RELAY_TRIM) {
    pe_queue_count_trimmed(self->ends->queue, (uint64_t)pe_redis_reply_number(reply));
  } else {
    answer_add(self, its, reply, now);
  }
  if (self->config->wait_replicas == 0) pe_relay_window_settle(&self->window, now);
}

static bool run(pe_transport *transport, int64_t now) {
  relayer *self = of(transport);
  bool was_off = pe_redis_link_state(self->link) == PE_REDIS_OFF;
  pe_redis_reply *reply;
  bool any;

  if (was_off) return false;
  pe_redis_link_run(self->link, now);
  while ((reply = pe_redis_link_next(self->link, now))) {
    answer(self, reply, now);
    pe_redis_reply_free(reply);
    /* Each event that was written has its own answer by now: none is left in doubt. */
    if (self->is_leaving && pe_relay_window_is_answered(&self->window))
      pe_redis_link_close(self->link, &self->leaves_for);
  }
  if (pe_redis_link_state(self->link) == PE_REDIS_OFF) lose_all(self, pe_redis_link_trouble(self->link), now);
  any = self->window.has_settled;
  self->window.has_settled = false;
  return any;
}

/* ---- how it is ---- */

static int64_t may_begin_at(const relayer *self, int64_t now) {
  int64_t at_least = self->retry_at > now ? self->retry_at : now;
  switch (pe_redis_link_state(self->link)) {
  case PE_REDIS_OFF: return at_least;
  case PE_REDIS_BUSY: return INT64_MAX;
  default: return !self->is_leaving && (now < self->retry_at || has_room(self, now)) ? at_least : INT64_MAX;
  }
}

/* When it has something to do by itself. */
static int64_t next_work(const relayer *self, int64_t now) {
  int64_t by = pe_redis_link_interest(self->link).by;
  return pe_relay_window_owes_wait(&self->window) && self->retry_at > now && self->retry_at < by ? self->retry_at : by;
}

static pe_transport_view look(const pe_transport *transport, int64_t now) {
  const relayer *self = (const relayer *)transport;
  return (pe_transport_view){.pick = PE_PICK_DUE,
                             .begin_at = may_begin_at(self, now),
                             .next = next_work(self, now),
                             .busy = pe_relay_window_count(&self->window) > 0,
                             .paused = self->state == PE_STATE_HELD,
                             .state = self->state};
}

/* There is nothing for it: credentials stand in the url, and no post is handed over. */
static void take(pe_transport *transport, pe_credentials *credentials, pe_submission *submissions, int64_t now) {
  (void)transport;
  (void)submissions;
  (void)now;
  pe_credentials_free(credentials);
}

static void wait_for(pe_transport *transport, int64_t nanoseconds) {
  relayer *self = of(transport);
  if (pe_redis_link_wait(self->link, pe_bell_descriptor(&self->bell), nanoseconds)) pe_bell_silence(&self->bell);
}

static void wake(pe_transport *self) {
  pe_bell_ring(&of(self)->bell);
}

/* ---- its life ---- */

static void cancel(pe_transport *transport, int64_t now) {
  relayer *self = of(transport);
  pe_relay_window_cancel(&self->window, pe_redis_link_sent(self->link), now);
}

static void close_link(pe_transport *transport, int64_t now) {
  (void)now;
  pe_redis_link_close(of(transport)->link, NULL);
}

static void free_relayer(pe_transport *transport) {
  relayer *self = of(transport);
  if (!self) return;
  pe_redis_link_free(self->link);
  pe_bell_cleanup(&self->bell);
  pe_relay_window_cleanup(&self->window);
  free(self);
}

static const pe_transport_class CLASS = {.take = take,
                                         .begin = begin,
                                         .run = run,
                                         .look = look,
                                         .wait = wait_for,
                                         .wake = wake,
                                         .cancel = cancel,
                                         .close = close_link,
                                         .free = free_relayer};

pe_error pe_relayer_new(const pe_relay_config *config, const pe_decision_policy *policy, const pe_ends *ends,
                        pe_transport **transport) {
  relayer *made = calloc(1, sizeof *made);

  if (!made) return PE_NO_MEMORY;
  made->transport.class = &CLASS;
  made->config = config;
  made->retry = policy->retry;
  made->ends = ends;
  made->state = PE_STATE_SENDING;
  if (!pe_bell_init(&made->bell) || !pe_relay_window_init(&made->window, ends, policy->retry_ambiguous) ||
      pe_redis_link_new(&config->link, &made->link) != PE_OK) {
    free_relayer(&made->transport);
    return PE_NO_MEMORY;
  }
  *transport = &made->transport;
  return PE_OK;
}
