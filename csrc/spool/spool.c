/* The daily life of spool.h: writing, committing, reading back, and what happens when that fails. */
#include "spool/spool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/spool_private.h"

/* So many batches are written before the transfers have their turn again. */
enum { BATCHES = 16 };

static const int64_t FIRST_PATIENCE = PE_SECOND, LAST_PATIENCE = 30 * PE_SECOND;
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
  gauges->bytes = gauges->dead = gauges->dead_dropped = 0;
  count_file(gauges, &spool->own);
  count_file(gauges, &spool->adopted);
  pe_queue_set_spool(spool->queue, gauges);
}

/* Takes back what was begun. A file that does not behave is opened again; it may have been opened to read alone. */
static void put_down(pe_spool_file *file, pe_db_status status) {
  if (!file->store) return;
  pe_store_undo(file->store);
  if (status != PE_DB_FAILED && status != PE_DB_READ_ONLY) return;
  pe_store_close(file->store);
  file->store = NULL;
}

void pe_spool_fail(pe_spool *spool, pe_db_status status, const char *message, int64_t now) {
  pe_spool_gauges *gauges = &spool->gauges;
  bool is_full = status == PE_DB_FULL;

  if (spool->works) gauges->failures++;
  spool->works = false;
  spool->patience = spool->patience > LAST_PATIENCE / 2 ? LAST_PATIENCE : spool->patience * 2;
  spool->retry_at = now + spool->patience;
  gauges->state = is_full ? PE_SPOOL_FULL : PE_SPOOL_FAILS;
  gauges->last_error_at = pe_clock_wall();
  (void)snprintf(gauges->last_error, sizeof gauges->last_error, "%s", message);
  put_down(&spool->own, status);
  put_down(&spool->adopted, status);
  pe_queue_set_looking(spool->queue, false);
  pe_queue_set_spooling(spool->queue, false);
  pe_spool_publish(spool);
}

void pe_spool_fail_file(pe_spool *spool, pe_spool_file *file, pe_db_status status, int64_t now) {
  char message[PE_CLAIM_MESSAGE];
  (void)snprintf(message, sizeof message, "%s", pe_store_message(file->store));
  if (status == PE_DB_DAMAGED) file->is_lost = true;
  pe_spool_fail(spool, status, message, now);
  if (file->is_lost && spool->patience == FIRST_PATIENCE) spool->retry_at = now; /* at once, but once */
}

/* ---- ends ---- */

static pe_spool_file *file_of(pe_spool *spool, bool restored) {
  return restored ? &spool->adopted : &spool->own;
}

/* Remembers it until it is committed. Where memory is out, an event may be sent again: after a failure of the disk, in
 * another life. */
static void remember(pe_spool *spool, pe_spool_ended ended) {
  if (spool->ended_count == spool->ended_capacity) {
    size_t capacity = spool->ended_capacity > 0 ? spool->ended_capacity * 2 : PE_SPOOL_BATCH;
    pe_spool_ended *grown = realloc(spool->ended, capacity * sizeof *grown);
    if (!grown) return;
    spool->ended = grown;
    spool->ended_capacity = capacity;
  }
  spool->ended[spool->ended_count++] = ended;
}

static pe_db_status bury(pe_store *store, int64_t row, const pe_spool_end *end) {
  const pe_dead dead = {.outcome = pe_outcome_name(end->outcome),
                        .code = end->code == PE_OK ? NULL : pe_error_name(end->code),
                        .message = end->message,
                        .http_status = end->http_status,
                        .ended_at = pe_clock_wall(),
                        .reply = {end->reply, end->reply_size}};
  return pe_store_bury(store, row, &dead);
}

/* Takes the event of that row, which has its outcome, out of the file: to the dead letters where it is one. */
static void end_row(pe_spool *spool, pe_spool_ended ended, const pe_spool_end *end) {
  bool is_dead = end->outcome == PE_REJECTED_BY_PLATFORM || end->outcome == PE_EXPIRED;
  pe_spool_file *file = file_of(spool, ended.restored);
  pe_db_status status;

  remember(spool, ended);
  if (!spool->works || !file->store) return;
  status = is_dead ? bury(file->store, ended.row, end) : pe_store_finish(file->store, ended.row);
  if (status != PE_DB_OK) pe_spool_fail_file(spool, file, status, pe_clock_monotonic());
}

void pe_spool_end_event(pe_spool *spool, const pe_record *record, const pe_spool_end *end) {
  if (pe_record_is_on_disk(record)) end_row(spool, (pe_spool_ended){record->row, record->ticket == 0}, end);
}

