/* The part of queue.h that a spool needs: which events are on disk, and which are there alone. The list holds the
 * oldest that are pending, as far as they are in memory; behind these, in the order of acceptance, lie those that are
 * on disk alone, and behind these again, at the end of the list, those that are not written yet. */
#include "queue/queue.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "queue/queue_private.h"

enum { READ_AT_ONCE = 256 };

/* ---- the owner's thread ---- */

pe_error pe_queue_await(pe_queue *queue) {
  pe_error error;
  pe_mutex_lock(&queue->lock);
  while (queue->awaited > 0)
    (void)pe_cond_wait(&queue->settled, &queue->lock, INT64_MAX);
  error = queue->await_error;
  queue->await_error = PE_OK;
  pe_mutex_unlock(&queue->lock);
  return error;
}

void pe_queue_forget(pe_queue *queue, pe_record *dropped) {
  while (dropped) {
    pe_record *record = dropped;
    dropped = record->newer;
    if (record->row == 0) {
      free(record);
      continue;
    }
    pe_mutex_lock(&queue->lock);
    record->newer = queue->forgotten;
    queue->forgotten = record;
    pe_mutex_unlock(&queue->lock);
  }
}

/* ---- with the lock held ---- */

/* Behind which row the next one is to be read back. */
static int64_t *cursor_of(pe_queue *queue, bool restored) {
  return &queue->read_after[restored ? 1 : 0];
}

/* The record stays, and its row may be among those that are read back: it is looked for then. */
static void note_overlap(pe_queue *queue, const pe_record *record) {
  int64_t *to = &queue->overlap_to[record->ticket == 0 ? 1 : 0];
  if (*to < record->row) *to = record->row;
}

/* The record, which is on disk and not in flight, is there alone. */
static void leave_memory(pe_queue *queue, pe_record *record) {
  pe_counters *counters = &queue->counters;
  int64_t *cursor = cursor_of(queue, record->ticket == 0);
  counters->pending_bytes -= pe_record_bytes(record);
  if (counters->on_disk == 0 || record->paused_before < queue->disk_paused_before)
    queue->disk_paused_before = record->paused_before;
  counters->on_disk++;
  if (record->ticket == 0) queue->restored_on_disk++;
  if (*cursor >= record->row) *cursor = record->row - 1;
  if (record->state == PE_RECORD_WAITING) {
    pe_due_heap_remove(&queue->waiting, record);
    pe_queue_mark(queue, record, PE_RECORD_QUEUED);
  }
  pe_queue_unlink(queue, record);
  free(record);
}

/* Passes over those in flight alone, of which there are few: a burst asks again for each of its events. */
bool pe_queue_evict(pe_queue *queue) {
  pe_record *passed = queue->unwritten ? queue->unwritten->older : queue->newest;
  pe_record *record = passed;
  while (record && record->state == PE_RECORD_IN_FLIGHT)
    record = record->older;
  if (!record) return false;
  for (; passed != record; passed = passed->older)
    note_overlap(queue, passed);
  leave_memory(queue, record);
  return true;
}

static void end_await(pe_queue *queue, pe_error error) {
  queue->awaited = 0;
  queue->await_error = error;
  pe_cond_broadcast(&queue->settled);
}

/* The caller who waits gets its event back: it is the newest, and nobody has taken it. */
static void refuse_awaited(pe_queue *queue) {
  pe_record *record = queue->newest;
  assert(record && record->ticket == queue->awaited);
  pe_queue_unlink(queue, record);
  free(record);
  queue->counters.calls++;
  queue->counters.refused[PE_SPOOL]++;
  end_await(queue, PE_SPOOL);
}

static void accept_awaited(pe_queue *queue) {
  pe_queue_count(queue, queue->newest);
  end_await(queue, PE_OK);
}

/* ---- the sender's thread ---- */

