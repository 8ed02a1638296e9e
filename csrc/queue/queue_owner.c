/* The half of queue.h that the owner's thread calls: accepting, what is decided of all that are pending, and waiting.
 */
#include "queue/queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "queue/queue_private.h"

/* ---- accepting ---- */

pe_record *pe_queue_new_record(const pe_event *event, int64_t now) {
  size_t id_size = event->id_size, name_size = event->name_size;
  pe_record *record = malloc(offsetof(pe_record, data) + event->body_size + id_size + name_size);

  if (!record) return NULL;
  memset(record, 0, offsetof(pe_record, data));
  record->accepted_at = now - event->age;
  record->body_size = (uint32_t)event->body_size;
  record->id_size = (uint32_t)id_size;
  record->name_size = (uint32_t)name_size;
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

static bool has_memory(const pe_queue *queue, size_t bytes) {
  return fits(queue, bytes, queue->counters.pending - queue->counters.on_disk, queue->counters.pending_bytes);
}

/* What is on disk need not be in memory: it leaves, newest first, for what is not. */
static bool has_room(pe_queue *queue, size_t bytes) {
  if (queue->spooling && queue->disk_room < (int64_t)bytes) return false;
  while (!has_memory(queue, bytes))
    if (!queue->spooling || !pe_queue_evict(queue)) return false;
  return true;
}

/* How much room on disk its end makes: what was restored is in another file. What it has there, or will have, is more
 * than its texts, but not by much. */
static int64_t disk_bytes(const pe_record *record) {
  if (record->ticket == 0) return 0;
  return (int64_t)(pe_record_is_on_disk(record) ? pe_record_text_bytes(record) : pe_record_bytes(record));
}

/* The oldest that is not in flight, and makes room where there is none; NULL: none. */
static pe_record *oldest_to_drop(const pe_queue *queue, size_t bytes) {
  bool wants_disk = queue->spooling && queue->disk_room < (int64_t)bytes;
  pe_record *record = queue->oldest;
  while (record && (record->state == PE_RECORD_IN_FLIGHT || (wants_disk && disk_bytes(record) == 0)))
    record = record->newer;
  return record;
}

/* Whether there would be room if all went that is not in flight. Looks no further than it must. */
static bool can_make_room(const pe_queue *queue, size_t bytes) {
  int64_t room = queue->disk_room;
  if (!fits(queue, bytes, queue->counters.in_flight, queue->in_flight_bytes)) return false;
  for (const pe_record *record = queue->oldest; queue->spooling && room < (int64_t)bytes; record = record->newer) {
    if (!record) return false;
    if (record->state != PE_RECORD_IN_FLIGHT) room += disk_bytes(record);
  }
  return true;
}

/* Drops the oldest until there is room; nothing where that would be in vain. What the sender is just writing may go,
 * too: pe_queue_forget leaves it to the sender. */
static bool make_room(pe_queue *queue, size_t bytes, int64_t now, pe_record **dropped) {
  if (!can_make_room(queue, bytes)) return false;
  while (!has_room(queue, bytes)) {
    pe_record *record = oldest_to_drop(queue, bytes);
    if (!record) return false;
    pe_queue_give_up(queue, record, PE_DROPPED, now);
    if (queue->spooling) queue->disk_room += disk_bytes(record);
    queue->forgetting = true;
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

/* Room for the record. One that had to wait for it is accepted at the end of that, when its pauses are counted. */
static bool find_room(pe_queue *queue, pe_record *record, int64_t now, pe_record **dropped) {
  size_t bytes = pe_record_bytes(record);
  bool found;
  if (has_room(queue, bytes)) return true;
  switch (queue->config.overflow) {
  case PE_OVERFLOW_DROP_OLDEST: return make_room(queue, bytes, now, dropped);
  case PE_OVERFLOW_WAIT:
    found = wait_for_room(queue, bytes);
    record->accepted_at = pe_clock_monotonic();
    return found;
  default: return false;
  }
}

void pe_queue_count(pe_queue *queue, const pe_record *record) {
  pe_counters *counters = &queue->counters;
  counters->calls++;
  counters->accepted++;
  counters->pending++;
  counters->queued++;
  counters->pending_bytes += pe_record_bytes(record);
  if (queue->config.spools && !pe_record_is_on_disk(record)) counters->unwritten++;
}

static void accept(pe_queue *queue, pe_record *record) {
  record->ticket = ++queue->last_ticket;
  record->order = ++queue->last_order;
  record->paused_before = pe_queue_paused_until(queue, record->accepted_at);
  pe_queue_insert(queue, record, NULL);
  if (queue->config.spools && !queue->unwritten) queue->unwritten = record;
  if (queue->spooling) queue->disk_room -= (int64_t)pe_record_bytes(record);
  if (queue->config.awaits && queue->spooling)
    queue->awaited = record->ticket; /* counted when it is on disk */
  else
    pe_queue_count(queue, record);
}

/* Whether one that the others waited for, in order, went to make room: the sender sleeps until that one's time. */
static bool clears_the_way(const pe_queue *queue, const pe_record *dropped) {
  while (dropped && !pe_record_waits(dropped))
    dropped = dropped->newer;
  return queue->config.width == 1 && dropped;
}

/* Why no event is accepted. PE_OK: one is. */
static pe_error refusal(const pe_queue *queue, const pe_record *record) {
  if (queue->closed) return PE_CLOSED;
  if (!record) return PE_NO_MEMORY;
  return queue->config.required && !queue->spooling ? PE_SPOOL : PE_OK;
}

pe_error pe_queue_push(pe_queue *queue, const pe_event *event, int64_t now, pe_push *push) {
  pe_record *record = event->body_size <= UINT32_MAX ? pe_queue_new_record(event, now) : NULL;
  pe_error error;

  memset(push, 0, sizeof *push);
  pe_mutex_lock(&queue->lock);
  error = refusal(queue, record);
  if (error == PE_OK && !find_room(queue, record, now, &push->dropped))
    error = queue->closed ? PE_CLOSED : PE_QUEUE_FULL;
  if (error == PE_OK) {
    accept(queue, record);
    push->ticket = record->ticket;
    /* A sender that lingers looks again a millisecond later. */
    push->wake = queue->asleep || queue->awaited > 0 || clears_the_way(queue, push->dropped);
    queue->asleep = false;
    record = NULL;
  } else {
    queue->counters.calls++;
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
  pe_record *passed = pe_queue_new_record(event, now);
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

/* ---- what the owner decides of all that are pending ---- */

bool pe_queue_allow(pe_queue *queue, bool allowed, int64_t now) {
  bool wake;
  pe_mutex_lock(&queue->lock);
  /* Whether it has said that it sleeps: it may sleep for want of events that it may take. */
  wake = allowed && !pe_queue_may_send(queue) && queue->counters.pending > 0;
  pe_queue_set_pause(queue, PE_PAUSED_BY_OWNER, !allowed, now);
  pe_mutex_unlock(&queue->lock);
  return wake;
}

void pe_queue_set_serving(pe_queue *queue, bool serves) {
  pe_mutex_lock(&queue->lock);
  queue->serves = serves;
  pe_mutex_unlock(&queue->lock);
}

pe_record *pe_queue_withdraw(pe_queue *queue, int64_t now) {
  pe_record *first = NULL;
  pe_record **end = &first;

  pe_mutex_lock(&queue->lock);
  queue->withdrawn = queue->last_ticket;
  queue->withdrawn_at = now;
  for (pe_record *record = queue->oldest, *newer; record; record = newer) {
    newer = record->newer;
    if (record->state == PE_RECORD_IN_FLIGHT) continue;
    pe_queue_give_up(queue, record, PE_DROPPED, now);
    queue->counters.dropped_by[PE_WITHDRAWN]++;
    *end = record;
    end = &record->newer;
  }
  queue->forgetting = first != NULL;
  pe_mutex_unlock(&queue->lock);
  return first;
}

/* ---- waiting for the end ---- */

uint64_t pe_queue_flush(pe_queue *queue, int64_t timeout) {
  int64_t deadline = deadline_of(timeout);
  int64_t left = timeout;
  uint64_t remaining;

  pe_mutex_lock(&queue->lock);
  queue->flushing = queue->last_ticket + 1; /* of none; and above 0 */
  queue->flush_left = queue->counters.pending;
  while (pe_queue_can_settle(queue, queue->flush_left) && left > 0) {
    (void)pe_cond_wait(&queue->settled, &queue->lock, left);
    left = deadline - pe_clock_monotonic();
  }
  queue->flushing = 0;
  remaining = queue->flush_left;
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
  bool moves;
  pe_mutex_lock(&queue->lock);
  *counters = queue->counters;
  moves = counters->pending > 0 && pe_queue_can_settle(queue, counters->pending);
  pe_mutex_unlock(&queue->lock);
  if (counters->state == PE_STATE_SENDING && !moves) counters->state = PE_STATE_IDLE;
}

bool pe_queue_has_news(const pe_queue *queue) {
  return __atomic_load_n(&queue->news, __ATOMIC_RELAXED);
}

void pe_queue_take_news(pe_queue *queue) {
  __atomic_store_n(&queue->news, false, __ATOMIC_RELAXED);
}