void pe_spool_tried(pe_spool *spool, const pe_record *record) {
  pe_spool_file *file = file_of(spool, record->ticket == 0);
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

static bool commit_file(pe_spool *spool, pe_spool_file *file, int64_t now) {
  pe_db_status status = file->store ? pe_store_commit(file->store) : PE_DB_OK;
  if (status != PE_DB_OK) pe_spool_fail_file(spool, file, status, now);
  return status == PE_DB_OK;
}

static bool commit(pe_spool *spool, int64_t now) {
  if (!commit_file(spool, &spool->own, now) || !commit_file(spool, &spool->adopted, now)) return false;
  spool->ended_count = 0;
  return true;
}

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

/* Our own file, made for the first event, and still there: what is written to one that was unlinked is lost. */
static bool have_file(pe_spool *spool, int64_t now) {
  char message[PE_CLAIM_MESSAGE] = "the file was removed";
  pe_spool_file *own = &spool->own;
  pe_db_status status = PE_DB_OK;

  if (!own->store)
    status = pe_spool_make_file(spool, own, message);
  else if (!pe_store_is_there(own->store))
    own->is_lost = true;
  if (own->is_lost) status = pe_spool_replace(spool, own, message);
  if (status != PE_DB_OK) pe_spool_fail(spool, status, message, now);
  return status == PE_DB_OK;
}

static bool write_batch(pe_spool *spool, size_t count, int64_t now) {
  pe_db_status status = PE_DB_OK;
  size_t gone;
  note_step(spool, (int64_t)spool->batch[0]->ticket);
  for (size_t i = 0; i < count && status == PE_DB_OK; i++)
    status = append(spool, spool->batch[i]);
  if (status != PE_DB_OK) {
    pe_spool_fail_file(spool, &spool->own, status, now);
    return false;
  }
  if (!commit(spool, now)) return false;
  gone = pe_queue_written(spool->queue, spool->batch, count);
  for (size_t i = 0; i < gone; i++)
    end_row(spool, (pe_spool_ended){.row = (int64_t)spool->batch[i]->ticket}, &DROPPED);
  spool->tidy_at = now + IDLE;
  return spool->works;
}

static void tell_room(pe_spool *spool) {
  pe_store *own = spool->own.store;
  pe_queue_set_disk_room(spool->queue, own ? pe_store_room(own) : spool->config.max_bytes);
}

/* Whether there is more to write: up to a bound, but all that a new file lacks. */
static bool has_more(pe_spool *spool, int batches) {
  if (pe_queue_unwritten(spool->queue, spool->batch, 1) == 0) return false;
  return batches < BATCHES || spool->batch[0]->ticket <= spool->rewrite_to;
}

/* Returns false when the disk fails. */
static bool write_all(pe_spool *spool, int64_t now) {
  for (int i = 0; has_more(spool, i); i++) {
    size_t count;
    if (!have_file(spool, now)) return false; /* first: into another one, more has to be written */
    count = pe_queue_unwritten(spool->queue, spool->batch, PE_SPOOL_BATCH);
    if (count > 0 && !write_batch(spool, count, now)) return false; /* the owner may have dropped them all */
  }
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
  pe_store *store = file_of(spool, restored)->store;
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
  size_t wanted = pe_queue_wanted(spool->queue, restored);
  pe_spool_file *file = file_of(spool, restored);
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
  made->patience = FIRST_PATIENCE / 2;
  made->tidy_at = INT64_MAX;
  made->gauges.state = PE_SPOOL_WORKS;
  pe_queue_set_looking(queue, true);
  *spool = made;
  return PE_OK;
}

/* Does again what the failure took back, and sees whether writing works. Returns false when it does not. */
static bool redo(pe_spool *spool, int64_t now) {
  pe_spool_file *file = &spool->own;
  pe_db_status status = pe_store_probe(file->store);
  for (size_t i = 0; i < spool->ended_count && status == PE_DB_OK; i++) {
    file = file_of(spool, spool->ended[i].restored);
    if (file->store) status = pe_store_finish(file->store, spool->ended[i].row);
  }
  if (status != PE_DB_OK) pe_spool_fail_file(spool, file, status, now);
  return status == PE_DB_OK;
}

static bool recover(pe_spool *spool, int64_t now) {
  char message[PE_CLAIM_MESSAGE] = "";
  pe_db_status status = pe_spool_open_file(spool, &spool->own, message);
  if (status == PE_DB_OK) status = pe_spool_open_file(spool, &spool->adopted, message);
  if (status == PE_DB_OK && !spool->own.claim) status = pe_spool_make_file(spool, &spool->own, message);
  if (status != PE_DB_OK) pe_spool_fail(spool, status, message, now);
  if (status != PE_DB_OK || !redo(spool, now)) return false;
  spool->works = true;
  spool->gauges.state = PE_SPOOL_WORKS;
  tell_room(spool);
  pe_queue_set_spooling(spool->queue, true);
  return true;
}

static void work(pe_spool *spool, int64_t now) {
  end_forgotten(spool);
  if (!spool->works || !write_all(spool, now) || !commit(spool, now)) return;
  spool->patience = FIRST_PATIENCE / 2;
  pe_spool_adopt(spool, now);
  if (!spool->works) return;
  pe_spool_publish(spool);
  pe_queue_set_looking(spool->queue, spool->adopted.store != NULL); /* there may be more files behind it */
  if (read_back(spool, true, now) && !wants(spool, true)) (void)read_back(spool, false, now);
}

static void tidy(pe_spool *spool, int64_t now) {
  bool is_idle = now >= spool->tidy_at;
  if (spool->own.store) (void)pe_store_tidy(spool->own.store, is_idle); /* what fails here fails at the next commit */
  if (spool->adopted.store) (void)pe_store_tidy(spool->adopted.store, is_idle);
  if (is_idle) spool->tidy_at = INT64_MAX;
}

void pe_spool_run(pe_spool *spool, int64_t now) {
  if (!spool->works && (now < spool->retry_at || !recover(spool, now))) return;
  work(spool, now);
  if (!spool->works) return;
  tidy(spool, now);
  tell_room(spool);
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
  do
    pe_spool_run(spool, pe_clock_monotonic());
  while (spool->works && pe_queue_unwritten(spool->queue, spool->batch, 1) > 0);
  pe_spool_close_file(&spool->own);
  pe_spool_close_file(&spool->adopted);
  free(spool->ended);
  free(spool);
}
