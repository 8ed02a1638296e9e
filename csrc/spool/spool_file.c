/* The files of spool.h: made, opened again, replaced and let go. */
#include "spool/spool.h"

#include <stdio.h>
#include <string.h>

#include "spool/spool_private.h"

/* So often a file is opened again that cannot be. */
enum { TRIES = 3 };

pe_store_config pe_spool_store_config(const pe_spool *spool) {
  return (pe_store_config){.endpoint = spool->config.endpoint,
                           .max_bytes = spool->config.max_bytes,
                           .dead_letters = spool->config.dead_letters,
                           .full_sync = spool->config.full_sync};
}

pe_db_status pe_spool_make_file(pe_spool *spool, pe_spool_file *file, char message[PE_CLAIM_MESSAGE]) {
  const pe_store_config config = pe_spool_store_config(spool);
  pe_db_status status = PE_DB_FAILED;

  memset(file, 0, sizeof *file);
  if (!pe_claim_directory(spool->config.directory, message)) return status;
  file->claim = pe_claim_new(spool->config.directory, spool->config.endpoint, message);
  if (!file->claim) return status;
  status = pe_store_create(pe_claim_path(file->claim), &config, &file->store, message);
  if (status == PE_DB_OK) return status;
  pe_claim_remove(file->claim);
  file->claim = NULL;
  return status;
}

void pe_spool_close_file(pe_spool_file *file) {
  bool is_empty = file->store && pe_store_is_empty(file->store) && !file->is_lost;
  pe_store_close(file->store);
  if (is_empty)
    pe_claim_remove(file->claim);
  else
    pe_claim_free(file->claim);
  memset(file, 0, sizeof *file);
}

void pe_spool_set_aside(pe_spool *spool, pe_spool_file *file) {
  pe_store_close(file->store);
  if (pe_claim_set_aside(file->claim)) spool->gauges.damaged++;
  memset(file, 0, sizeof *file);
}

pe_db_status pe_spool_replace(pe_spool *spool, pe_spool_file *file, char message[PE_CLAIM_MESSAGE]) {
  bool is_own = file == &spool->own;
  int64_t row = is_own ? pe_queue_read_after(spool->queue, false) : 0;
  int64_t copied = 0, expected = 0;
  pe_spool_file made;
  pe_store_counts counts;
  const pe_store_config config = pe_spool_store_config(spool);
  pe_db_status status = pe_spool_make_file(spool, &made, message);

  if (status == PE_DB_OK && !file->store) file->store = pe_store_open_damaged(pe_claim_path(file->claim), &config);
  if (status != PE_DB_OK) return status;
  if (file->store) {
    pe_store_count(file->store, &counts);
    expected = counts.pending;
    status = pe_store_salvage(file->store, row, made.store, &copied);
    if (status == PE_DB_OK) (void)pe_store_move_dead(file->store, made.store); /* what can be read */
    if (status != PE_DB_OK) (void)snprintf(message, PE_CLAIM_MESSAGE, "%s", pe_store_message(made.store));
  }
  if (status != PE_DB_OK) {
    pe_store_close(made.store);
    pe_claim_remove(made.claim);
    return status;
  }
  made.expected = expected;
  pe_spool_set_aside(spool, file);
  *file = made;
  if (is_own) spool->rewrite_to = pe_queue_rewrite(spool->queue);
  return PE_DB_OK;
}

/* Whether that is the end of the file: it is damaged, somebody has put another one in its place, or it could not be
 * opened time and again. One bad file must not keep the others from working. */
static bool is_beyond_help(pe_spool_file *file, pe_db_status status, pe_store_kind kind) {
  if (status == PE_DB_FAILED || status == PE_DB_READ_ONLY) return ++file->tries == TRIES;
  return status == PE_DB_DAMAGED || (status == PE_DB_OK && kind != PE_STORE_OURS);
}

pe_db_status pe_spool_open_file(pe_spool *spool, pe_spool_file *file, char message[PE_CLAIM_MESSAGE]) {
  const pe_store_config config = pe_spool_store_config(spool);
  pe_store_kind kind = PE_STORE_OURS;
  pe_db_status status = PE_DB_OK;

  if (!file->claim) return PE_DB_OK;
  if (!file->store && !file->is_lost) {
    status = pe_store_open(pe_claim_path(file->claim), &config, &file->store, &kind, message);
    file->is_lost = is_beyond_help(file, status, kind);
  }
  if (file->store) file->tries = 0;
  return file->is_lost ? pe_spool_replace(spool, file, message) : status;
}
