/* The daily life of spool.h: writing, committing, reading back. What has ended: spool_ends.c. What
 * happens when the disk fails: spool_recover.c. */
#include "spool/spool.h"

#include <stdlib.h>
#include <string.h>

#include "spool/spool_private.h"

/* So many batches are written before the transfers have their turn again. */
enum { BATCHES = 16 };

static const int64_t IDLE = PE_SECOND; /* after which the log is written back */

/* A wall time before it was not set yet, and says nothing about an age: 2020-01-01. */
static const int64_t SANE = INT64_C(1577836800) * PE_SECOND;

const char *pe_spool_version(void) {
  return pe_database_version();
}

/* ---- the time ---- */

/* How far the wall time was ahead of the monotonic one when the event of that row was written first. */
static int64_t ahead_at(const pe_spool *spool, int64_t row) {
  size_t i = spool->step_count - 1;
  while (i > 0 && spool->steps[i].row > row)
    i--;
  return spool->steps[i].ahead;
}

/* The wall time may be set, and a suspended machine skips some: from the row that is written next on it is that. */
static void note_step(pe_spool *spool, int64_t row) {
  int64_t ahead = pe_clock_wall() - pe_clock_monotonic(); /* both now: to make the file took its time */
  size_t count = spool->step_count;

  if (count > 0) {
    const pe_spool_step *last = &spool->steps[count - 1];
    if (row <= last->row || (ahead < last->ahead + PE_SECOND && ahead > last->ahead - PE_SECOND)) return;
  }
  if (count == PE_SPOOL_STEPS) memmove(spool->steps, spool->steps + 1, --count * sizeof *spool->steps);
  spool->steps[count] = (pe_spool_step){row, ahead};
  spool->step_count = count + 1;
}

/* When an event of another process was accepted, on our clock; where the clock was not right, now. Returns whether that
 * is known. */
static bool date(int64_t wall, int64_t now, int64_t *accepted_at) {
  int64_t age = pe_clock_wall() - wall;
  bool is_known = wall >= SANE && age >= 0;
  *accepted_at = is_known ? now - age : now;
  return is_known;
}

/* ---- how it is ---- */

static void count_file(pe_spool_gauges *gauges, const pe_spool_file *file) {
  pe_store_counts counts;
  if (!file->store) return;
  pe_store_count(file->store, &counts);
  gauges->bytes += (uint64_t)counts.used_bytes;
  gauges->dead += (uint64_t)counts.dead;
  gauges->dead_dropped += (uint64_t)counts.dead_dropped;
}

void pe_spool_publish(pe_spool *spool) {
  pe_spool_gauges *gauges = &spool->gauges;
  gauges->bytes = gauges->dead = 0;
  gauges->dead_dropped = spool->gone_dropped;
  count_file(gauges, &spool->own);
  count_file(gauges, &spool->adopted);
  pe_queue_set_spool(spool->queue, gauges);
}

/* ---- ends ---- */

void pe_spool_tried(pe_spool *spool, const pe_record *record) {
  pe_spool_file *file = pe_spool_file_of(spool, record->ticket == 0);
  pe_db_status status;

  if (!pe_record_is_on_disk(record) || !spool->works || !file->store) return;
  status = pe_store_tried(file->store, record->row, record->attempts);
  if (status != PE_DB_OK) pe_spool_fail_file(spool, file, status, pe_clock_monotonic());
}

/* What the queue has dropped, and counted. */
static const pe_spool_end DROPPED = {.outcome = PE_DROPPED, .code = PE_QUEUE_FULL};

static void end_forgotten(pe_spool *spool) {
  pe_record *record = pe_queue_take_forgotten(spool->queue);
  while (record) {
    pe_record *newer = record->newer;
    pe_spool_end_event(spool, record, &DROPPED);
    free(record);
    record = newer;
  }
}

/* ---- writing ---- */

static pe_db_status append(pe_spool *spool, const pe_record *record) {
  int64_t row = (int64_t)record->ticket;
  const pe_stored event = {.row = row,
                           .accepted_at = record->accepted_at + ahead_at(spool, row),
                           .attempts = record->attempts,
                           .id = {pe_record_id(record), record->id_size},
                           .name = {pe_record_name(record), record->name_size},
                           .body = {pe_record_body(record), record->body_size}};
  return pe_store_append(spool->own.store, &event);
}

/* Whether there is room for the record within max_bytes: what a new file lacks was on disk before, and had it there;
 * and what was accepted is not lost for it at the end. */
static pe_db_status find_room(pe_spool *spool, const pe_record *record, bool *found) {
  pe_db_status status = PE_DB_OK;
  *found = true;
  if (record->ticket <= spool->rewrite_to) return status;
  status = pe_store_find_room(spool->own.store, (int64_t)pe_record_text_bytes(record), found);
  if (spool->is_ending) *found = true;
  return status;
}

