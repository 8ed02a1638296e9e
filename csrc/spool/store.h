/* The content of one spool file: events that were accepted and have no outcome yet, in the order of their acceptance;
 * dead letters; how many there are. All changes go into one transaction, which begins by itself and ends with
 * pe_store_commit. A store belongs to one thread; whose file it is, is the caller's business (spool/claim.h).
 *
 * Every pe_db_status but PE_DB_OK leaves the transaction as it was begun: call pe_store_undo, and what was said since
 * the last commit is not there. */
#ifndef PE_STORE_H
#define PE_STORE_H

#include <stdint.h>

#include "spool/database.h"

typedef struct pe_store pe_store;

typedef struct pe_store_config {
  const char *endpoint; /* the url without query and credentials: whose events these are */
  int64_t max_bytes;    /* of the file's used pages; 0: no bound */
  int64_t dead_letters; /* so many are kept, the newest */
  bool full_sync;       /* a commit survives a power cut */
  bool is_alone;        /* nothing else in this process has the file open: its log is judged, too (spool/wal.h) */
  bool looks;           /* the file is read alone; by pe_store_next and pe_store_next_dead as far as it can be */
} pe_store_config;

/* An event on disk. Borrowed; of one that was read, valid until the next call. */
typedef struct pe_stored {
  int64_t row;         /* its place in the order, and its name in the file; above 0 */
  int64_t accepted_at; /* wall nanoseconds */
  pe_bytes id, name, body;
  int64_t attempts; /* so far */
} pe_stored;

/* Why an event is dead. Borrowed; NULL for what there is none. */
typedef struct pe_dead {
  const char *outcome, *code, *message; /* "rejected", "expired" */
  int64_t http_status;                  /* 0: none */
  int64_t ended_at;                     /* wall nanoseconds */
  pe_bytes reply;
} pe_dead;

/* A dead letter. Borrowed, until the next call. */
typedef struct pe_dead_letter {
  pe_stored event; /* its row is one of the dead */
  int64_t ended_at, http_status;
  pe_bytes outcome, code, message, reply;
} pe_dead_letter;

/* How many events of one name; of the dead, of one code, or outcome where there is none. Borrowed, until the next call.
 */
typedef struct pe_tally {
  pe_bytes name, code;
  int64_t count, oldest; /* when it was accepted */
} pe_tally;

typedef struct pe_store_counts {
  int64_t pending, dead, dead_dropped; /* the last: dead letters that gave way, ever */
  int64_t dead_bytes;                  /* of their bodies and replies; 0 where there is no max_bytes */
  int64_t last_row;                    /* of the newest event ever */
  int64_t used_bytes;
} pe_store_counts;

typedef enum pe_store_kind {
  PE_STORE_OURS,
  PE_STORE_NEWER,
  PE_STORE_FOREIGN,
  PE_STORE_NOTHING /* there is none, or nothing in it: whoever was making it has ended before there was, or lives; or it
                      was emptied (pe_claim_was_made tells). With a log it is damaged */
} pe_store_kind;

/* Makes a file of that name, 0600, which must not exist, and opens it. Returns PE_DB_OK and sets *store; or another
 * status: *store is NULL, and the words are in `message` (NUL-terminated). */
pe_db_status pe_store_create(const char *path, const pe_store_config *config, pe_store **store, char message[200]);

/* Opens a file that is there. *kind says whether it can be used: PE_STORE_NEWER: of a schema that is not known yet;
 * PE_STORE_FOREIGN: of another endpoint (config->endpoint NULL: any), or no spool at all; PE_STORE_NOTHING; then *store
 * is NULL and the file as it was. */
pe_db_status pe_store_open(const char *path, const pe_store_config *config, pe_store **store, pe_store_kind *kind,
                           char message[200]);

/* Opens a file that pe_store_open found damaged, whose log is mended (not if config->looks: then NULL), for the
 * functions that read alone: they pass over what cannot be read. pe_store_count tells how many events were pending in
 * it, and how many dead, by its own account, -1 where that cannot be read or be true; pe_store_endpoint NULL where that
 * cannot. An empty file, and one that is gone, gets its content back from its log, unless config->looks. NULL: nothing
 * in it can be read. */
pe_store *pe_store_open_damaged(const char *path, const pe_store_config *config);

/* Closes it, undoing what was not committed; a log that was cut is left as it is. NULL is legal. */
void pe_store_close(pe_store *store);

/* So many bytes are enough for one commit: it goes to the log and then to the file, and a small disk must hold both. */
enum { PE_STORE_TOGETHER = 1 << 17 };

/* Adds an event; one of that row that is there stays. That it is within max_bytes is the caller's to see to. */
pe_db_status pe_store_append(pe_store *store, const pe_stored *event);

/* Looks for room for an event of so many bytes within max_bytes, for which dead letters give way, the oldest first.
 * Returns PE_DB_OK, and *found: whether there is. */
