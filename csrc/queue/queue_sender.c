/* The half of queue.h that the sender's thread calls: which event is next, and what becomes of it. Every static
 * function is called with the lock held. */
#include "queue/queue.h"

#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "queue/queue_private.h"

enum { PROBES_IN_ORDER = 3 };

static bool is_withdrawn(const pe_queue *queue, const pe_record *record) {
  return record->ticket > 0 ? record->ticket <= queue->withdrawn : record->accepted_at <= queue->withdrawn_at;
}

/* A record may be taken only where there is room to give it back. */
static bool can_give_back(pe_queue *queue) {
  size_t taken = queue->waiting.count + queue->drawn.count + queue->counters.in_flight;
  return pe_due_heap_reserve(&queue->waiting, taken + 1);
}

/* When the time of the record comes; INT64_MAX where there is none. */
static int64_t due_of(pe_queue *queue, const pe_record *record) {
  if (!record) return INT64_MAX;
  return record->state == PE_RECORD_QUEUED ? INT64_MIN : pe_due_heap_time(pe_queue_heap_of(queue, record), record);
}

/* The next of those that wait: the one behind the last probe, in the order of acceptance and round. NULL: none. */
static pe_record *next_in_turn(const pe_queue *queue) {
  pe_record *first = NULL;
  for (pe_record *record = queue->oldest; record; record = record->newer) {
    if (!pe_record_waits(record)) continue;
    if (record->order > queue->last_probe) return record;
    if (!first) first = record;
  }
  return first;
}

/* The oldest that was never taken. NULL: there is none; or memory is out, and those that wait, which have their room,
 * are what is left to take. */
static pe_record *next_fresh(pe_queue *queue) {
  pe_record *fresh = queue->fresh;
  return fresh && !pe_queue_is_held_back(queue, fresh) && can_give_back(queue) ? fresh : NULL;
}

/* The one whose time comes first, or where both are due, one and the other in turn. Either may be NULL. */
static pe_record *in_turns(pe_queue *queue, pe_record *drawn, pe_record *other, int64_t now) {
  int64_t drawn_due = due_of(queue, drawn), other_due = due_of(queue, other);
  if (drawn_due <= now && other_due <= now) return queue->took_drawn ? other : drawn;
  return drawn_due < other_due ? drawn : other;
}

/* The first of those that wait and drew no hold, or one never tried. */
static pe_record *due_or_fresh(pe_queue *queue, pe_record *fresh, int64_t now) {
  pe_record *first = pe_due_heap_first(&queue->waiting);
  return first && (!fresh || due_of(queue, first) <= now) ? first : fresh;
}

/* ---- in order ---- */

/* The one that keeps the others waiting, which a suspect does not. NULL: there is none. */
static pe_record *first_in_order(const pe_queue *queue) {
  pe_record *record = queue->oldest;
  while (record && pe_record_is_suspect(record))
    record = record->newer;
  return record;
}

/* The same, if it may be sent. */
static pe_record *head(const pe_queue *queue) {
  pe_record *record = first_in_order(queue);
  return record && !pe_queue_is_held_back(queue, record) ? record : NULL;
}

/* The head, or in turn a suspect. */
static pe_record *next_in_order(pe_queue *queue, pe_pick pick, int64_t now) {
  pe_record *oldest = head(queue);
  pe_record *drawn = pe_due_heap_first(&queue->drawn);
  if (pick == PE_PICK_ANY) return oldest;
  if (pick == PE_PICK_FRESH) return oldest && oldest->state == PE_RECORD_QUEUED ? oldest : NULL;
  return in_turns(queue, drawn && pe_record_is_suspect(drawn) ? drawn : NULL, oldest, now);
}

/* Whether a probe is another one than the head. */
static bool passes_over(const pe_queue *queue) {
  const pe_record *oldest = head(queue);
  return !oldest || oldest->attempts >= PROBES_IN_ORDER;
}

/* ---- which is next ---- */

/* The record that is next, without a look at the time; NULL: none. */
static pe_record *next_record(pe_queue *queue, pe_pick pick, int64_t now) {
  pe_record *fresh = next_fresh(queue);
  bool in_order = queue->config.width == 1;

  if (!pe_queue_may_send(queue) || (in_order && queue->counters.in_flight > 0)) return NULL;
  if (in_order && (pick != PE_PICK_ANY || !passes_over(queue))) return next_in_order(queue, pick, now);
  if (pick == PE_PICK_ANY && !fresh) return next_in_turn(queue);
  if (pick != PE_PICK_DUE && (fresh || pick == PE_PICK_FRESH)) return fresh;
  return in_turns(queue, pe_due_heap_first(&queue->drawn), due_or_fresh(queue, fresh, now), now);
}

