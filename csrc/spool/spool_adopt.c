/* The part of spool.h that takes over files: of processes that are no more, and for those of ours that are lost. */
#include "spool/spool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/spool_private.h"

static const int64_t EVERY = 30 * PE_SECOND;

pe_db_status pe_spool_replace(pe_spool *spool, pe_spool_file *file, char message[PE_CLAIM_MESSAGE]) {
  bool is_own = file == &spool->own;
  int64_t row = is_own ? pe_queue_read_after(spool->queue, false) : 0;
  int64_t copied = 0;
  pe_spool_file made;
  const pe_store_config config = pe_spool_store_config(spool);
  pe_db_status status = pe_spool_make_file(spool, &made, message);

  if (status == PE_DB_OK && !file->store) file->store = pe_store_open_damaged(pe_claim_path(file->claim), &config);
  if (status != PE_DB_OK) return status;
  if (file->store) {
    status = pe_store_salvage(file->store, row, made.store, &copied);
    if (status == PE_DB_OK) (void)pe_store_move_dead(file->store, made.store); /* what can be read */
    if (status != PE_DB_OK) (void)snprintf(message, PE_CLAIM_MESSAGE, "%s", pe_store_message(made.store));
  }
  if (status != PE_DB_OK) {
    pe_store_close(made.store);
    pe_claim_remove(made.claim);
    return status;
  }
  pe_store_close(file->store);
  if (pe_claim_set_aside(file->claim)) spool->gauges.damaged++;
  *file = made;
  if (is_own) spool->rewrite_to = pe_queue_rewrite(spool->queue);
  return PE_DB_OK;
}

/* ---- adopting ---- */

/* The adopted file has nothing more for us. Its dead letters come to ours, and it goes. */
static void put_away(pe_spool *spool) {
  pe_spool_file *file = &spool->adopted;
  char message[PE_CLAIM_MESSAGE];
  pe_store_counts counts;

  pe_store_count(file->store, &counts);
  if (counts.dead > 0 && !spool->own.store && pe_spool_make_file(spool, &spool->own, message) != PE_DB_OK) return;
  if (counts.dead > 0 && pe_store_move_dead(file->store, spool->own.store) != PE_DB_OK) return;
  pe_spool_close_file(file);
}

/* Opens a file that we have claimed. Returns whether it has become ours. */
static bool take(pe_spool *spool, pe_claim *claim) {
  const pe_store_config config = pe_spool_store_config(spool);
  pe_spool_file *file = &spool->adopted;
  char message[PE_CLAIM_MESSAGE];
  pe_store_kind kind;
  pe_store_counts counts;
  pe_db_status status = pe_store_open(pe_claim_path(claim), &config, &file->store, &kind, message);

  file->claim = claim;
  if (status == PE_DB_DAMAGED) status = pe_spool_replace(spool, file, message);
  if (status == PE_DB_OK && kind == PE_STORE_NEWER) spool->gauges.newer++;
  if (status != PE_DB_OK || !file->store) {
    pe_spool_close_file(file);
    return false;
  }
  spool->gauges.adopted++;
  pe_store_count(file->store, &counts);
  pe_queue_restore(spool->queue, (uint64_t)counts.pending);
  return true;
}

/* The first file that nobody has, and that is ours to take. */
static void find(pe_spool *spool) {
  char prefix[18], message[PE_CLAIM_MESSAGE];
  char *name = NULL;

  pe_claim_prefix(spool->config.endpoint, prefix);
  spool->gauges.newer = 0;
  while (!spool->adopted.store) {
    char *next = pe_claim_next(spool->config.directory, prefix, name);
    pe_claim *claim = next ? pe_claim_take(spool->config.directory, next, message) : NULL;
    free(name);
    name = next;
    if (!name) break;
    if (claim) (void)take(spool, claim);
  }
  free(name);
}

/* Whether the adopted file is empty; one whose own account is wrong is counted again. */
static bool is_drained(pe_spool *spool) {
  pe_store_counts counts;
  if (pe_queue_restored(spool->queue) > 0 || spool->ended_count > 0) return false;
  if (pe_store_recount(spool->adopted.store) != PE_DB_OK) return true;
  pe_store_count(spool->adopted.store, &counts);
  if (counts.pending > 0) pe_queue_restore(spool->queue, (uint64_t)counts.pending);
  return counts.pending == 0;
}

void pe_spool_adopt(pe_spool *spool, int64_t now) {
  for (;;) {
    if (spool->adopted.store) {
      if (!is_drained(spool)) return;
      put_away(spool);
      spool->adopt_at = now; /* there may be more */
    }
    if (spool->adopted.store || now < spool->adopt_at) return;
    spool->adopt_at = now + EVERY;
    find(spool);
    if (!spool->adopted.store) return;
  }
}
