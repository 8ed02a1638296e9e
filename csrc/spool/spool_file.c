/* The files of spool.h: made, opened again, replaced and let go. */
#include "spool/spool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "spool/spool_private.h"

/* So often a file is opened again that cannot be. */
enum { TRIES = 3 };

pe_store_config pe_spool_store_config(const pe_spool *spool) {
  return (pe_store_config){.endpoint = spool->config.endpoint,
                           .max_bytes = spool->config.max_bytes,
                           .dead_letters = spool->config.dead_letters,
                           .full_sync = spool->config.full_sync,
                           .is_alone = true};
}

bool pe_spool_find_directory(pe_spool *spool, bool make, char message[PE_CLAIM_MESSAGE]) {
  const char *given = spool->config.directory;
  if (spool->directory) return true;
  if (make && !pe_claim_make(given, message)) return false;
  spool->directory = pe_claim_resolve(given, message);
  return spool->directory != NULL;
}

pe_db_status pe_spool_make_file(pe_spool *spool, pe_spool_file *file, char message[PE_CLAIM_MESSAGE]) {
  const pe_store_config config = pe_spool_store_config(spool);
  pe_db_status status;

  memset(file, 0, sizeof *file);
  if (pe_spool_find_directory(spool, true, message) && pe_claim_directory(spool->directory, message))
    file->claim = pe_claim_new(spool->directory, spool->config.endpoint, message);
  if (!file->claim) return pe_database_status_of(errno);
  status = pe_store_create(pe_claim_path(file->claim), &config, &file->store, message);
  if (status == PE_DB_OK) {
    pe_claim_note_made(file->claim);
    pe_claim_reserve(file->claim);
    return status;
  }
  pe_claim_remove(file->claim);
  file->claim = NULL;
  return status;
}

/* Whether what is in it is where others look for it. */
static bool is_there(const pe_spool_file *file) {
  return file->store ? pe_store_is_there(file->store) : access(pe_claim_path(file->claim), F_OK) == 0;
}

/* The command may have emptied it. */
static bool is_empty(const pe_spool_file *file) {
  if (!file->store || file->is_damaged) return false;
  return pe_store_catch_up(file->store) == PE_DB_OK && pe_store_is_empty(file->store);
}

bool pe_spool_close_file(pe_spool_file *file) {
  bool goes = is_empty(file);
  bool is_kept = !file->claim || goes || is_there(file);
  pe_store_close(file->store);
  if (goes)
    pe_claim_remove(file->claim);
  else
    pe_claim_free(file->claim);
  memset(file, 0, sizeof *file);
  return is_kept;
}

void pe_spool_keep_count(pe_spool *spool, const pe_spool_file *file) {
  pe_store_counts counts;
  if (!file->store) return;
  pe_store_count(file->store, &counts);
  if (counts.dead_dropped > 0) spool->gone_dropped += (uint64_t)counts.dead_dropped;
}

void pe_spool_set_aside(pe_spool *spool, pe_spool_file *file) {
  pe_spool_gauges *gauges = &spool->gauges;
  const char *name = strrchr(pe_claim_path(file->claim), '/') + 1;

  pe_spool_keep_count(spool, file);

  (void)snprintf(gauges->damaged_file, sizeof gauges->damaged_file, "%s", name);
  pe_store_close(file->store);
  if (pe_claim_set_aside(file->claim)) gauges->damaged++;
  memset(file, 0, sizeof *file);
}

/* The file was copied from what was open of it. Where it is gone its log may have stayed, and would tell others of
 * events that are in the new one; another thing that has its name now is damage. */
static void clear_away(pe_spool *spool, pe_spool_file *file) {
  if (is_there(file) || access(pe_claim_path(file->claim), F_OK) == 0) {
    pe_spool_set_aside(spool, file);
    return;
  }
  pe_spool_keep_count(spool, file);
  pe_store_close(file->store);
  pe_claim_remove(file->claim);
  memset(file, 0, sizeof *file);
}

/* Copies what can be read of a file to one that was made for it. Tells how many events were pending in it; -1: nobody
 * knows. */
static pe_db_status salvage(pe_spool *spool, pe_spool_file *file, pe_spool_file *made, char message[PE_CLAIM_MESSAGE],
                            int64_t *pending) {
  int64_t row = file == &spool->own ? pe_queue_read_after(spool->queue, false) : 0;
  pe_store_counts counts;
  pe_store_salvaged salvaged;
  pe_db_status status;

  *pending = -1;
  if (!file->store) return PE_DB_OK;
  pe_store_count(file->store, &counts);
  status = pe_store_salvage(file->store, row, made->store, &salvaged);
  *pending = salvaged.is_all ? salvaged.copied : counts.pending;
  if (status != PE_DB_OK)
    (void)snprintf(message, PE_CLAIM_MESSAGE, "%s", pe_store_message(made->store));
  else if (counts.dead > salvaged.dead)
    spool->gauges.dead_lost += (uint64_t)(counts.dead - salvaged.dead);
  return status;
}

