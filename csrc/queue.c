#include "queue.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "thread.h"
#include "waiting.h"

enum { ROOM_BATCH = 64, TEXT_MAX = UINT16_MAX, PROBES_IN_ORDER = 3 };

static const int64_t ROOM_PATIENCE = PE_MILLISECOND;

struct pe_queue {
  /* immutable */
  pe_queue_config config;
  /* guarded by lock */
  pe_mutex lock;
  pe_cond settled;   /* what the owner waits for */
  uint64_t flushing; /* the owner waits until all up to this ticket are settled; 0: it does not */
  bool wants_room;   /* the owner waits for room */
  uint64_t freed;    /* events that left while it did, of which it was not told */
  int64_t freed_at;  /* monotonic: the first of them */
  bool closed;
  bool asleep; /* the sender said so */
  uint64_t last_ticket;
  pe_record *oldest, *newest; /* all that are pending, in flight too */
  pe_record *fresh;           /* the oldest that was never taken; all behind it are like it */
  uint64_t last_probe;        /* the ticket of what PE_PICK_ANY took last */
  pe_waiting waiting;
  size_t in_flight_bytes;
  int64_t paused_total; /* nanoseconds, without the pause that lasts */
  int64_t paused_since; /* monotonic; 0: time goes on */
  pe_counters counters;
  /* atomic */
  bool news; /* for the log */
};

pe_error pe_queue_new(const pe_queue_config *config, pe_queue **queue) {
  pe_queue *made = calloc(1, sizeof *made);

  if (!made) return PE_NO_MEMORY;
  made->config = *config;
  pe_waiting_init(&made->waiting);
  /* Room for all that can be in flight, so that the sender always finds some for what it must give back. */
  if (!pe_waiting_reserve(&made->waiting, config->width)) goto no_waiting;
  if (!pe_mutex_init(&made->lock)) goto no_lock;
  if (!pe_cond_init(&made->settled)) goto no_cond;
  made->counters.state = PE_STATE_SENDING;
  *queue = made;
  return PE_OK;

no_cond:
  pe_mutex_destroy(&made->lock);
no_lock:
  pe_waiting_cleanup(&made->waiting);
no_waiting:
  free(made);
  return PE_NO_MEMORY;
}

void pe_queue_free(pe_queue *queue) {
  if (!queue) return;
  for (pe_record *record = queue->oldest; record;) {
    pe_record *newer = record->newer;
    free(record);
    record = newer;
  }
  pe_waiting_cleanup(&queue->waiting);
  pe_cond_destroy(&queue->settled);
  pe_mutex_destroy(&queue->lock);
  free(queue);
}

/* ---- the list; every function from here to the next line of dashes is called with the lock held ---- */

static void append(pe_queue *queue, pe_record *record) {
  record->older = queue->newest;
  record->newer = NULL;
  if (queue->newest)
    queue->newest->newer = record;
  else
    queue->oldest = record;
  queue->newest = record;
  if (!queue->fresh) queue->fresh = record;
}

static void unlink_record(pe_queue *queue, pe_record *record) {
  if (queue->fresh == record) queue->fresh = record->newer;
  if (record->older)
    record->older->newer = record->newer;
  else
    queue->oldest = record->newer;
  if (record->newer)
    record->newer->older = record->older;
  else
    queue->newest = record->older;
  record->older = record->newer = NULL;
}

/* The gauge of the state that a record is in. */
static uint64_t *gauge_of(pe_counters *counters, uint8_t state) {
  switch (state) {
  case PE_RECORD_QUEUED: return &counters->queued;
  case PE_RECORD_IN_FLIGHT: return &counters->in_flight;
  default: return &counters->waiting;
  }
}

static void set_state(pe_queue *queue, pe_record *record, uint8_t state) {
  size_t bytes = pe_record_bytes(record);
  (*gauge_of(&queue->counters, record->state))--;
  (*gauge_of(&queue->counters, state))++;
  if (record->state == PE_RECORD_IN_FLIGHT) queue->in_flight_bytes -= bytes;
  if (state == PE_RECORD_IN_FLIGHT) queue->in_flight_bytes += bytes;
  record->state = state;
}

static void set_news(pe_queue *queue) {
  __atomic_store_n(&queue->news, true, __ATOMIC_RELAXED);
}

/* An owner that waits for room is told of many places at once, or of a few a moment later: each time costs two switches
 * between threads. */