/* Writes the first of the batch: as many as go into one commit, and up to the one for which there is no room. */
static pe_db_status write_some(pe_spool *spool, size_t count, size_t *written) {
  pe_db_status status = PE_DB_OK;
  size_t bytes = 0;
  bool found = true;

  for (*written = 0; *written < count && bytes < PE_STORE_TOGETHER; ++*written) {
    const pe_record *record = spool->batch[*written];
    status = find_room(spool, record, &found);
    if (found) status = append(spool, record);
    if (!found || status != PE_DB_OK) break;
    bytes += pe_record_bytes(record);
  }
  spool->is_stuck = status == PE_DB_OK && !found;
  return status;
}

static bool write_batch(pe_spool *spool, size_t count, int64_t now) {
  size_t written, gone;
  bool has_disk;
  pe_db_status status;

  note_step(spool, (int64_t)spool->batch[0]->ticket);
  status = pe_store_find_disk(spool->own.store, &has_disk);
  if (status == PE_DB_OK && !has_disk) {
    pe_spool_fail(spool, PE_DB_FULL, "the disk is full", now);
    return false;
  }
  if (status == PE_DB_OK) status = write_some(spool, count, &written);
  if (status != PE_DB_OK) {
    pe_spool_fail_file(spool, &spool->own, status, now);
    return false;
  }
  if (!pe_spool_commit_file(spool, &spool->own, now)) return false; /* the other, when all is written */
  (void)pe_store_tidy(spool->own.store, false);                     /* what fails here fails at the next commit */
  gone = pe_queue_written(spool->queue, spool->batch, written);
  for (size_t i = 0; i < gone; i++)
    pe_spool_drop_row(spool, (int64_t)spool->batch[i]->ticket, &DROPPED);
  spool->tidy_at = now + IDLE;
  return spool->works;
}

void pe_spool_tell_room(pe_spool *spool) {
  pe_store *own = spool->own.store;
  pe_queue_set_disk_room(spool->queue, own ? pe_store_room(own) : spool->config.max_bytes, spool->is_stuck);
}

/* Whether there is more to write: up to a bound, but all that a new file lacks. */
static bool has_more(pe_spool *spool, int batches) {
  if (pe_queue_unwritten(spool->queue, spool->batch, 1) == 0) return false;
  return batches < BATCHES || spool->batch[0]->ticket <= spool->rewrite_to;
}

/* What a new file lacks is in it now. Where that is not all, the rest was on disk alone. It is said at once, as a
 * program may end before it reads that far. */
static void count_lost(pe_spool *spool) {
  pe_store_counts counts;
  if (!spool->is_remade || !spool->own.store) return;
  pe_store_count(spool->own.store, &counts);
  pe_queue_lose_but(spool->queue, (uint64_t)counts.pending);
  spool->is_remade = false;
}

/* Returns false when the disk fails. */
static bool write_all(pe_spool *spool, int64_t now) {
  spool->is_stuck = false;
  for (int i = 0; !spool->is_stuck && has_more(spool, i); i++) {
    size_t count;
    if (!pe_spool_keep_files(spool, now) || !pe_spool_have_file(spool, now))
      return false; /* first: into another one, more has to be written */
    count = pe_queue_unwritten(spool->queue, spool->batch, PE_SPOOL_BATCH);
    if (count > 0 && !write_batch(spool, count, now)) return false; /* the owner may have dropped them all */
  }
  count_lost(spool);
  return true;
}

/* ---- reading back ---- */

static pe_error take_back(pe_spool *spool, const pe_stored *stored, int64_t after, bool restored, int64_t now) {
  pe_returning returning = {.event = {.body = stored->body.data,
                                      .body_size = stored->body.size,
                                      .id = stored->id.data,
                                      .id_size = stored->id.size,
                                      .name = stored->name.data,
                                      .name_size = stored->name.size},
                            .row = stored->row,
                            .after = after,
                            .restored = restored,
                            .has_ended = pe_spool_has_ended(spool, stored->row, restored),
                            .attempts = (uint16_t)stored->attempts};
  if (restored)
    returning.is_undated = !date(stored->accepted_at, now, &returning.accepted_at);
  else
    returning.accepted_at = stored->accepted_at - ahead_at(spool, stored->row);
  return pe_queue_read_back(spool->queue, &returning, now);
}

static bool wants(const pe_spool *spool, bool restored) {
  return pe_queue_wanted(spool->queue, restored) > 0;
}

