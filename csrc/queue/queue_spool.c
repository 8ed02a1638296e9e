/* The part of queue.h that a spool needs: which events are on disk, and which are there alone. The list holds the
 * oldest that are pending, as far as they are in memory; behind these, in the order of acceptance, lie those that are
 * on disk alone, and behind these again, at the end of the list, those that are not written yet. */
#include "queue/queue.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "queue/queue_private.h"

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

bool pe_queue_forget(pe_queue *queue, pe_record *dropped) {
  bool wake;
  if (!dropped) return false;
  pe_mutex_lock(&queue->lock);
  while (dropped) {
    pe_record *record = dropped;
    dropped = record->newer;
    record->newer = queue->forgotten;
    if (record->row != 0)
      queue->forgotten = record;
    else
      free(record);
  }
  queue->forgetting = queue->disk_full = false;
  wake = queue->forgotten && queue->asleep;
  if (wake) queue->asleep = false;
  pe_mutex_unlock(&queue->lock);
  return wake;
}

/* ---- with the lock held ---- */

/* The record stays, and its row may be among those that are read back. */
static void note_overlap(pe_queue *queue, const pe_record *record) {
  int64_t *to = &queue->overlap_to[record->ticket == 0 ? 1 : 0];
  if (*to < record->row) *to = record->row;
}

/* The record, which is on disk and not in flight, is there alone. */
static void leave_memory(pe_queue *queue, pe_record *record) {
  pe_counters *counters = &queue->counters;
  int64_t *cursor = pe_queue_cursor(queue, record->ticket == 0);
  counters->pending_bytes -= pe_record_bytes(record);
  if (counters->on_disk == 0 || record->paused_before < queue->disk_paused_before)
    queue->disk_paused_before = record->paused_before;
  counters->on_disk++;
  if (record->ticket == 0) queue->restored_on_disk++;
  if (*cursor >= record->row) *cursor = record->row - 1;
  if (pe_record_waits(record)) {
    pe_due_heap_remove(pe_queue_heap_of(queue, record), record);
    pe_queue_mark(queue, record, PE_RECORD_QUEUED);
  }
  pe_queue_unlink(queue, record);
  free(record);
}

/* Passes over those in flight alone, of which there are few: a burst asks again for each of its events. */
bool pe_queue_evict(pe_queue *queue) {
  pe_record *passed = queue->unwritten ? queue->unwritten->older : queue->newest;
  pe_record *record = passed;
  if (queue->keeps_memory) return false;
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
static void refuse_awaited(pe_queue *queue, pe_error error) {
  pe_record *record = queue->newest;
  assert(record && record->ticket == queue->awaited);
  pe_queue_unlink(queue, record);
  free(record);
  queue->counters.calls++;
  queue->counters.refused[error]++;
  end_await(queue, error);
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
    *pe_queue_cursor(queue, false) = record->row;
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
      refuse_awaited(queue, PE_SPOOL);
    else
      accept_awaited(queue);
  }
  pe_mutex_unlock(&queue->lock);
}

void pe_queue_set_disk_room(pe_queue *queue, int64_t bytes, bool is_full) {
  pe_mutex_lock(&queue->lock);
  queue->disk_room = bytes;
  for (pe_record *record = queue->unwritten; record; record = pe_queue_first_unwritten(record->newer))
    queue->disk_room -= (int64_t)pe_record_bytes(record);
  queue->disk_full = is_full && !queue->forgetting;
  if (queue->disk_full && queue->awaited > 0) refuse_awaited(queue, PE_QUEUE_FULL);
  tell_of_room(queue);
  pe_mutex_unlock(&queue->lock);
}

void pe_queue_keep_memory(pe_queue *queue, bool keeps) {
  pe_mutex_lock(&queue->lock);
  queue->keeps_memory = keeps;
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
    if (record->row != 0) record->row = PE_ROW_COMING; /* the copy may have it: who drops it tells the sender */
  }
  queue->unwritten = pe_queue_first_unwritten(queue->oldest);
  last = queue->last_ticket;
  pe_mutex_unlock(&queue->lock);
  return last;
}

bool pe_queue_is_serving(pe_queue *queue, int64_t *withdrawn_at) {
  bool serves;
  pe_mutex_lock(&queue->lock);
  serves = queue->serves;
  *withdrawn_at = queue->withdrawn_at;
  pe_mutex_unlock(&queue->lock);
  return serves;
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
         gauges->newer > told->newer || gauges->barred > told->barred || gauges->elsewhere > told->elsewhere;
}

void pe_queue_set_spool(pe_queue *queue, const pe_spool_gauges *gauges) {
  pe_mutex_lock(&queue->lock);
  if (is_news(&queue->counters.spool, gauges)) pe_queue_set_news(queue);
  queue->counters.spool = *gauges;
  pe_mutex_unlock(&queue->lock);
}
