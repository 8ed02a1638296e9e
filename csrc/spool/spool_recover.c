/* The part of spool.h for a disk that fails: the queue goes on in memory, and the spool is tried again later. */
#include "spool/spool.h"

#include <stdio.h>
#include <stdlib.h>

#include "spool/spool_private.h"

static const int64_t FIRST_PATIENCE = PE_SECOND, LAST_PATIENCE = 30 * PE_SECOND;

/* ---- the failure ---- */

/* Takes back what was begun. A file that does not behave is opened again, it may have been opened to read alone; but
 * not one that is gone, whose events are behind what is open of it. */
static void put_down(pe_spool_file *file, pe_db_status status) {
  if (!file->store) return;
  pe_store_undo(file->store);
  if ((status != PE_DB_FAILED && status != PE_DB_READ_ONLY) || !pe_store_is_there(file->store)) return;
  pe_store_close(file->store);
  file->store = NULL;
}

/* How long until it is tried again: longer each time; but of a disk that is full, somebody may have made room. */
static int64_t next_patience(int64_t last, bool is_full) {
  if (is_full) return FIRST_PATIENCE;
  return last > LAST_PATIENCE / 2 ? LAST_PATIENCE : last * 2;
}

void pe_spool_calm(pe_spool *spool) {
  spool->patience = FIRST_PATIENCE / 2;
  spool->gauges.state = PE_SPOOL_WORKS;
}

/* Why is told before anybody can be refused for it. */
void pe_spool_fail(pe_spool *spool, pe_db_status status, const char *message, int64_t now) {
  pe_spool_gauges *gauges = &spool->gauges;
  bool is_full = status == PE_DB_FULL;

  if (gauges->state == PE_SPOOL_WORKS) gauges->failures++;
  spool->works = false;
  spool->patience = next_patience(spool->patience, is_full);
  spool->retry_at = now + spool->patience;
  gauges->state = is_full ? PE_SPOOL_FULL : PE_SPOOL_FAILS;
  gauges->last_error_at = pe_clock_wall();
  (void)snprintf(gauges->last_error, sizeof gauges->last_error, "%s", message);
  put_down(&spool->own, status);
  put_down(&spool->adopted, status);
  pe_spool_publish(spool);
  pe_queue_set_looking(spool->queue, false);
  pe_queue_set_spooling(spool->queue, false);
}

void pe_spool_fail_file(pe_spool *spool, pe_spool_file *file, pe_db_status status, int64_t now) {
  char message[PE_CLAIM_MESSAGE];
  (void)snprintf(message, sizeof message, "%s", pe_store_message(file->store));
  if (status == PE_DB_DAMAGED) file->is_damaged = true;
  pe_spool_fail(spool, status, message, now);
  if (file->is_damaged && spool->patience == FIRST_PATIENCE) spool->retry_at = now; /* at once, but once */
}

/* ---- the files ---- */

pe_spool_file *pe_spool_file_of(pe_spool *spool, bool restored) {
  return restored ? &spool->adopted : &spool->own;
}

bool pe_spool_keep_files(pe_spool *spool, int64_t now) {
  char message[PE_CLAIM_MESSAGE] = "";
  pe_db_status status = pe_spool_open_file(spool, &spool->own, message);
  if (status == PE_DB_OK) status = pe_spool_open_file(spool, &spool->adopted, message);
  if (status != PE_DB_OK) {
    pe_spool_fail(spool, status, message, now);
    return false;
  }
  if (!spool->is_undone || !spool->works) return true; /* when it works again, all of it is done again */
  return pe_spool_end_again(spool, false, now);
}

bool pe_spool_have_file(pe_spool *spool, int64_t now) {
  char message[PE_CLAIM_MESSAGE] = "";
  pe_db_status status = spool->own.claim ? PE_DB_OK : pe_spool_make_file(spool, &spool->own, message);
  if (status != PE_DB_OK) pe_spool_fail(spool, status, message, now);
  return status == PE_DB_OK;
}

/* ---- the return ---- */

void pe_spool_write_back(const pe_spool *spool) {
  if (spool->own.store) (void)pe_store_tidy(spool->own.store, true); /* what fails here fails at the next commit */
  if (spool->adopted.store) (void)pe_store_tidy(spool->adopted.store, true);
}

/* Whether writing works. */
static bool probe(pe_spool *spool, int64_t now) {
  pe_db_status status = pe_store_probe(spool->own.store);
  if (status != PE_DB_OK) pe_spool_fail_file(spool, &spool->own, status, now);
  return status == PE_DB_OK;
}

/* What has ended is committed before anything is written: that makes room. */
static bool try_again(pe_spool *spool, bool by_few, int64_t now) {
  if (!pe_spool_keep_files(spool, now) || !pe_spool_have_file(spool, now)) return false;
  if (spool->gauges.state == PE_SPOOL_FULL) pe_spool_write_back(spool);
  return probe(spool, now) && pe_spool_end_again(spool, by_few, now);
}

/* With what is in reserve. */
static bool try_harder(pe_spool *spool, int64_t now) {
  bool own = pe_claim_spend(spool->own.claim), adopted = pe_claim_spend(spool->adopted.claim);
  return (own || adopted || spool->ended_count > 0) && try_again(spool, true, now);
}

bool pe_spool_recover(pe_spool *spool, int64_t now) {
  bool is_done = try_again(spool, false, now);
  if (!is_done && spool->gauges.state == PE_SPOOL_FULL) is_done = try_harder(spool, now);
  if (!is_done) return false;
  spool->works = true;
  pe_spool_tell_room(spool);
  pe_queue_set_spooling(spool->queue, true);
  return true;
}