/* The record, which is not in flight, is from now on. */
static void lift(pe_queue *queue, pe_record *record) {
  if (pe_record_waits(record))
    pe_due_heap_remove(pe_queue_heap_of(queue, record), record);
  else
    queue->fresh = record->newer;
  pe_queue_mark(queue, record, PE_RECORD_IN_FLIGHT);
}

pe_record *pe_queue_take(pe_queue *queue, pe_pick pick, int64_t now) {
  pe_record *record;

  pe_mutex_lock(&queue->lock);
  record = next_record(queue, pick, now);
  if (pick != PE_PICK_ANY && due_of(queue, record) > now) record = NULL;
  if (record) {
    lift(queue, record);
    if (pick == PE_PICK_ANY) queue->last_probe = record->order;
    queue->took_drawn = record->draws > 0;
    if (record->attempts > 0) queue->counters.retries++;
    if (record->attempts < UINT16_MAX) record->attempts++;
    queue->counters.attempts++;
    queue->counters.bytes_sent += record->body_size;
  }
  pe_mutex_unlock(&queue->lock);
  return record;
}

/* When the record will be too old, if time goes on for it. */
static int64_t expires_at(const pe_queue *queue, const pe_record *record, int64_t now) {
  int64_t age_at_zero = record->accepted_at + (pe_queue_paused_until(queue, now) - record->paused_before);
  return age_at_zero < INT64_MAX - queue->config.max_age ? age_at_zero + queue->config.max_age : INT64_MAX;
}

/* The oldest that is not in flight; none that is not written: it may not be counted yet. */
static pe_record *oldest_to_end(const pe_queue *queue) {
  pe_record *record = pe_queue_oldest_idle(queue);
  return record && pe_queue_is_held_back(queue, record) ? NULL : record;
}

pe_record *pe_queue_take_expired(pe_queue *queue, int64_t now) {
  pe_record *record;

  pe_mutex_lock(&queue->lock);
  record = queue->paused_since == 0 ? oldest_to_end(queue) : NULL;
  if (record && expires_at(queue, record, now) > now) record = NULL;
  if (record) lift(queue, record);
  pe_mutex_unlock(&queue->lock);
  return record;
}