size_t pe_queue_unwritten(pe_queue *queue, pe_record **records, size_t max) {
  size_t count = 0;
  pe_mutex_lock(&queue->lock);
  for (pe_record *record = queue->unwritten; record && count < max; record = pe_queue_first_unwritten(record->newer)) {
    record->row = PE_ROW_COMING;
    records[count++] = record;
  }
  pe_mutex_unlock(&queue->lock);
  return count;
}

/* What is on disk need not be in memory: an owner that waits for room has some. */
static void tell_of_room(pe_queue *queue) {
  if (queue->wants_room) pe_cond_broadcast(&queue->settled);
}

/* The record is on disk now, the last of all: if others are there alone, it stands behind them. */
static void join_the_rest(pe_queue *queue, pe_record *record) {
  if (queue->counters.on_disk == 0) {
    *cursor_of(queue, false) = record->row;
    record->order = ++queue->last_order;
  } else if (record->state == PE_RECORD_QUEUED) {
    leave_memory(queue, record);
  } else {
    note_overlap(queue, record);
  }
}

/* The record, the oldest that was not on disk, is there. */
static void note_written(pe_queue *queue, pe_record *record) {
  assert(record == queue->unwritten);
  if (record->ticket == queue->awaited) accept_awaited(queue);
  queue->unwritten = pe_queue_first_unwritten(record->newer);
  queue->counters.unwritten--;
  record->row = (int64_t)record->ticket;
  join_the_rest(queue, record);
}

size_t pe_queue_written(pe_queue *queue, pe_record **records, size_t count) {
  size_t gone = 0;
  pe_mutex_lock(&queue->lock);
  for (size_t i = 0; i < count; i++) {
    if (records[i]->row == PE_ROW_GONE)
      records[gone++] = records[i];
    else
      note_written(queue, records[i]);
  }
  tell_of_room(queue);
  pe_mutex_unlock(&queue->lock);
  return gone;
}

void pe_queue_set_spooling(pe_queue *queue, bool works) {
  pe_mutex_lock(&queue->lock);
  queue->spooling = works;
  if (!works && queue->awaited > 0) {
    if (queue->config.required)
      refuse_awaited(queue);
    else
      accept_awaited(queue);
  }
  pe_mutex_unlock(&queue->lock);
}

void pe_queue_set_disk_room(pe_queue *queue, int64_t bytes) {
  pe_mutex_lock(&queue->lock);
  queue->disk_room = bytes;
  for (pe_record *record = queue->unwritten; record; record = pe_queue_first_unwritten(record->newer))
    queue->disk_room -= (int64_t)pe_record_bytes(record);
  tell_of_room(queue);
  pe_mutex_unlock(&queue->lock);
}

uint64_t pe_queue_rewrite(pe_queue *queue) {
  uint64_t last;
  pe_mutex_lock(&queue->lock);
  for (pe_record *record = queue->oldest; record; record = record->newer) {
    if (record->ticket == 0) {
      note_overlap(queue, record); /* behind what is not written nothing is evicted */
      continue;
    }
    if (pe_record_is_on_disk(record)) queue->counters.unwritten++;
    record->row = 0;
  }
  queue->unwritten = pe_queue_first_unwritten(queue->oldest);
  last = queue->last_ticket;
  pe_mutex_unlock(&queue->lock);
  return last;
}

/* How many of `there` fit into half of the queue, at once. */
static size_t room_for(const pe_queue *queue, uint64_t there) {
  uint64_t in_memory = queue->counters.pending - queue->counters.on_disk;
  uint64_t half = queue->config.max_events / 2 + 1;
  uint64_t room = in_memory < half ? half - in_memory : 0;
  if (queue->counters.pending_bytes >= queue->config.max_bytes / 2 + 1) return 0;
  if (room > there) room = there;
  return room < READ_AT_ONCE ? (size_t)room : READ_AT_ONCE;
}

