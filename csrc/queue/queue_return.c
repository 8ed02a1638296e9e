/* The part of queue.h for what comes back from disk: which event is the next to be read, what earlier runs have left,
 * and what is not to be found there. What goes to disk: queue_spool.c. */
#include "queue/queue.h"

#include <stdlib.h>

#include "base/clock.h"
#include "queue/queue_private.h"

enum { READ_AT_ONCE = 256 };

/* How many are on disk alone, of that kind. */
static uint64_t alone(const pe_queue *queue, bool restored) {
  return restored ? queue->restored_on_disk : queue->counters.on_disk - queue->restored_on_disk;
}

/* Whether there is something on disk that was dropped, and is nowhere else: it would come back. */
static bool is_dropping(const pe_queue *queue) {
  return queue->forgetting || queue->forgotten;
}

/* How many of `there` fit into half of the queue, at once. And one in any case where nothing in memory can be sent:
 * what is not written there may wait for the very room on disk that this one makes. */
static size_t room_for(const pe_queue *queue, uint64_t there) {
  uint64_t in_memory = queue->counters.pending - queue->counters.on_disk, half = queue->config.max_events / 2 + 1;
  bool has_bytes = queue->counters.pending_bytes <= queue->config.max_bytes / 2;
  uint64_t room = has_bytes && in_memory < half ? half - in_memory : 0;
  if (room == 0 && in_memory <= queue->counters.unwritten) room = 1;
  if (room > there) room = there;
  return room < READ_AT_ONCE ? (size_t)room : READ_AT_ONCE;
}

size_t pe_queue_wanted(pe_queue *queue, bool restored) {
  size_t wanted;
  pe_mutex_lock(&queue->lock);
  wanted = is_dropping(queue) ? 0 : room_for(queue, alone(queue, restored));
  pe_mutex_unlock(&queue->lock);
  return wanted;
}

int64_t pe_queue_read_after(pe_queue *queue, bool restored) {
  int64_t row;
  pe_mutex_lock(&queue->lock);
  row = *pe_queue_cursor(queue, restored);
  pe_mutex_unlock(&queue->lock);
  return row;
}

/* Whether the event of that row, our own or one that was restored, is in memory all the same. */
static bool is_in_memory(const pe_queue *queue, int64_t row, bool restored) {
  const pe_record *record = row <= queue->overlap_to[restored ? 1 : 0] ? queue->oldest : NULL;
  while (record && (restored ? record->ticket > 0 || record->row != row : record->ticket != (uint64_t)row))
    record = record->newer;
  return record != NULL;
}

/* Before which one a record goes that comes back: what is not written is newer. But where the disk failed, some of that
 * was taken, and it must not stand before these: it would not be looked for there. NULL: at the end. */
static pe_record *place_for_return(const pe_queue *queue) {
  pe_record *record = queue->unwritten;
  while (record && record->state != PE_RECORD_QUEUED)
    record = pe_queue_first_unwritten(record->newer);
  return record;
}

/* Takes the record in, which was on disk alone. */
static void come_back(pe_queue *queue, pe_record *record, int64_t now) {
  record->order = ++queue->last_order;
  record->paused_before = record->ticket == 0 ? pe_queue_paused_until(queue, now) : queue->disk_paused_before;
  pe_queue_insert(queue, record, place_for_return(queue));
  queue->counters.pending_bytes += pe_record_bytes(record);
  if (record->ticket == 0) queue->restored_on_disk--;
  queue->counters.on_disk--;
}

/* Whether the event is the next to come back; then it has. */
static bool pass(pe_queue *queue, const pe_returning *returning) {
  int64_t *cursor = pe_queue_cursor(queue, returning->restored);
  if (*cursor != returning->after || is_dropping(queue)) return false;
  *cursor = returning->row;
  return !returning->has_ended && !is_in_memory(queue, returning->row, returning->restored);
}

