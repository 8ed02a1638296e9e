/* The list of a queue and its gauges, on which the halves of the owner's thread (queue_owner.c) and the sender's
 * (queue_sender.c) stand. */
#include "queue/queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "queue/queue_private.h"

enum { ROOM_BATCH = 64 };

pe_error pe_queue_new(const pe_queue_config *config, pe_queue **queue) {
  pe_queue *made = calloc(1, sizeof *made);

  if (!made) return PE_NO_MEMORY;
  made->config = *config;
  pe_due_heap_init(&made->waiting);
  pe_due_heap_init(&made->drawn);
  /* Room for all that can be in flight, so that the sender always finds some for what it must give back. */
  if (!pe_due_heap_reserve(&made->waiting, config->width)) goto no_waiting;
  if (!pe_mutex_init(&made->lock)) goto no_lock;
  if (!pe_cond_init(&made->settled)) goto no_cond;
  made->counters.state = PE_STATE_SENDING;
  made->spooling = config->spools;
  made->counters.spool.state = config->spools ? PE_SPOOL_WORKS : PE_SPOOL_OFF;
  made->disk_room = INT64_MAX;
  made->withdrawn_at = PE_NEVER;
  made->serves = true;
  *queue = made;
  return PE_OK;

no_cond:
  pe_mutex_destroy(&made->lock);
no_lock:
  pe_due_heap_cleanup(&made->waiting);
no_waiting:
  free(made);
  return PE_NO_MEMORY;
}

static void free_all(pe_record *record) {
  while (record) {
    pe_record *newer = record->newer;
    free(record);
    record = newer;
  }
}

void pe_queue_free(pe_queue *queue) {
  if (!queue) return;
  free_all(queue->oldest);
  free_all(queue->forgotten);
  pe_due_heap_cleanup(&queue->drawn);
  pe_due_heap_cleanup(&queue->waiting);
  pe_cond_destroy(&queue->settled);
  pe_mutex_destroy(&queue->lock);
  free(queue);
}

/* ---- the list; every function from here to the next line of dashes is called with the lock held ---- */

void pe_queue_insert(pe_queue *queue, pe_record *record, pe_record *newer) {
  pe_record *older = newer ? newer->older : queue->newest;
  record->older = older;
  record->newer = newer;
  if (older)
    older->newer = record;
  else
    queue->oldest = record;
  if (newer)
    newer->older = record;
  else
    queue->newest = record;
  if (queue->fresh == newer) queue->fresh = record;
}

pe_record *pe_queue_first_unwritten(pe_record *record) {
  while (record && pe_record_is_on_disk(record))
    record = record->newer;
  return record;
}

void pe_queue_unlink(pe_queue *queue, pe_record *record) {
  if (queue->fresh == record) queue->fresh = record->newer;
  if (queue->unwritten == record) queue->unwritten = pe_queue_first_unwritten(record->newer);
  if (record->older)
    record->older->newer = record->newer;
  else
    queue->oldest = record->newer;
  if (record->newer)
    record->newer->older = record->older;
  else
    queue->newest = record->older;
  record->older = record->newer = NULL;
  if (!queue->oldest) queue->overlap_to[0] = queue->overlap_to[1] = 0;
}

/* The gauge of the state that a record is in. */
static uint64_t *gauge_of(pe_counters *counters, uint8_t state) {
  switch (state) {
  case PE_RECORD_QUEUED: return &counters->queued;
  case PE_RECORD_IN_FLIGHT: return &counters->in_flight;
  default: return &counters->waiting;
  }
}

void pe_queue_mark(pe_queue *queue, pe_record *record, uint8_t state) {
  size_t bytes = pe_record_bytes(record);
  (*gauge_of(&queue->counters, record->state))--;
  (*gauge_of(&queue->counters, state))++;
  if (record->state == PE_RECORD_IN_FLIGHT) queue->in_flight_bytes -= bytes;
  if (state == PE_RECORD_IN_FLIGHT) queue->in_flight_bytes += bytes;
  record->state = state;
}