pe_record *pe_queue_take_withdrawn(pe_queue *queue) {
  pe_record *record;

  pe_mutex_lock(&queue->lock);
  record = oldest_to_end(queue);
  if (record && !is_withdrawn(queue, record)) record = NULL;
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

/* What drew a hold before is tried again at once: it is known soon then whether it is itself the reason. */
static void note_delivery(pe_queue *queue, const pe_record *record, const pe_queue_answer *answer, int64_t now) {
  pe_latencies_add(&queue->counters.latency, now - record->accepted_at);
  if (answer) pe_due_heap_hasten(&queue->drawn, answer->transfer, now);
}

void pe_queue_end(pe_queue *queue, pe_record *record, pe_outcome outcome, pe_error code, const pe_queue_answer *answer,
                  int64_t now) {
  pe_mutex_lock(&queue->lock);
  assert(record->state == PE_RECORD_IN_FLIGHT);
  note_answer(queue, answer);
  count_reason(&queue->counters, outcome, code);
  if (outcome == PE_DELIVERED) note_delivery(queue, record, answer, now);
  if (outcome == PE_RELAYED) pe_latencies_add(&queue->counters.latency, now - record->accepted_at);
  pe_queue_leave(queue, record, outcome, now);
  pe_mutex_unlock(&queue->lock);
}

/* The owner may wait for this one, where the sender may take none. */
static void wait_again(pe_queue *queue, pe_record *record, int64_t due) {
  bool is_drawn = record->draws > 0 && pe_due_heap_reserve(&queue->drawn, queue->drawn.count + 1);
  assert(record->state == PE_RECORD_IN_FLIGHT);
  pe_queue_mark(queue, record, is_drawn ? PE_RECORD_DRAWN : PE_RECORD_WAITING);
  pe_due_heap_add(pe_queue_heap_of(queue, record), record, due);
  if (!pe_queue_may_send(queue)) pe_cond_broadcast(&queue->settled);
}

bool pe_queue_retry(pe_queue *queue, pe_record *record, int64_t due, const pe_queue_answer *answer) {
  bool again;
  pe_mutex_lock(&queue->lock);
  again = !is_withdrawn(queue, record);
  if (again) {
    note_answer(queue, answer);
    wait_again(queue, record, due);
  }
  pe_mutex_unlock(&queue->lock);
  return again;
}

bool pe_queue_cancel(pe_queue *queue, pe_record *record, bool maybe_sent, int64_t now) {
  bool stays;
  pe_mutex_lock(&queue->lock);
  stays = !is_withdrawn(queue, record);
  if (stays) {
    if (maybe_sent) queue->counters.maybe_sent++;
    wait_again(queue, record, now);
  }
  pe_mutex_unlock(&queue->lock);
  return stays;
}

/* When the sender could begin with what it picks. */
static int64_t next_begin(pe_queue *queue, pe_pick pick, int64_t begin_at, int64_t now) {
  const pe_record *record = next_record(queue, pick, now);
  int64_t due;
  if (!record) return INT64_MAX;
  if (pick == PE_PICK_ANY || record->state == PE_RECORD_QUEUED) return begin_at;
  due = due_of(queue, record);
  return due > begin_at ? due : begin_at;
}

/* Whether an event that is accepted now has to wait for older ones in any case. */
static bool waits_in_order(const pe_queue *queue) {
  return queue->config.width == 1 && first_in_order(queue);
}

/* When the time comes for what happens by itself: an event is to be written, or too old; or the owner is told of a few
 * places. */
static int64_t next_by_itself(const pe_queue *queue, int64_t now) {
  const pe_record *record = oldest_to_end(queue);
  int64_t next = record && queue->paused_since == 0 ? expires_at(queue, record, now) : INT64_MAX;
  int64_t told_at = queue->wants_room && queue->freed > 0 ? queue->freed_at + PE_ROOM_PATIENCE : INT64_MAX;
  if ((queue->spooling && queue->unwritten && !queue->disk_full) || (record && is_withdrawn(queue, record))) return now;
  return told_at < next ? told_at : next;
}

/* What both questions answer. *begin is when a transfer begins. */
static int64_t next_of_all(pe_queue *queue, pe_pick pick, int64_t begin_at, int64_t now, int64_t *begin) {
  int64_t next = next_by_itself(queue, now);
  *begin = begin_at != INT64_MAX ? next_begin(queue, pick, begin_at, now) : INT64_MAX;
  return *begin < next ? *begin : next;
}

int64_t pe_queue_next(pe_queue *queue, pe_pick pick, int64_t begin_at, int64_t now) {
  int64_t begin;
  int64_t next;
  pe_mutex_lock(&queue->lock);
  next = next_of_all(queue, pick, begin_at, now, &begin);
  pe_mutex_unlock(&queue->lock);
  return next;
}

int64_t pe_queue_sleep(pe_queue *queue, pe_pick pick, int64_t begin_at, int64_t now) {
  int64_t begin;
  int64_t next;
  pe_mutex_lock(&queue->lock);
  next = next_of_all(queue, pick, begin_at, now, &begin);
  /* A new event could begin at begin_at: of no interest where one begins then anyway; but it may want to be written. */
  queue->asleep = next > now && (queue->spooling || (begin_at < begin && !waits_in_order(queue)));
  pe_mutex_unlock(&queue->lock);
  return next;
}

void pe_queue_attend(pe_queue *queue, int64_t now) {
  pe_mutex_lock(&queue->lock);
  queue->asleep = false;
  pe_queue_tell_owner(queue, now);
  pe_mutex_unlock(&queue->lock);
}

void pe_queue_note_trouble(pe_queue *queue, const pe_queue_answer *answer) {
  pe_mutex_lock(&queue->lock);
  note_answer(queue, answer);
  pe_mutex_unlock(&queue->lock);
}

int64_t pe_queue_paused(pe_queue *queue, int64_t now) {
  int64_t paused;
  pe_mutex_lock(&queue->lock);
  paused = pe_queue_paused_until(queue, now);
  pe_mutex_unlock(&queue->lock);
  return paused;
}

void pe_queue_count_trimmed(pe_queue *queue, uint64_t count) {
  pe_mutex_lock(&queue->lock);
  queue->counters.trimmed += count;
  pe_mutex_unlock(&queue->lock);
}

void pe_queue_pause(pe_queue *queue, bool paused, int64_t now) {
  pe_mutex_lock(&queue->lock);
  pe_queue_set_pause(queue, PE_PAUSED_BY_ENDPOINT, paused, now);
  pe_mutex_unlock(&queue->lock);
}

void pe_queue_set_state(pe_queue *queue, pe_state state) {
  pe_mutex_lock(&queue->lock);
  if (queue->counters.state != PE_STATE_CLOSED && queue->counters.state != state) {
    queue->counters.state = state;
    pe_queue_set_news(queue);
  }
  pe_mutex_unlock(&queue->lock);
}