static bool is_room_news(const pe_queue *queue, int64_t now) {
  if (!queue->wants_room || queue->freed == 0) return false;
  return queue->freed >= ROOM_BATCH || queue->counters.pending == 0 || now - queue->freed_at >= ROOM_PATIENCE;
}

static void tell_owner(pe_queue *queue, int64_t now) {
  bool flushed = queue->flushing > 0 && (!queue->oldest || queue->oldest->ticket > queue->flushing);
  bool room = is_room_news(queue, now);
  if (room) queue->freed = 0;
  if (flushed || room) pe_cond_broadcast(&queue->settled);
}

/* The record, which is not among those that wait, leaves with that outcome. */
static void leave(pe_queue *queue, pe_record *record, pe_outcome outcome, int64_t now) {
  pe_counters *counters = &queue->counters;
  if (record->state == PE_RECORD_IN_FLIGHT) queue->in_flight_bytes -= pe_record_bytes(record);
  (*gauge_of(counters, record->state))--;
  counters->pending--;
  counters->pending_bytes -= pe_record_bytes(record);
  counters->outcomes[outcome]++;
  if (outcome != PE_DELIVERED) set_news(queue);
  unlink_record(queue, record);
  if (queue->wants_room && queue->freed++ == 0) queue->freed_at = now;
  tell_owner(queue, now);
}

/* The oldest record that is not in flight; at most `width` are. */
static pe_record *oldest_idle(const pe_queue *queue) {
  pe_record *record = queue->oldest;
  while (record && record->state == PE_RECORD_IN_FLIGHT)
    record = record->newer;
  return record;
}

/* Takes the record, which is not in flight, out with that outcome. */
static void give_up(pe_queue *queue, pe_record *record, pe_outcome outcome, int64_t now) {
  if (record->state == PE_RECORD_WAITING) pe_waiting_remove(&queue->waiting, record);
  leave(queue, record, outcome, now);
}

static int64_t paused_until(const pe_queue *queue, int64_t now) {
  int64_t current = queue->paused_since != 0 && now > queue->paused_since ? now - queue->paused_since : 0;
  return queue->paused_total + current;
}

/* When the record will be too old, if time goes on for it. */
static int64_t expires_at(const pe_queue *queue, const pe_record *record, int64_t now) {
  int64_t age_at_zero = record->accepted_at + (paused_until(queue, now) - record->paused_before);
  return age_at_zero < INT64_MAX - queue->config.max_age ? age_at_zero + queue->config.max_age : INT64_MAX;
}

/* ---- accepting ---- */

static pe_record *new_record(const pe_event *event, int64_t now) {
  size_t id_size = event->id_size < TEXT_MAX ? event->id_size : TEXT_MAX;
  size_t name_size = event->name_size < TEXT_MAX ? event->name_size : TEXT_MAX;
  pe_record *record = malloc(offsetof(pe_record, data) + event->body_size + id_size + name_size);

  if (!record) return NULL;
  memset(record, 0, offsetof(pe_record, data));
  record->accepted_at = now;
  record->body_size = (uint32_t)event->body_size;
  record->id_size = (uint16_t)id_size;
  record->name_size = (uint16_t)name_size;
  memcpy(record->data, event->body, event->body_size);
  if (id_size > 0) memcpy(record->data + event->body_size, event->id, id_size);
  if (name_size > 0) memcpy(record->data + event->body_size + id_size, event->name, name_size);
  return record;
}

/* Whether `bytes` more fit beside `events` that take `used` bytes. */
static bool fits(const pe_queue *queue, size_t bytes, uint64_t events, uint64_t used) {
  return events < queue->config.max_events && used <= queue->config.max_bytes &&
         bytes <= queue->config.max_bytes - used;
}

static bool has_room(const pe_queue *queue, size_t bytes) {
  return fits(queue, bytes, queue->counters.pending, queue->counters.pending_bytes);
}

/* Drops the oldest until there is room; nothing when those in flight alone leave none. */
static bool make_room(pe_queue *queue, size_t bytes, int64_t now, pe_record **dropped) {
  if (!fits(queue, bytes, queue->counters.in_flight, queue->in_flight_bytes)) return false;
  while (!has_room(queue, bytes)) {
    pe_record *record = oldest_idle(queue);
    give_up(queue, record, PE_DROPPED, now);
    queue->counters.dropped_by[PE_QUEUE_FULL]++;
    *dropped = record;
    dropped = &record->newer;
  }
  return true;
}