/* PE_DB_ROW: so many. */
static pe_db_status read_events(pe_spool *spool, size_t count, bool restored, int64_t now) {
  pe_store *store = pe_spool_file_of(spool, restored)->store;
  pe_db_status status = PE_DB_ROW;

  for (size_t i = 0; i < count && status == PE_DB_ROW; i++) {
    int64_t after = pe_queue_read_after(spool->queue, restored);
    pe_stored event;
    status = pe_store_next(store, after, &event);
    if (status == PE_DB_ROW && take_back(spool, &event, after, restored, now) != PE_OK) status = PE_DB_NO_MEMORY;
  }
  if (status != PE_DB_OK) pe_store_end_reading(store);
  return status;
}

/* Returns false when the disk fails. */
static bool read_back(pe_spool *spool, bool restored, int64_t now) {
  pe_spool_file *file = pe_spool_file_of(spool, restored);
  size_t wanted = file->store ? pe_queue_wanted(spool->queue, restored) : 0;
  pe_db_status status = wanted > 0 ? read_events(spool, wanted, restored, now) : PE_DB_ROW;

  if (status == PE_DB_OK && pe_queue_lose(spool->queue, restored) > 0) file->is_short = true; /* there should be more */
  if (status == PE_DB_OK || status == PE_DB_ROW) return true;
  pe_spool_fail_file(spool, file, status, now);
  return false;
}

/* ---- the life of a spool ---- */

pe_error pe_spool_new(const pe_spool_config *config, pe_queue *queue, pe_spool **spool) {
  pe_spool *made = calloc(1, sizeof *made);
  if (!made) return PE_NO_MEMORY;
  made->config = *config;
  made->queue = queue;
  made->works = true;
  made->tidy_at = INT64_MAX;
  pe_spool_calm(made);
  pe_queue_set_looking(queue, true);
  *spool = made;
  return PE_OK;
}

/* Once the restored ones are all in memory, our own. */
static void read_back_all(pe_spool *spool, int64_t now) {
  if (read_back(spool, true, now) && !wants(spool, true)) (void)read_back(spool, false, now);
}

/* A full disk can be read all the same, and what is sent of it makes room; but not before a new file has what it lacks.
 */
static bool can_read(pe_spool *spool) {
  return spool->works || (spool->gauges.state == PE_SPOOL_FULL && !has_more(spool, BATCHES));
}

static void read_what_can(pe_spool *spool, int64_t now) {
  if (can_read(spool)) read_back_all(spool, now);
}

/* Returns false when the disk fails. */
static bool work(pe_spool *spool, int64_t now) {
  bool is_written = pe_spool_keep_files(spool, now) && write_all(spool, now) && pe_spool_commit(spool, now);
  if (is_written) {
    pe_spool_calm(spool);
    pe_spool_adopt(spool, now);
  }
  if (spool->works) {
    pe_spool_publish(spool);
    pe_queue_set_looking(spool->queue, spool->adopted.store != NULL); /* there may be more files behind it */
  }
  read_what_can(spool, now);
  return spool->works;
}

static void tidy(pe_spool *spool, int64_t now) {
  bool is_idle = now >= spool->tidy_at;
  if (spool->own.store) (void)pe_store_tidy(spool->own.store, is_idle);
  if (spool->adopted.store) (void)pe_store_tidy(spool->adopted.store, is_idle);
  if (is_idle && spool->own.claim) pe_claim_reserve(spool->own.claim); /* there may be room for it again */
  if (is_idle) spool->tidy_at = INT64_MAX;
}

void pe_spool_run(pe_spool *spool, int64_t now) {
  end_forgotten(spool); /* before it is asked whether it is time: that makes room */
  if (!spool->works) {
    if (now < spool->retry_at) return;
    if (!pe_spool_recover(spool, now)) {
      read_what_can(spool, now); /* of a file that is gone, too: there may be no room for another before it is sent */
      return;
    }
  }
  if (!work(spool, now)) return;
  tidy(spool, now);
  pe_spool_tell_room(spool);
  pe_spool_publish(spool);
}

int64_t pe_spool_next(const pe_spool *spool) {
  if (!spool->works) return spool->retry_at;
  if (wants(spool, true) || wants(spool, false)) return 0;
  return spool->adopt_at < spool->tidy_at ? spool->adopt_at : spool->tidy_at;
}

void pe_spool_free(pe_spool *spool) {
  if (!spool) return;
  spool->retry_at = 0;
  spool->adopt_at = INT64_MAX;
  spool->is_ending = true;
  do
    pe_spool_run(spool, pe_clock_monotonic());
  while (spool->works && pe_queue_unwritten(spool->queue, spool->batch, 1) > 0);
  if (spool->letter_count > 0) { /* their events stay where they are, for another life */
    spool->gauges.dead_lost += (uint64_t)spool->letter_count;
    pe_spool_publish(spool);
  }
  if (!pe_spool_close_file(&spool->own)) pe_queue_forsake(spool->queue, false);
  if (!pe_spool_close_file(&spool->adopted)) pe_queue_forsake(spool->queue, true);
  pe_spool_forget(spool);
  free(spool->directory);
  free(spool);
}
