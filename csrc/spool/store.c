/* The half of store.h that reads and changes what is in the file. */
#include "spool/store.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "spool/store_private.h"

/* The log is written back when it has grown by so many pages, 64 MiB, or when idle: to sync takes its time. And before
 * it fills the disk. */
enum { MANY_PAGES = 16384, REST = 1 << 16 };

/* Of a row: its numbers, and what SQLite has beside it. Bytes. */
enum { BESIDE = 40 };

/* ---- changing ---- */

/* The number that a statement without parameters brings. */
static pe_db_status ask(pe_statement *statement, int64_t *number) {
  pe_db_status status = pe_statement_step(statement);
  if (status != PE_DB_ROW) return status == PE_DB_OK ? PE_DB_FAILED : status;
  *number = pe_statement_number(statement, 0);
  pe_statement_reset(statement);
  return PE_DB_OK;
}

pe_db_status pe_store_measure(pe_store *store) {
  int64_t pages = 0, unused = 0;
  pe_db_status status = ask(store->statements[PE_STORE_PAGES], &pages);
  if (status == PE_DB_OK) status = ask(store->statements[PE_STORE_FREE_PAGES], &unused);
  if (status != PE_DB_OK) return status;
  store->counts.used_bytes = (pages - unused) * store->page_size;
  store->unused_bytes = unused * store->page_size;
  store->file_bytes = pages * store->page_size;
  return PE_DB_OK;
}

/* Another process may have removed dead letters since: then the counts are what the file says. */
static pe_db_status catch_up(pe_store *store) {
  int64_t version = 0;
  pe_db_status status = ask(store->statements[PE_STORE_VERSION], &version);
  if (status != PE_DB_OK || version == store->version) return status;
  store->version = version;
  status = pe_store_read_account(store);
  store->committed = store->counts;
  return status;
}

pe_db_status pe_store_catch_up(pe_store *store) {
  pe_db_status status = store->changing ? PE_DB_OK : catch_up(store);
  return status == PE_DB_OK && !store->changing ? pe_store_measure(store) : status;
}

/* A reader would begin with what it saw, which SQLite refuses where that is not the newest any more. */
pe_db_status pe_store_begin(pe_store *store) {
  pe_db_status status;
  if (store->changing) return PE_DB_OK;
  pe_store_end_reading(store);
  status = pe_statement_run(store->statements[PE_STORE_BEGIN]);
  if (status != PE_DB_OK) return status;
  store->changing = true;
  return catch_up(store);
}

/* What it takes at most: a page may be half full. */
static int64_t most_bytes(const pe_stored *event) {
  return 2 * (int64_t)(event->body.size + event->id.size + event->name.size + BESIDE);
}

pe_db_status pe_store_append(pe_store *store, const pe_stored *event) {
  pe_statement *statement = store->statements[PE_STORE_APPEND];
  pe_db_status status = pe_store_begin(store);

  if (status != PE_DB_OK) return status;
  pe_statement_set_number(statement, 1, event->row);
  pe_statement_set_number(statement, 2, event->accepted_at);
  pe_statement_set_number(statement, 3, event->attempts);
  pe_statement_set_bytes(statement, 4, event->id);
  pe_statement_set_bytes(statement, 5, event->name);
  pe_statement_set_bytes(statement, 6, event->body);
  status = pe_statement_run(statement);
  if (status != PE_DB_OK) return status;
  store->counts.pending += pe_database_changes(store->database);
  if (event->row > store->counts.last_row) store->counts.last_row = event->row;
  store->counts.used_bytes += most_bytes(event); /* measured at the commit */
  return PE_DB_OK;
}

pe_db_status pe_store_tried(pe_store *store, int64_t row, int64_t attempts) {
  pe_statement *statement = store->statements[PE_STORE_TRIED];
  pe_db_status status = pe_store_begin(store);

  if (status != PE_DB_OK) return status;
  pe_statement_set_number(statement, 1, row);
  pe_statement_set_number(statement, 2, attempts);
  return pe_statement_run(statement);
}

pe_db_status pe_store_finish(pe_store *store, int64_t row) {
  pe_statement *statement = store->statements[PE_STORE_REMOVE];
  pe_db_status status = pe_store_begin(store);

  if (status != PE_DB_OK) return status;
  pe_statement_set_number(statement, 1, row);
  status = pe_statement_run(statement);
  if (status == PE_DB_OK) store->counts.pending -= pe_database_changes(store->database);
  return status;
}

static pe_db_status write_account(pe_store *store) {
  pe_statement *statement = store->statements[PE_STORE_ACCOUNT];
  pe_statement_set_number(statement, 1, store->counts.pending);
  pe_statement_set_number(statement, 2, store->counts.dead);
  pe_statement_set_number(statement, 3, store->counts.dead_dropped);
  pe_statement_set_number(statement, 4, store->counts.last_row);
  return pe_statement_run(statement);
}

/* What is in the log alone has its place in the file. */
static void fill(pe_store *store) {
  if (store->file_bytes <= store->filled_bytes) return;
  if (pe_database_fill(store->database, store->file_bytes)) store->filled_bytes = store->file_bytes;
}