/* Another file, or none yet, is in the place of our own: what is in memory is written anew. */
static void begin_anew(pe_spool *spool) {
  spool->rewrite_to = pe_queue_rewrite(spool->queue);
  spool->is_remade = true;
}

/* Whether nothing that is pending is in the file alone. */
static bool is_spent(const pe_spool *spool, const pe_spool_file *file) {
  return pe_queue_left(spool->queue, file == &spool->adopted) == 0 && !pe_queue_is_dropping(spool->queue);
}

/* There is no room for another one in its place, and it takes up some itself as long as it is open. Only its dead
 * letters are lost. */
static void abandon(pe_spool *spool, pe_spool_file *file) {
  bool is_own = file == &spool->own;
  pe_store_counts counts;

  pe_store_count(file->store, &counts);
  if (counts.dead > 0) spool->gauges.dead_lost += (uint64_t)counts.dead;
  clear_away(spool, file);
  if (is_own) begin_anew(spool);
}

pe_db_status pe_spool_replace(pe_spool *spool, pe_spool_file *file, char message[PE_CLAIM_MESSAGE]) {
  const pe_store_config config = pe_spool_store_config(spool);
  bool is_own = file == &spool->own;
  int64_t pending;
  pe_spool_file made;
  pe_db_status status = pe_spool_make_file(spool, &made, message);

  if (status != PE_DB_OK) return status;
  if (!file->store) file->store = pe_store_open_damaged(pe_claim_path(file->claim), &config);
  status = salvage(spool, file, &made, message, &pending);
  if (status != PE_DB_OK) {
    pe_store_close(made.store);
    pe_claim_remove(made.claim);
    return status;
  }
  made.expected = pending;
  clear_away(spool, file);
  *file = made;
  if (is_own) begin_anew(spool);
  return PE_DB_OK;
}

/* Whether that is the end of the file: it is damaged, somebody has put another one in its place, or it could not be
 * opened time and again. One bad file must not keep the others from working. */
static bool is_beyond_help(pe_spool_file *file, pe_db_status status, pe_store_kind kind) {
  if (status == PE_DB_FAILED || status == PE_DB_READ_ONLY) return ++file->tries >= TRIES;
  return status == PE_DB_DAMAGED || (status == PE_DB_OK && kind != PE_STORE_OURS);
}

/* A log that was cut off would be read up to there, in silence. */
static void close_cut(pe_spool *spool, pe_spool_file *file) {
  if (!file->store || !pe_store_log_is_cut(file->store)) return;
  pe_store_close(file->store);
  file->store = NULL;
  file->is_damaged = true;
  spool->is_undone = true;
}

/* Sets *is_lost where the file cannot be used any more. */
static pe_db_status try_to_open(pe_spool *spool, pe_spool_file *file, char message[PE_CLAIM_MESSAGE], bool *is_lost) {
  const pe_store_config config = pe_spool_store_config(spool);
  pe_store_kind kind = PE_STORE_OURS;
  pe_db_status status = pe_store_open(pe_claim_path(file->claim), &config, &file->store, &kind, message);
  *is_lost = is_beyond_help(file, status, kind);
  return status;
}

/* There is to be another file in its place, or none: where there is no room for one, and nothing in it is needed. */
static pe_db_status do_without(pe_spool *spool, pe_spool_file *file, bool is_gone, char message[PE_CLAIM_MESSAGE]) {
  pe_db_status status;
  pe_queue_keep_memory(spool->queue, true);
  status = pe_spool_replace(spool, file, message);
  if (status == PE_DB_FULL && is_gone && file->store && is_spent(spool, file)) {
    abandon(spool, file);
    status = PE_DB_OK;
  }
  pe_queue_keep_memory(spool->queue, false);
  return status;
}

pe_db_status pe_spool_open_file(pe_spool *spool, pe_spool_file *file, char message[PE_CLAIM_MESSAGE]) {
  bool is_gone = file->store && !pe_store_is_there(file->store); /* now: it may be back, or its directory */
  bool is_lost;
  pe_db_status status = PE_DB_OK;

  if (!file->claim) return PE_DB_OK;
  if (is_gone && pe_store_is_empty(file->store)) {
    pe_spool_keep_count(spool, file);
    (void)pe_spool_close_file(file);
    return PE_DB_OK;
  }
  close_cut(spool, file);
  is_lost = file->is_damaged || is_gone;
  if (!file->store && !is_lost) status = try_to_open(spool, file, message, &is_lost);
  if (file->store) file->tries = 0;
  return is_lost ? do_without(spool, file, is_gone, message) : status;
}