pe_error pe_queue_read_back(pe_queue *queue, const pe_returning *returning, int64_t now) {
  pe_record *record = pe_queue_new_record(&returning->event, returning->accepted_at);

  if (!record) return PE_NO_MEMORY;
  record->row = returning->row;
  record->attempts = returning->attempts;
  record->ticket = returning->restored ? 0 : (uint64_t)returning->row;
  pe_mutex_lock(&queue->lock);
  if (returning->is_undated && queue->withdrawn_at != PE_NEVER) record->accepted_at = queue->withdrawn_at;
  if (pass(queue, returning)) {
    come_back(queue, record, now);
    record = NULL;
  }
  pe_mutex_unlock(&queue->lock);
  free(record);
  return PE_OK;
}

void pe_queue_set_looking(pe_queue *queue, bool looks) {
  pe_mutex_lock(&queue->lock);
  if (queue->is_looking && !looks) {
    queue->is_looking = false;
    pe_queue_tell_owner(queue, pe_clock_monotonic());
  }
  queue->is_looking = looks;
  pe_mutex_unlock(&queue->lock);
}

void pe_queue_drop_found(pe_queue *queue, uint64_t count) {
  pe_counters *counters = &queue->counters;
  pe_mutex_lock(&queue->lock);
  counters->restored += count;
  counters->outcomes[PE_DROPPED] += count;
  counters->dropped_by[PE_WITHDRAWN] += count;
  pe_mutex_unlock(&queue->lock);
}

void pe_queue_restore(pe_queue *queue, uint64_t count) {
  pe_counters *counters = &queue->counters;
  pe_mutex_lock(&queue->lock);
  counters->restored += count;
  counters->pending += count;
  counters->queued += count;
  counters->on_disk += count;
  queue->restored_on_disk += count;
  queue->restored_pending += count;
  *pe_queue_cursor(queue, true) = queue->overlap_to[1] = 0;
  if (queue->flushing > 0) queue->flush_left += count;
  pe_mutex_unlock(&queue->lock);
}

/* So many of these are dropped. */
static void lose(pe_queue *queue, bool restored, uint64_t count) {
  pe_counters *counters = &queue->counters;
  if (restored) queue->restored_pending -= count;
  if (restored) queue->restored_on_disk -= count;
  counters->on_disk -= count;
  counters->outcomes[PE_DROPPED] += count;
  counters->dropped_by[PE_SPOOL] += count;
  counters->pending -= count;
  counters->queued -= count;
  pe_queue_settle(queue, count);
  if (count > 0) pe_queue_set_news(queue);
  pe_queue_tell_owner(queue, pe_clock_monotonic());
}

uint64_t pe_queue_lose(pe_queue *queue, bool restored) {
  uint64_t count;
  pe_mutex_lock(&queue->lock);
  count = alone(queue, restored);
  lose(queue, restored, count);
  pe_mutex_unlock(&queue->lock);
  return count;
}

void pe_queue_lose_but(pe_queue *queue, uint64_t there) {
  uint64_t written, missing;
  pe_mutex_lock(&queue->lock);
  written = queue->counters.pending - queue->restored_pending - queue->counters.unwritten;
  missing = written > there ? written - there : 0;
  if (missing > 0) lose(queue, false, missing < alone(queue, false) ? missing : alone(queue, false));
  pe_mutex_unlock(&queue->lock);
}

void pe_queue_forsake(pe_queue *queue, bool restored) {
  pe_counters *counters = &queue->counters;
  pe_mutex_lock(&queue->lock);
  if (restored)
    counters->unwritten += queue->restored_pending;
  else
    counters->unwritten = counters->pending - queue->restored_pending;
  pe_mutex_unlock(&queue->lock);
}

bool pe_queue_is_dropping(pe_queue *queue) {
  bool dropping;
  pe_mutex_lock(&queue->lock);
  dropping = is_dropping(queue);
  pe_mutex_unlock(&queue->lock);
  return dropping;
}

uint64_t pe_queue_left(pe_queue *queue, bool restored) {
  uint64_t left;
  pe_mutex_lock(&queue->lock);
  left = restored ? queue->restored_pending : alone(queue, false);
  pe_mutex_unlock(&queue->lock);
  return left;
}