pe_db_status pe_store_find_room(pe_store *store, int64_t bytes, bool *found);

/* The event of that row was tried so often, and waits for another attempt. */
pe_db_status pe_store_tried(pe_store *store, int64_t row, int64_t attempts);

/* The event of that row has its outcome. One that is not there is of no interest. */
pe_db_status pe_store_finish(pe_store *store, int64_t row);

/* The same, and it becomes a dead letter; the oldest gives way where there are too many. *found: whether it was there.
 */
pe_db_status pe_store_bury(pe_store *store, int64_t row, const pe_dead *dead, bool *found);

/* Ends the transaction. On an error nothing of it is there. */
pe_db_status pe_store_commit(pe_store *store);

/* Takes back all since the last commit. */
void pe_store_undo(pe_store *store);

/* Reads the next event behind `row`, oldest first. PE_DB_ROW and *event; PE_DB_OK: there is none. Behind the row that
 * was read last it goes on where it stands, without a lock for each event: until pe_store_end_reading, the next change,
 * or the end of the events. */
pe_db_status pe_store_next(pe_store *store, int64_t row, pe_stored *event);

/* Lets go of what was read: a reader holds the log back. */
void pe_store_end_reading(pe_store *store);

/* The same of the dead letters, oldest first. */
pe_db_status pe_store_next_dead(pe_store *store, int64_t row, pe_dead_letter *dead);

/* Begins to tally the pending events, or the dead, that were accepted before that wall time, and brings one tally after
 * the other. PE_DB_ROW and *tally; PE_DB_OK: there is none. */
void pe_store_tally(pe_store *store, bool dead, int64_t before);
pe_db_status pe_store_next_tally(pe_store *store, bool dead, pe_tally *tally);

/* Removes a dead letter. */
pe_db_status pe_store_remove_dead(pe_store *store, int64_t row);

/* Removes pending events, or dead letters, that were accepted before that wall time: some of them, so that nobody waits
 * long for the commit. *removed: how many; 0: there is none. */
pe_db_status pe_store_purge(pe_store *store, bool dead, int64_t before, int64_t *removed);

/* As of the transaction that lasts. Another process may remove dead letters: seen when the next one begins, or by
 * pe_store_catch_up. */
void pe_store_count(const pe_store *store, pe_store_counts *counts);

/* Counts what another process has changed. Does nothing while a transaction lasts. */
pe_db_status pe_store_catch_up(pe_store *store);

/* How many bytes of events can be added for sure, where there is a max_bytes; what dead letters would give back counts.
 * May be below 0. */
int64_t pe_store_room(const pe_store *store);

/* What a damaged file had. */
typedef struct pe_store_salvaged {
  int64_t copied, dead; /* pending events; dead letters */
  bool is_all;          /* no pending event was passed over */
} pe_store_salvaged;

/* Copies into another store what can be read behind that row, passing over what is damaged, and the dead letters, and
 * commits it. On an error of `into` some of it is there. */
pe_db_status pe_store_salvage(pe_store *from, int64_t row, pe_store *into, pe_store_salvaged *salvaged);

/* Moves the dead letters to another store, where the oldest give way if there are too many, and commits both. */
pe_db_status pe_store_move_dead(pe_store *from, pe_store *into);

/* Counts the pending events by looking at each of them. */
pe_db_status pe_store_recount(pe_store *store);

/* Whether writing works: begins a transaction and ends it, with all that it has. */
pe_db_status pe_store_probe(pe_store *store);

/* What went wrong last, for people. Valid until the next call. */
const char *pe_store_message(const pe_store *store);

/* Whether nothing is in it. */
bool pe_store_is_empty(const pe_store *store);

/* Writes the log back and syncs, where there is much of it, or little disk beside it, or `idle` says that nothing
 * waits. */
pe_db_status pe_store_tidy(pe_store *store, bool idle);

/* Whether the disk has room for such a commit, and for what there is to be done of those before. Without that even to
 * take something out of the file may fail. */
bool pe_store_has_disk(const pe_store *store);

/* The same, for which dead letters give way, the oldest first, where that is enough. Returns PE_DB_OK, and *found:
 * whether there is. */
pe_db_status pe_store_find_disk(pe_store *store, bool *found);

/* Whether the file that is open still is the one of that name, with its log: to write to one that was unlinked loses it
 * without a word. */
bool pe_store_is_there(const pe_store *store);

/* Whether the end of the log was cut off, or all of it: what was in it is not to be had from what is open. */
bool pe_store_log_is_cut(const pe_store *store);

/* Whether anything was passed over that cannot be read. */
bool pe_store_has_passed(const pe_store *store);

/* The path that it was opened by. */
const char *pe_store_path(const pe_store *store);

/* The endpoint whose events these are. */
const char *pe_store_endpoint(const pe_store *store);

#endif