size_t pe_queue_wanted(pe_queue *queue, bool restored) {
  size_t wanted;
  pe_mutex_lock(&queue->lock);
  wanted = room_for(queue, restored ? queue->restored_on_disk : queue->counters.on_disk - queue->restored_on_disk);
  pe_mutex_unlock(&queue->lock);
  return wanted;
}

int64_t pe_queue_read_after(pe_queue *queue, bool restored) {
  int64_t row;
  pe_mutex_lock(&queue->lock);
  row = *cursor_of(queue, restored);
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

/* Takes the record in, which was on disk alone. */
static void come_back(pe_queue *queue, pe_record *record, int64_t now) {
  record->order = ++queue->last_order;
  record->paused_before = record->ticket == 0 ? pe_queue_paused_until(queue, now) : queue->disk_paused_before;
  pe_queue_insert(queue, record, queue->unwritten);
  queue->counters.pending_bytes += pe_record_bytes(record);
  if (record->ticket == 0) queue->restored_on_disk--;
  queue->counters.on_disk--;
}

/* Whether the event is the next to come back; then it has. */
static bool pass(pe_queue *queue, const pe_returning *returning) {
  int64_t *cursor = cursor_of(queue, returning->restored);
  if (*cursor != returning->after) return false;
  *cursor = returning->row;
  return !is_in_memory(queue, returning->row, returning->restored);
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

void pe_queue_restore(pe_queue *queue, uint64_t count) {
  pe_counters *counters = &queue->counters;
  pe_mutex_lock(&queue->lock);
  counters->restored += count;
  counters->pending += count;
  counters->queued += count;
  counters->on_disk += count;
  queue->restored_on_disk += count;
  queue->restored_pending += count;
  *cursor_of(queue, true) = queue->overlap_to[1] = 0;
  if (queue->flushing > 0) queue->flush_left += count;
  pe_mutex_unlock(&queue->lock);
}

/* All that are on disk alone, of that kind. */
static uint64_t forget_on_disk(pe_queue *queue, bool restored) {
  uint64_t count = restored ? queue->restored_on_disk : queue->counters.on_disk - queue->restored_on_disk;
  queue->counters.on_disk -= count;
  if (!restored) return count;
  queue->restored_pending -= count;
  queue->restored_on_disk = 0;
  return count;
}

uint64_t pe_queue_lose(pe_queue *queue, bool restored) {
  pe_counters *counters = &queue->counters;
  uint64_t count;
  pe_mutex_lock(&queue->lock);
  count = forget_on_disk(queue, restored);
  counters->outcomes[PE_DROPPED] += count;
  counters->dropped_by[PE_SPOOL] += count;
  counters->pending -= count;
  counters->queued -= count;
  pe_queue_settle(queue, count);
  if (count > 0) pe_queue_set_news(queue);
  pe_queue_tell_owner(queue, pe_clock_monotonic());
  pe_mutex_unlock(&queue->lock);
  return count;
}

uint64_t pe_queue_restored(pe_queue *queue) {
  uint64_t pending;
  pe_mutex_lock(&queue->lock);
  pending = queue->restored_pending;
  pe_mutex_unlock(&queue->lock);
  return pending;
}

pe_record *pe_queue_take_forgotten(pe_queue *queue) {
  pe_record *forgotten;
  pe_mutex_lock(&queue->lock);
  forgotten = queue->forgotten;
  queue->forgotten = NULL;
  pe_mutex_unlock(&queue->lock);
  return forgotten;
}

static bool is_news(const pe_spool_gauges *told, const pe_spool_gauges *gauges) {
  return gauges->state != told->state || gauges->failures != told->failures || gauges->damaged != told->damaged ||
         gauges->newer > told->newer;
}

void pe_queue_set_spool(pe_queue *queue, const pe_spool_gauges *gauges) {
  pe_mutex_lock(&queue->lock);
  if (is_news(&queue->counters.spool, gauges)) pe_queue_set_news(queue);
  queue->counters.spool = *gauges;
  pe_mutex_unlock(&queue->lock);
}