/* When that time will be over; a sum that would overflow is never. */
static int64_t deadline_of(int64_t timeout) {
  int64_t now = pe_clock_monotonic();
  return timeout < INT64_MAX - now ? now + timeout : INT64_MAX;
}

/* Waits until there is room, or the queue is closed, or time is up; not at all where there can never be any. */
static bool wait_for_room(pe_queue *queue, size_t bytes) {
  int64_t deadline = deadline_of(queue->config.wait);
  int64_t left = queue->config.wait;

  if (!fits(queue, bytes, 0, 0)) return false;
  queue->wants_room = true;
  queue->freed = 0;
  while (!has_room(queue, bytes) && !queue->closed && left > 0) {
    (void)pe_cond_wait(&queue->settled, &queue->lock, left);
    left = deadline - pe_clock_monotonic();
  }
  queue->wants_room = false;
  return has_room(queue, bytes);
}

static bool find_room(pe_queue *queue, size_t bytes, int64_t now, pe_record **dropped) {
  if (has_room(queue, bytes)) return true;
  switch (queue->config.overflow) {
  case PE_OVERFLOW_DROP_OLDEST: return make_room(queue, bytes, now, dropped);
  case PE_OVERFLOW_WAIT: return wait_for_room(queue, bytes);
  default: return false;
  }
}

static void accept(pe_queue *queue, pe_record *record) {
  pe_counters *counters = &queue->counters;
  record->ticket = ++queue->last_ticket;
  record->paused_before = paused_until(queue, record->accepted_at);
  append(queue, record);
  counters->accepted++;
  counters->pending++;
  counters->queued++;
  counters->pending_bytes += pe_record_bytes(record);
}

pe_error pe_queue_push(pe_queue *queue, const pe_event *event, int64_t now, pe_push *push) {
  pe_record *record = event->body_size <= UINT32_MAX ? new_record(event, now) : NULL;
  pe_error error = PE_OK;

  memset(push, 0, sizeof *push);
  pe_mutex_lock(&queue->lock);
  if (queue->closed)
    error = PE_CLOSED;
  else if (!record)
    error = PE_NO_MEMORY;
  else if (!find_room(queue, pe_record_bytes(record), now, &push->dropped))
    error = queue->closed ? PE_CLOSED : PE_QUEUE_FULL;
  queue->counters.calls++;
  if (error == PE_OK) {
    accept(queue, record);
    push->ticket = record->ticket;
    push->wake = queue->asleep;
    queue->asleep = false;
    record = NULL;
  } else {
    queue->counters.refused[error]++;
  }
  pe_mutex_unlock(&queue->lock);
  free(record);
  return error;
}

void pe_queue_refuse(pe_queue *queue, pe_error error) {
  pe_mutex_lock(&queue->lock);
  queue->counters.calls++;
  if (error == PE_FILTERED)
    queue->counters.filtered++;
  else
    queue->counters.refused[error]++;
  pe_mutex_unlock(&queue->lock);
}

pe_error pe_queue_pass(pe_queue *queue, const pe_event *event, int64_t now, pe_record **record) {
  pe_record *passed = new_record(event, now);
  pe_error error = PE_OK;

  pe_mutex_lock(&queue->lock);
  if (!passed) error = PE_NO_MEMORY;
  if (queue->closed) error = PE_CLOSED;
  queue->counters.calls++;
  if (error == PE_OK) {
    passed->ticket = ++queue->last_ticket;
    queue->counters.accepted++;
    queue->counters.outcomes[PE_DELIVERED]++;
    *record = passed;
  } else {
    queue->counters.refused[error]++;
  }
  pe_mutex_unlock(&queue->lock);
  if (error != PE_OK) free(passed);
  return error;
}

/* ---- waiting for the end ---- */

uint64_t pe_queue_flush(pe_queue *queue, int64_t timeout) {
  int64_t deadline = deadline_of(timeout);
  int64_t left = timeout;
  uint64_t remaining = 0;
  uint64_t last;

  pe_mutex_lock(&queue->lock);
  last = queue->last_ticket;
  queue->flushing = last;
  while (queue->oldest && queue->oldest->ticket <= last && left > 0) {
    (void)pe_cond_wait(&queue->settled, &queue->lock, left);
    left = deadline - pe_clock_monotonic();
  }
  queue->flushing = 0;
  for (pe_record *record = queue->oldest; record && record->ticket <= last; record = record->newer)
    remaining++;
  pe_mutex_unlock(&queue->lock);
  return remaining;
}

