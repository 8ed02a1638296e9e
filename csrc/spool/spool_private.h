/* What spool.c, spool_ends.c, spool_recover.c, spool_file.c and spool_adopt.c share. Included by these. */
#ifndef PE_SPOOL_PRIVATE_H
#define PE_SPOOL_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "spool/claim.h"
#include "spool/spool.h"
#include "spool/store.h"

enum { PE_SPOOL_BATCH = 256, PE_SPOOL_STEPS = 16 };

/* A file that we have, and whether it is open. */
typedef struct pe_spool_file {
  pe_claim *claim;
  pe_store *store;
  bool is_damaged;  /* to be replaced */
  bool is_short;    /* events are not to be found in it */
  int tries;        /* to open it, in vain */
  int64_t expected; /* events, by the account of the damaged one in whose place it is; below 0: nobody knows */
} pe_spool_file;

/* How a dead letter came about, until it is on disk. */
typedef struct pe_spool_letter pe_spool_letter;

/* An event whose end is not committed. */
typedef struct pe_spool_ended {
  int64_t row;
  pe_spool_letter *letter; /* NULL: it leaves none, or that is on disk */
  bool restored;
} pe_spool_ended;

/* From that row on the wall time is so far ahead of the monotonic one. */
typedef struct pe_spool_step {
  int64_t row, ahead;
} pe_spool_step;

struct pe_spool {
  /* immutable */
  pe_spool_config config;
  pe_queue *queue;
  /* the sender's thread */
  char *directory; /* its real path, once it was found: to stay there, whatever becomes of the links on the way */
  pe_spool_file own, adopted;
  pe_spool_ended *ended; /* since the last commit: to be done again where that fails */
  size_t ended_count, ended_capacity;
  int64_t ended_to[2];  /* no row of these is behind it: of our own file, of the adopted one */
  int64_t letter_count; /* of these */
  size_t letter_bytes;
  pe_spool_step steps[PE_SPOOL_STEPS]; /* the last ones; one at least when anything was written */
  size_t step_count;
  uint64_t rewrite_to; /* the last ticket that another file may lack */
  bool is_remade;      /* our own file is another one, and nobody has counted yet what it lacks for good */
  bool works;
  bool is_undone;             /* what has ended since the last commit, and was written to a file that was closed */
  bool is_stuck;              /* what is not written finds no room within max_bytes */
  bool is_ending;             /* then it is written all the same */
  int64_t retry_at, patience; /* when it does not */
  bool has_looked;            /* for files to adopt, once at least */
  int64_t adopt_at;
  int64_t tidy_at;
  uint64_t gone_dropped; /* dead letters that gave way in files that are gone */
  pe_spool_gauges gauges;
  pe_record *batch[PE_SPOOL_BATCH];
};

/* Tells the queue how the spool is. */
void pe_spool_publish(pe_spool *spool);

/* Tells it how much can be written. */
void pe_spool_tell_room(pe_spool *spool);

/* ---- spool_ends.c ---- */

/* Takes the event of that row out of our own file, with the next commit: the queue has dropped it. */
void pe_spool_drop_row(pe_spool *spool, int64_t row, const pe_spool_end *dropped);

/* Whether the event of that row has ended, and that is not committed. */
bool pe_spool_has_ended(const pe_spool *spool, int64_t row, bool restored);

/* Commits one file; what else has ended is not forgotten. Returns false when the disk fails. */
bool pe_spool_commit_file(pe_spool *spool, pe_spool_file *file, int64_t now);

/* Commits both files. Returns false when the disk fails. */
bool pe_spool_commit(pe_spool *spool, int64_t now);

/* Does again what a failure of the disk took back, and commits that: all at once, or few by few, for which the least
 * room is enough. First what leaves no dead letter: it makes room. What of it is done stays done. Returns false when
 * the disk fails. */
bool pe_spool_end_again(pe_spool *spool, bool by_few, int64_t now);

/* Frees what is remembered of ends. */
void pe_spool_forget(pe_spool *spool);

/* ---- spool_recover.c ---- */

/* The disk does not do what it should: the queue goes on in memory, and we try again later. */
void pe_spool_fail(pe_spool *spool, pe_db_status status, const char *message, int64_t now);

/* The same, for a file: what is damaged is to be replaced. */
void pe_spool_fail_file(pe_spool *spool, pe_spool_file *file, pe_db_status status, int64_t now);

/* What there was to write is on disk: it works, or works again. */
void pe_spool_calm(pe_spool *spool);

/* The logs may be what fills the disk: once they are written back, what follows takes their place. */
void pe_spool_write_back(const pe_spool *spool);

/* Tries again. Returns false when the disk still fails. */
bool pe_spool_recover(pe_spool *spool, int64_t now);

pe_spool_file *pe_spool_file_of(pe_spool *spool, bool restored);

/* Sees to it that the files that we have are still there: what is written to one that was unlinked is lost. Returns
 * false when the disk fails. */
bool pe_spool_keep_files(pe_spool *spool, int64_t now);

/* Makes our own file for the first event. Returns false when the disk fails. */
bool pe_spool_have_file(pe_spool *spool, int64_t now);

/* ---- spool_file.c ---- */

/* Settings for a file: of our own endpoint. */
pe_store_config pe_spool_store_config(const pe_spool *spool);

/* Finds the directory, and makes it at need, or does not. Returns whether there is one. */
bool pe_spool_find_directory(pe_spool *spool, bool make, char message[PE_CLAIM_MESSAGE]);

/* Makes a file of our own. */
pe_db_status pe_spool_make_file(pe_spool *spool, pe_spool_file *file, char message[PE_CLAIM_MESSAGE]);

/* Closes it: what is in it stays, for whoever adopts it; an empty one goes. Returns whether it stays: false, where the
 * file was removed, or its directory. */
bool pe_spool_close_file(pe_spool_file *file);

/* Sees to it that a file that we have is open, sound, and where it belongs: one that is beyond help is replaced, and so
 * is one that is not there any more, from what is open of it. An empty one that is not there we do not have. */
pe_db_status pe_spool_open_file(pe_spool *spool, pe_spool_file *file, char message[PE_CLAIM_MESSAGE]);

/* It goes: what gave way in it is not forgotten. */
void pe_spool_keep_count(pe_spool *spool, const pe_spool_file *file);

/* Copies what can be read of a file that is damaged, or was removed, into a new one, which takes its place. */
pe_db_status pe_spool_replace(pe_spool *spool, pe_spool_file *file, char message[PE_CLAIM_MESSAGE]);

/* Moves it aside as damaged, and counts that. */
void pe_spool_set_aside(pe_spool *spool, pe_spool_file *file);

/* ---- spool_adopt.c ---- */

/* Adopts a file if there is one, once the last one is empty. */
void pe_spool_adopt(pe_spool *spool, int64_t now);

#endif
