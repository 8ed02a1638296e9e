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
  if (status == PE_DB_DAMAGED) spool->adopted.is_damaged = true;
  if (status != PE_DB_OK)
    (void)snprintf(message, PE_CLAIM_MESSAGE, "dead letters: %s", pe_store_message(spool->own.store));
  return status;
}

/* The adopted file has nothing more for us: it goes. Returns false when the disk fails. */
static bool put_away(pe_spool *spool, int64_t now) {
  char message[PE_CLAIM_MESSAGE] = "";
  pe_db_status status = move_dead(spool, message);

  if (status != PE_DB_OK) {
    pe_spool_fail(spool, status, message, now);
    return false;
  }
  if (pe_store_is_empty(spool->adopted.store)) {
    pe_spool_keep_count(spool, &spool->adopted);
    (void)pe_spool_close_file(&spool->adopted); /* nothing is in it */
  } else {
    pe_spool_set_aside(spool, &spool->adopted); /* it says that there is more, and there is not */
  }
  return true;
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

/* A file that we cannot have now, and why. */
static void note_trouble(pe_spool *spool, const char *name, const char *why) {
  pe_spool_gauges *gauges = &spool->gauges;
  gauges->last_error_at = pe_clock_wall();
  (void)snprintf(gauges->last_error, sizeof gauges->last_error, "%s: %s", name, why);
}

/* The same, of one that is not ours to have. */
static void note_barred(pe_spool *spool, const char *name, const char *why) {
  spool->gauges.barred++;
  note_trouble(spool, name, why);
}

/* There is no room to open it, which takes some: no more than for a file of our own, if there is none yet. */
static void note_full(pe_spool *spool, const char *name, const char *why) {
  note_trouble(spool, name, why);
  spool->adopt_at = pe_clock_monotonic() + PE_SECOND; /* as soon as there is */
  if (spool->own.store) return;
  pe_spool_fail(spool, PE_DB_FULL, why, pe_clock_monotonic());
}

/* Takes a damaged file: another one comes into its place, with what can be read. One that does not tell whose it is,
 * and neither does its name, is set aside as it is. */
static pe_db_status take_damaged(pe_spool *spool, const char *name, pe_store_kind *kind,
                                 char message[PE_CLAIM_MESSAGE]) {
  const pe_store_config config = pe_spool_store_config(spool);
  pe_spool_file *file = &spool->adopted;
  const char *endpoint;
  char prefix[18];
  pe_db_status status = PE_DB_OK;

  file->store = pe_store_open_damaged(pe_claim_path(file->claim), &config);
  endpoint = file->store ? pe_store_endpoint(file->store) : NULL;
  pe_claim_prefix(spool->config.endpoint, prefix);
  *kind = PE_STORE_FOREIGN;
  if (endpoint && strcmp(endpoint, spool->config.endpoint) != 0) return status;
  if (endpoint || strncmp(name, prefix, strlen(prefix)) == 0) {
    status = pe_spool_replace(spool, file, message);
    if (status == PE_DB_OK) *kind = PE_STORE_OURS;
    if (status == PE_DB_OK && file->expected < 0) spool->gauges.uncounted++;
  } else {
    pe_spool_set_aside(spool, file);
    spool->gauges.uncounted++;
  }
  return status;
}

/* How many events of the file were accepted up to that wall time. -1: it cannot be read. */
static int64_t count_until(pe_store *store, int64_t wall) {
  pe_tally tally;
  pe_db_status status;
  int64_t count = 0;

  pe_store_tally(store, false, wall + 1);
  while ((status = pe_store_next_tally(store, false, &tally)) == PE_DB_ROW)
    count += tally.count;
  return status == PE_DB_OK ? count : -1;
}

/* Removes those from the file, which is not ours to keep, and counts them. What fails here is tried at the next look.
 */
static void drop_until(pe_spool *spool, int64_t wall) {
  pe_store *store = spool->adopted.store;
  int64_t removed;
  do {
    if (pe_store_purge(store, false, wall + 1, &removed) != PE_DB_OK || pe_store_commit(store) != PE_DB_OK) return;
    pe_queue_drop_found(spool->queue, (uint64_t)removed);
  } while (removed > 0);
}

/* Whether the file is for us. For a client that sends nothing it is where all of it was withdrawn: it will be dropped.
 * Where others have written to it since, what was withdrawn is dropped here and now, and the rest left to them. */
static bool is_to_keep(pe_spool *spool, int64_t now) {
  int64_t withdrawn_at, wall_now = pe_clock_wall(), wall, old, all;

  if (pe_queue_is_serving(spool->queue, &withdrawn_at)) return true;
  if (withdrawn_at == INT64_MIN) return false; /* it was told while it looked that it sends nothing */
  wall = wall_now - (now - withdrawn_at);
  old = count_until(spool->adopted.store, wall);
  all = count_until(spool->adopted.store, wall_now); /* what is of later was accepted by a wrong clock */
  if (old >= 0 && old == all) return true;
  if (old > 0) drop_until(spool, wall);
  return false;
}

static bool serves(const pe_spool *spool) {
  int64_t withdrawn_at;
  return pe_queue_is_serving(spool->queue, &withdrawn_at);
}

/* Whether anything may be for us. */
static bool may_take(const pe_spool *spool) {
  int64_t withdrawn_at;
  return pe_queue_is_serving(spool->queue, &withdrawn_at) || withdrawn_at != INT64_MIN;
}

/* Takes a file that we have claimed, if it is for us. */
static void take(pe_spool *spool, const char *name, pe_claim *claim) {
  const pe_store_config config = pe_spool_store_config(spool);
  pe_spool_file *file = &spool->adopted;
  char message[PE_CLAIM_MESSAGE];
  pe_store_kind kind;
  pe_store_counts counts;
  pe_db_status status = pe_store_open(pe_claim_path(claim), &config, &file->store, &kind, message);

  if (status == PE_DB_FULL && pe_claim_spend(claim))
    status = pe_store_open(pe_claim_path(claim), &config, &file->store, &kind, message);
  file->claim = claim;
  if (status == PE_DB_OK && kind == PE_STORE_NOTHING && pe_claim_was_made(claim)) status = PE_DB_DAMAGED;
  if (status == PE_DB_DAMAGED && serves(spool)) status = take_damaged(spool, name, &kind, message);
  if (status == PE_DB_FULL)
    note_full(spool, name, message);
  else if (status != PE_DB_OK && status != PE_DB_DAMAGED && kind != PE_STORE_NOTHING)
    note_barred(spool, name, message);
  if (status == PE_DB_DAMAGED) kind = PE_STORE_FOREIGN; /* not ours to remove: there may be events in its log */
  if (status != PE_DB_OK || kind != PE_STORE_OURS || !is_to_keep(spool, pe_clock_monotonic())) {
    let_go(spool, kind);
    return;
  }
  spool->gauges.adopted++;
  pe_store_count(file->store, &counts);
  pe_queue_restore(spool->queue, (uint64_t)(counts.pending > file->expected ? counts.pending : file->expected));
}

/* The first file that nobody has, and that is ours to take. Returns whether there is one that cannot be locked: another
 * user's, or none can be. */
static bool look(pe_spool *spool, const char *prefix) {
  char message[PE_CLAIM_MESSAGE];
  char *name = NULL;
  bool is_refused = false;

  while (!spool->adopted.store && spool->works) {
    char *next = pe_claim_next(spool->directory, prefix, name);
    pe_claim *claim = next ? pe_claim_take(spool->directory, next, message) : NULL;
    free(name);
    name = next;
    if (!name) break;
    if (claim) {
      take(spool, name, claim);
    } else if (message[0] != '\0') {
      note_barred(spool, name, message);
      is_refused = true;
    }
  }
  free(name);
  return is_refused;
}

/* Whether we could have a file there: what we cannot take is another's then. */
static bool can_claim(const pe_spool *spool, char message[PE_CLAIM_MESSAGE]) {
  pe_claim *claim = pe_claim_new(spool->directory, spool->config.endpoint, message);
  if (!claim) return false;
  pe_claim_remove(claim);
  return true;
}

/* Files of other endpoints that nobody has: their programs may be no more, or their url may have another name by now.
 * Once: there may be many. */
static uint64_t count_elsewhere(const pe_spool *spool, const char *prefix) {
  char *name = pe_claim_next(spool->directory, "", NULL);
  uint64_t count = 0;
  while (name) {
    char *next = pe_claim_next(spool->directory, "", name);
    bool is_other = pe_claim_tells_endpoint(name) && strncmp(name, prefix, strlen(prefix)) != 0;
    if (is_other && pe_claim_owner(spool->directory, name) == 0) count++;
    free(name);
    name = next;
  }
  return count;
}

static void find(pe_spool *spool, int64_t now) {
  char prefix[18], message[PE_CLAIM_MESSAGE];
  bool is_refused;

  pe_claim_prefix(spool->config.endpoint, prefix);
  spool->gauges.newer = spool->gauges.barred = 0;
  if (!pe_spool_find_directory(spool, false, message)) return; /* nobody has left anything there */
  if (!spool->has_looked) spool->gauges.elsewhere = count_elsewhere(spool, prefix);
  spool->has_looked = true;
  is_refused = look(spool, prefix);
  if (spool->adopted.store || !spool->works) return;
  if (is_refused && !can_claim(spool, message)) {
    spool->adopt_at = now; /* as soon as it works */
    pe_spool_fail(spool, PE_DB_FAILED, message, now);
    return;
  }
  pe_claim_sweep(spool->directory, prefix);
}

/* Whether there is nothing more in the adopted file, which is counted again: its own account may be wrong. */
static bool is_drained(pe_spool *spool, int64_t now) {
  pe_spool_file *file = &spool->adopted;
  pe_store_counts counts;
  pe_db_status status;

  if (pe_queue_left(spool->queue, true) > 0) return false;
  if (pe_queue_is_dropping(spool->queue) || spool->ended_count > 0) return false; /* it would be counted again */
  status = pe_store_recount(file->store);
  if (status != PE_DB_OK) {
    pe_spool_fail_file(spool, file, status, now);
    return false;
  }
  pe_store_count(file->store, &counts);
  if (counts.pending > 0 && !file->is_short) pe_queue_restore(spool->queue, (uint64_t)counts.pending);
  return counts.pending == 0 || file->is_short;
}

/* What is done now and then, also while an adopted file is not drained, which an outage may keep so for days. */
static void begin_round(pe_spool *spool, int64_t now) {
  spool->adopt_at = now + EVERY;
  if (spool->own.store) (void)pe_store_catch_up(spool->own.store); /* what fails here fails at the next commit */
}

void pe_spool_adopt(pe_spool *spool, int64_t now) {
  for (;;) {
    if (spool->adopted.store) {
      if (now >= spool->adopt_at) begin_round(spool, now);
      if (!is_drained(spool, now) || !put_away(spool, now)) return;
      spool->adopt_at = now; /* there may be more */
    }
    if (now < spool->adopt_at) return;
    begin_round(spool, now);
    if (may_take(spool)) find(spool, now);
    if (!spool->adopted.store) return;
  }
}
