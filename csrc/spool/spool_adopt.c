/* The part of spool.h that adopts the files of processes that are no more. */
#include "spool/spool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/spool_private.h"

static const int64_t EVERY = 30 * PE_SECOND;

/* Its dead letters come to our file. */
static pe_db_status move_dead(pe_spool *spool, char message[PE_CLAIM_MESSAGE]) {
  pe_store_counts counts;
  pe_db_status status = PE_DB_OK;

  pe_store_count(spool->adopted.store, &counts);
  if (counts.dead == 0) return PE_DB_OK;
  if (!spool->own.store) status = pe_spool_make_file(spool, &spool->own, message);
  if (status != PE_DB_OK) return status;
  status = pe_store_move_dead(spool->adopted.store, spool->own.store);
  if (status == PE_DB_DAMAGED) spool->adopted.is_lost = true;
  if (status != PE_DB_OK)
    (void)snprintf(message, PE_CLAIM_MESSAGE, "dead letters: %s", pe_store_message(spool->own.store));
  return status;
}

/* The adopted file has nothing more for us: it goes. Returns false when the disk fails. */
static bool put_away(pe_spool *spool, int64_t now) {
  char message[PE_CLAIM_MESSAGE] = "";
  pe_db_status status = move_dead(spool, message);

  if (status != PE_DB_OK)
    pe_spool_fail(spool, status, message, now);
  else if (pe_store_is_empty(spool->adopted.store))
    pe_spool_close_file(&spool->adopted);
  else
    pe_spool_set_aside(spool, &spool->adopted); /* it says that there is more, and there is not */
  return status == PE_DB_OK;
}

/* What we have claimed is not for us to keep. */
static void let_go(pe_spool *spool, pe_store_kind kind) {
  pe_spool_file *file = &spool->adopted;
  if (kind == PE_STORE_NEWER) spool->gauges.newer++;
  pe_store_close(file->store);
  if (kind == PE_STORE_NOTHING)
    pe_claim_remove(file->claim);
  else
    pe_claim_free(file->claim);
  memset(file, 0, sizeof *file);
}

/* Takes a file that we have claimed, if it is for us. */
static void take(pe_spool *spool, pe_claim *claim) {
  const pe_store_config config = pe_spool_store_config(spool);
  pe_spool_file *file = &spool->adopted;
  char message[PE_CLAIM_MESSAGE];
  pe_store_kind kind;
  pe_store_counts counts;
  pe_db_status status = pe_store_open(pe_claim_path(claim), &config, &file->store, &kind, message);

  file->claim = claim;
  if (status == PE_DB_DAMAGED) {
    kind = PE_STORE_FOREIGN; /* until there is another one in its place */
    status = pe_spool_replace(spool, file, message);
    if (status == PE_DB_OK) kind = PE_STORE_OURS;
  }
  if (status != PE_DB_OK || kind != PE_STORE_OURS) {
    let_go(spool, kind);
    return;
  }
  spool->gauges.adopted++;
  pe_store_count(file->store, &counts);
  pe_queue_restore(spool->queue, (uint64_t)(counts.pending > file->expected ? counts.pending : file->expected));
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
    if (claim) take(spool, claim);
  }
  free(name);
  if (!spool->adopted.store) pe_claim_sweep(spool->config.directory, prefix);
}

/* Whether there is nothing more in the adopted file, which is counted again: its own account may be wrong. */
static bool is_drained(pe_spool *spool, int64_t now) {
  pe_spool_file *file = &spool->adopted;
  pe_store_counts counts;
  pe_db_status status;

  if (pe_queue_restored(spool->queue) > 0 || spool->ended_count > 0) return false;
  status = pe_store_recount(file->store);
  if (status != PE_DB_OK) {
    pe_spool_fail_file(spool, file, status, now);
    return false;
  }
  pe_store_count(file->store, &counts);
  if (counts.pending > 0 && !file->is_short) pe_queue_restore(spool->queue, (uint64_t)counts.pending);
  return counts.pending == 0 || file->is_short;
}

void pe_spool_adopt(pe_spool *spool, int64_t now) {
  for (;;) {
    if (spool->adopted.store) {
      if (!is_drained(spool, now) || !put_away(spool, now)) return;
      spool->adopt_at = now; /* there may be more */
    }
    if (now < spool->adopt_at) return;
    spool->adopt_at = now + EVERY;
    find(spool);
    if (!spool->adopted.store) return;
  }
}