pe_db_status pe_store_commit(pe_store *store) {
  pe_db_status status;
  if (!store->changing) return PE_DB_OK;
  status = write_account(store);
  if (status == PE_DB_OK) status = pe_store_measure(store);
  if (status == PE_DB_OK) status = pe_statement_run(store->statements[PE_STORE_COMMIT]);
  if (status != PE_DB_OK) return status;
  store->changing = false;
  store->committed = store->counts;
  fill(store);
  return PE_DB_OK;
}

void pe_store_undo(pe_store *store) {
  (void)pe_database_run(store->database, "ROLLBACK"); /* fails where SQLite has done it by itself */
  store->changing = false;
  store->counts = store->committed;
}

/* What can still be written to the disk, and into free pages of the file, beside what of the log is to go there, if it
 * has no place yet. A log that has gone there begins anew. */
static int64_t disk_left(const pe_store *store) {
  int64_t pages = pe_database_log_pages(store->database);
  int64_t log = pages == store->tidy_pages ? pages : store->tidy_pages - pages;
  struct statvfs disk;
  if (log < 0 && store->file_bytes <= store->filled_bytes) log = 0;
  if (statvfs(store->path, &disk) != 0) return INT64_MAX;
  return (int64_t)(disk.f_bavail * disk.f_frsize) + store->unused_bytes + log * store->page_size;
}

/* A commit goes to the log, and from there to the file. The rest is for the pages that lead there. */
static bool is_enough(int64_t bytes) {
  return bytes >= 2 * PE_STORE_TOGETHER + REST;
}

bool pe_store_has_disk(const pe_store *store) {
  return is_enough(disk_left(store));
}

bool pe_store_can_have_disk(const pe_store *store) {
  return is_enough(disk_left(store) + store->counts.dead_bytes);
}

pe_db_status pe_store_tidy(pe_store *store, bool idle) {
  int64_t pages = pe_database_log_pages(store->database);
  pe_db_status status;

  pe_store_end_reading(store);
  if (pages < store->tidy_pages) store->tidy_pages = 0; /* it has begun anew */
  if (store->changing || pages == store->tidy_pages) return PE_DB_OK;
  if (!idle && pages - store->tidy_pages < MANY_PAGES && pe_store_has_disk(store)) return PE_DB_OK;
  status = pe_database_checkpoint(store->database);
  if (status == PE_DB_OK) store->tidy_pages = pages;
  return status;
}

/* ---- reading ---- */

static void begin_reading(pe_store *store, int64_t row) {
  pe_store_end_reading(store);
  pe_statement_set_number(store->statements[PE_STORE_NEXT], 1, row);
}

void pe_store_end_reading(pe_store *store) {
  pe_statement_reset(store->statements[PE_STORE_NEXT]);
  pe_statement_reset(store->statements[PE_STORE_NEXT_DEAD]);
  store->reading = false;
}

bool pe_store_passes(pe_store *store, pe_db_status status) {
  bool passes = store->passes_over && (status == PE_DB_DAMAGED || status == PE_DB_FAILED);
  if (passes) store->has_passed = true;
  return passes;
}

bool pe_store_is_whole(pe_bytes body) {
  return body.size > 0 && !memchr(body.data, 0, body.size);
}

static pe_db_status next_row(pe_store *store, int64_t row, pe_stored *event) {
  pe_statement *statement = store->statements[PE_STORE_NEXT];
  pe_db_status status;

  if (!store->reading || row != store->read_row) begin_reading(store, row);
  status = pe_statement_step(statement);
  store->reading = status == PE_DB_ROW;
  if (status != PE_DB_ROW) return status;
  event->row = store->read_row = pe_statement_number(statement, 0);
  event->accepted_at = pe_statement_number(statement, 1);
  event->attempts = pe_statement_number(statement, 2);
  event->id = pe_statement_bytes(statement, 3);
  event->name = pe_statement_bytes(statement, 4);
  event->body = pe_statement_bytes(statement, 5);
  return pe_store_is_whole(event->body) ? PE_DB_ROW : PE_DB_DAMAGED;
}

pe_db_status pe_store_next(pe_store *store, int64_t row, pe_stored *event) {
  pe_db_status status = next_row(store, row, event);
  for (int tries = 0; pe_store_passes(store, status); tries++) {
    if (tries == PE_STORE_GIVE_UP || row >= store->counts.last_row) return PE_DB_OK;
    status = next_row(store, ++row, event);
  }
  return status;
}

void pe_store_count(const pe_store *store, pe_store_counts *counts) {
  *counts = store->counts;
}

pe_db_status pe_store_probe(pe_store *store) {
  pe_db_status status = pe_store_begin(store);
  return status == PE_DB_OK ? pe_store_commit(store) : status;
}

/* SQLite's words ("disk I/O error") do not say that nobody may write there. */
const char *pe_store_message(const pe_store *store) {
  if (!store) return "";
  return access(store->path, R_OK | W_OK) == 0 ? pe_database_message(store->database) : strerror(errno);
}

bool pe_store_is_empty(const pe_store *store) {
  return store->counts.pending == 0 && store->counts.dead == 0;
}

bool pe_store_has_passed(const pe_store *store) {
  return store->has_passed;
}

const char *pe_store_path(const pe_store *store) {
  return store->path;
}

const char *pe_store_endpoint(const pe_store *store) {
  return store->endpoint;
}
