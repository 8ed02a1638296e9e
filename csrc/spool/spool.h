/* A client's spool: what the queue accepts goes to a file of our own before it is sent, and leaves it with its outcome;
 * the files of processes that are no more are adopted, one at a time. Trouble with the disk never stops delivery: then
 * the queue goes on in memory, and the spool is tried again later. Knows files, and the queue; no network, no Lua.
 *
 * The sender's thread alone calls what is here. */
#ifndef PE_SPOOL_H
#define PE_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "queue/outcome.h"
#include "queue/queue.h"

typedef struct pe_spool pe_spool;

typedef struct pe_spool_config {
  const char *directory; /* borrowed as long as the spool lives */
  const char *endpoint;  /* the same: the url without query and credentials */
  int64_t max_bytes;     /* of our file, but at the end; the longest event fits into an empty one */
  int64_t dead_letters;
  bool full_sync; /* a commit survives a power cut */
} pe_spool_config;

/* How an event ended, for its dead letter. Borrowed. */
typedef struct pe_spool_end {
  pe_outcome outcome;
  pe_error code;
  const char *message; /* NULL: none */
  long http_status;    /* 0: no reply */
  const char *reply;   /* NULL: none */
  size_t reply_size;
} pe_spool_end;

/* The version of SQLite; NULL: this build has no spool. Any thread. */
const char *pe_spool_version(void);

/* Makes a spool, which touches no file yet. Returns PE_OK and sets *spool, which the caller frees; or PE_NO_MEMORY. */
pe_error pe_spool_new(const pe_spool_config *config, pe_queue *queue, pe_spool **spool);

/* Writes what is not written, commits, and leaves the files to others; our own goes when it is empty. NULL is legal. */
void pe_spool_free(pe_spool *spool);

/* The event, which the queue is about to be told of, has that outcome. Committed by the next pe_spool_run. */
void pe_spool_end_event(pe_spool *spool, const pe_record *record, const pe_spool_end *end);

/* The event, which the queue is about to get back, waits for another attempt. */
void pe_spool_tried(pe_spool *spool, const pe_record *record);

/* Writes what the queue has accepted, commits that and the outcomes, reads events back, adopts. Each time before the
 * sender begins transfers, or sleeps. */
void pe_spool_run(pe_spool *spool, int64_t now);

/* When there will be something to do that no event brings (monotonic). */
int64_t pe_spool_next(const pe_spool *spool);

#endif