void pe_queue_close(pe_queue *queue) {
  pe_mutex_lock(&queue->lock);
  queue->closed = true;
  pe_cond_broadcast(&queue->settled);
  pe_mutex_unlock(&queue->lock);
}

void pe_queue_snapshot(pe_queue *queue, pe_counters *counters) {
  pe_mutex_lock(&queue->lock);
  *counters = queue->counters;
  pe_mutex_unlock(&queue->lock);
  if (counters->state == PE_STATE_SENDING && counters->pending == 0) counters->state = PE_STATE_IDLE;
}

bool pe_queue_has_news(const pe_queue *queue) {
  return __atomic_load_n(&queue->news, __ATOMIC_RELAXED);
}

void pe_queue_take_news(pe_queue *queue) {
  __atomic_store_n(&queue->news, false, __ATOMIC_RELAXED);
}

/* ---- the sender's ---- */

/* A record may be taken only where there is room to give it back. */
static bool can_give_back(pe_queue *queue) {
  return pe_waiting_reserve(&queue->waiting, queue->waiting.count + queue->counters.in_flight + 1);
}

static bool is_due(const pe_queue *queue, const pe_record *record, int64_t now) {
  return record && (record->state == PE_RECORD_QUEUED || pe_waiting_due(&queue->waiting, record) <= now);
}

/* The next of those that wait: the one behind the last probe, in the order of acceptance and round. NULL: none. */
static pe_record *next_in_turn(const pe_queue *queue) {
  pe_record *first = NULL;
  for (pe_record *record = queue->oldest; record; record = record->newer) {
    if (record->state != PE_RECORD_WAITING) continue;
    if (record->ticket > queue->last_probe) return record;
    if (!first) first = record;
  }
  return first;
}

/* The oldest that was never taken. NULL: there is none; or memory is out, and those that wait, which have their room,
 * are what is left to take. */
static pe_record *next_fresh(pe_queue *queue) {
  return queue->fresh && can_give_back(queue) ? queue->fresh : NULL;
}

/* The record that is next, without a look at the time; NULL: none. */
static pe_record *next_record(pe_queue *queue, pe_pick pick, int64_t now) {
  pe_record *first = pe_waiting_first(&queue->waiting);
  pe_record *fresh = next_fresh(queue);
  if (queue->config.width == 1) {
    pe_record *oldest = queue->oldest;
    if (!oldest || oldest->state == PE_RECORD_IN_FLIGHT) return NULL;
    if (pick != PE_PICK_ANY || oldest->attempts < PROBES_IN_ORDER) return oldest;
  }
  if (pick == PE_PICK_ANY) return fresh ? fresh : next_in_turn(queue);
  if (pick == PE_PICK_NEW && fresh) return fresh;
  return first && (!fresh || is_due(queue, first, now)) ? first : fresh;
}

/* The record, which is not in flight, is from now on. */
static void lift(pe_queue *queue, pe_record *record) {
  if (record->state == PE_RECORD_WAITING)
    pe_waiting_remove(&queue->waiting, record);
  else
    queue->fresh = record->newer;
  set_state(queue, record, PE_RECORD_IN_FLIGHT);
}

pe_record *pe_queue_take(pe_queue *queue, pe_pick pick, int64_t now) {
  pe_record *record;

  pe_mutex_lock(&queue->lock);
  record = next_record(queue, pick, now);
  if (pick != PE_PICK_ANY && !is_due(queue, record, now)) record = NULL;
  if (record) {
    lift(queue, record);
    if (pick == PE_PICK_ANY) queue->last_probe = record->ticket;
    if (record->attempts > 0) queue->counters.retries++;
    if (record->attempts < UINT16_MAX) record->attempts++;
    queue->counters.attempts++;
    queue->counters.bytes_sent += record->body_size;
  }
  pe_mutex_unlock(&queue->lock);
  return record;
}

pe_record *pe_queue_take_expired(pe_queue *queue, int64_t now) {
  pe_record *record;

  pe_mutex_lock(&queue->lock);
  record = queue->paused_since == 0 ? oldest_idle(queue) : NULL;
  if (record && expires_at(queue, record, now) > now) record = NULL;
  if (record) lift(queue, record);
  pe_mutex_unlock(&queue->lock);
  return record;
}

static void note_answer(pe_queue *queue, const pe_queue_answer *answer) {
  pe_counters *counters = &queue->counters;
  long class = answer ? answer->http_status / 100 : 0;
  if (!answer) return;
  if (class >= 1 && class < PE_HTTP_CLASSES) counters->replies[class]++;
  if (answer->error == PE_OK) return;
  counters->last_error = answer->error;
  counters->last_error_at = pe_clock_wall();
  (void)snprintf(counters->last_error_message, PE_LAST_ERROR_SIZE, "%s", answer->message);
}