void pe_queue_set_news(pe_queue *queue) {
  __atomic_store_n(&queue->news, true, __ATOMIC_RELAXED);
}

/* An owner that waits for room is told of many places at once, or of a few a moment later: each time costs two switches
 * between threads. */
static bool is_room_news(const pe_queue *queue, int64_t now) {
  if (!queue->wants_room || queue->freed == 0) return false;
  return queue->freed >= ROOM_BATCH || queue->counters.pending == 0 || now - queue->freed_at >= PE_ROOM_PATIENCE;
}

pe_due_heap *pe_queue_heap_of(pe_queue *queue, const pe_record *record) {
  return record->state == PE_RECORD_DRAWN ? &queue->drawn : &queue->waiting;
}

bool pe_queue_is_held_back(const pe_queue *queue, const pe_record *record) {
  return queue->spooling && !pe_record_is_on_disk(record);
}

bool pe_queue_may_send(const pe_queue *queue) {
  return !(queue->paused_by & PE_PAUSED_BY_OWNER);
}

/* Whether one of the events that are `left` may have its outcome without the owner's doing; there may be more on disk.
 */
bool pe_queue_can_settle(const pe_queue *queue, uint64_t left) {
  if (!pe_queue_may_send(queue) && queue->counters.in_flight == 0) return false;
  return left > 0 || queue->is_looking;
}

void pe_queue_tell_owner(pe_queue *queue, int64_t now) {
  bool flushed = queue->flushing > 0 && !pe_queue_can_settle(queue, queue->flush_left);
  bool room = is_room_news(queue, now);
  if (room) queue->freed = 0;
  if (flushed || room) pe_cond_broadcast(&queue->settled);
}

void pe_queue_settle(pe_queue *queue, uint64_t count) {
  if (queue->flushing > 0) queue->flush_left -= count < queue->flush_left ? count : queue->flush_left;
}

void pe_queue_leave(pe_queue *queue, pe_record *record, pe_outcome outcome, int64_t now) {
  pe_counters *counters = &queue->counters;
  if (record->state == PE_RECORD_IN_FLIGHT) queue->in_flight_bytes -= pe_record_bytes(record);
  (*gauge_of(counters, record->state))--;
  counters->pending--;
  counters->pending_bytes -= pe_record_bytes(record);
  counters->outcomes[outcome]++;
  if (outcome != PE_DELIVERED && outcome != PE_RELAYED) pe_queue_set_news(queue);
  if (queue->config.spools && !pe_record_is_on_disk(record)) counters->unwritten--;
  if (record->ticket == 0) queue->restored_pending--;
  if (record->ticket < queue->flushing) pe_queue_settle(queue, 1);
  pe_queue_unlink(queue, record);
  if (queue->wants_room && queue->freed++ == 0) queue->freed_at = now;
  pe_queue_tell_owner(queue, now);
}

pe_record *pe_queue_oldest_idle(const pe_queue *queue) {
  pe_record *record = queue->oldest;
  while (record && record->state == PE_RECORD_IN_FLIGHT)
    record = record->newer;
  return record;
}

void pe_queue_give_up(pe_queue *queue, pe_record *record, pe_outcome outcome, int64_t now) {
  if (pe_record_waits(record)) pe_due_heap_remove(pe_queue_heap_of(queue, record), record);
  pe_queue_leave(queue, record, outcome, now);
  if (record->row == PE_ROW_COMING) record->row = PE_ROW_GONE;
}

int64_t pe_queue_paused_until(const pe_queue *queue, int64_t now) {
  int64_t current = queue->paused_since != 0 && now > queue->paused_since ? now - queue->paused_since : 0;
  return queue->paused_total + current;
}

void pe_queue_set_pause(pe_queue *queue, pe_pause reason, bool paused, int64_t now) {
  unsigned before = queue->paused_by;
  queue->paused_by = paused ? before | reason : before & ~(unsigned)reason;
  if (!before && queue->paused_by) queue->paused_since = now;
  if (before && !queue->paused_by) {
    queue->paused_total = pe_queue_paused_until(queue, now);
    queue->paused_since = 0;
  }
}