static void count_reason(pe_counters *counters, pe_outcome outcome, pe_error code) {
  if (outcome == PE_REJECTED_BY_PLATFORM) counters->rejected_by[code]++;
  if (outcome == PE_DROPPED) counters->dropped_by[code]++;
  if (outcome == PE_UNKNOWN) counters->unknown_by[code]++;
}

void pe_queue_end(pe_queue *queue, pe_record *record, pe_outcome outcome, pe_error code, const pe_queue_answer *answer,
                  int64_t now) {
  pe_mutex_lock(&queue->lock);
  assert(record->state == PE_RECORD_IN_FLIGHT);
  note_answer(queue, answer);
  count_reason(&queue->counters, outcome, code);
  if (outcome == PE_DELIVERED) pe_latencies_add(&queue->counters.latency, now - record->accepted_at);
  leave(queue, record, outcome, now);
  pe_mutex_unlock(&queue->lock);
}

/* With the lock held. */
static void wait_again(pe_queue *queue, pe_record *record, int64_t due) {
  assert(record->state == PE_RECORD_IN_FLIGHT);
  set_state(queue, record, PE_RECORD_WAITING);
  pe_waiting_add(&queue->waiting, record, due);
}

void pe_queue_retry(pe_queue *queue, pe_record *record, int64_t due, const pe_queue_answer *answer) {
  pe_mutex_lock(&queue->lock);
  note_answer(queue, answer);
  wait_again(queue, record, due);
  pe_mutex_unlock(&queue->lock);
}

void pe_queue_cancel(pe_queue *queue, pe_record *record, bool maybe_sent, int64_t now) {
  pe_mutex_lock(&queue->lock);
  if (maybe_sent) queue->counters.maybe_sent++;
  wait_again(queue, record, now);
  pe_mutex_unlock(&queue->lock);
}

/* When the sender could begin with what it picks. */
static int64_t next_begin(pe_queue *queue, pe_pick pick, int64_t begin_at, int64_t now) {
  const pe_record *record = next_record(queue, pick, now);
  int64_t due;
  if (!record) return INT64_MAX;
  if (pick == PE_PICK_ANY || record->state == PE_RECORD_QUEUED) return begin_at;
  due = pe_waiting_due(&queue->waiting, record);
  return due > begin_at ? due : begin_at;
}

/* Whether an event that is accepted now has to wait for older ones in any case. */
static bool waits_in_order(const pe_queue *queue) {
  return queue->config.width == 1 && queue->oldest;
}

int64_t pe_queue_next(pe_queue *queue, pe_pick pick, int64_t begin_at, bool asleep, int64_t now) {
  int64_t next = INT64_MAX;
  int64_t begin = INT64_MAX;
  const pe_record *record;

  pe_mutex_lock(&queue->lock);
  tell_owner(queue, now);
  record = oldest_idle(queue);
  if (record && queue->paused_since == 0) next = expires_at(queue, record, now);
  if (begin_at != INT64_MAX) begin = next_begin(queue, pick, begin_at, now);
  if (begin < next) next = begin;
  if (queue->wants_room && queue->freed > 0 && queue->freed_at + ROOM_PATIENCE < next)
    next = queue->freed_at + ROOM_PATIENCE; /* to tell the owner of the few places */
  /* A new event could begin at begin_at: of no interest where one begins then anyway. */
  queue->asleep = asleep && begin_at < begin && next > now && !waits_in_order(queue);
  pe_mutex_unlock(&queue->lock);
  return next;
}

void pe_queue_pause(pe_queue *queue, bool paused, int64_t now) {
  pe_mutex_lock(&queue->lock);
  if (paused && queue->paused_since == 0) queue->paused_since = now;
  if (!paused && queue->paused_since != 0) {
    queue->paused_total = paused_until(queue, now);
    queue->paused_since = 0;
  }
  pe_mutex_unlock(&queue->lock);
}

void pe_queue_set_state(pe_queue *queue, pe_state state) {
  pe_mutex_lock(&queue->lock);
  if (queue->counters.state != PE_STATE_CLOSED && queue->counters.state != state) {
    queue->counters.state = state;
    set_news(queue);
  }
  pe_mutex_unlock(&queue->lock);
}
