/* What became of events, kept for the program to read: a ring of so many results behind a lock of its own, with
 * PE_RESULT_BYTES for each of them on the average. When it is full the oldest gives way and is counted as lost: a
 * program that never reads must not stop the delivery, nor take the memory that replies of 64 KiB would. */
#ifndef PE_RESULTS_H
#define PE_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "policy/reply.h"
#include "queue/outcome.h"
#include "queue/record.h"

enum { PE_RESULT_BYTES = 4608 }; /* 4.5 KiB: with the sender, 1,024 stay below 8 MB. A usual one takes 200 to 300 */

typedef struct pe_results pe_results;

/* How an event ended. Its texts are inside its own block of memory. */
typedef struct pe_result {
  struct pe_result *next; /* for whoever has taken it */
  size_t size;            /* of its block */
  uint64_t ticket;
  pe_outcome outcome;
  pe_error code;       /* PE_OK: delivered */
  int attempts;        /* 0: it was never sent */
  int64_t latency;     /* nanoseconds from its acceptance */
  long http_status;    /* of the last attempt; 0: no reply */
  pe_reply reply;      /* of the last attempt; no document */
  const char *trouble; /* why there was no reply, for people, NUL-terminated; "" when one came */
  const char *id, *name;
  size_t id_size, name_size;
} pe_result;

/* The last attempt's words, for pe_result_new. Borrowed. */
typedef struct pe_result_words {
  long http_status;
  const pe_reply *reply; /* NULL: none */
  const char *trouble;   /* NULL: none */
} pe_result_words;

/* Makes the result of a record, which the caller frees with free(). NULL when memory is out. */
pe_result *pe_result_new(const pe_record *record, pe_outcome outcome, pe_error code, const pe_result_words *words,
                         int64_t now);

/* Is told of each result by the thread that puts it, before the queue gives the event's place away: what it writes down
 * is there although the program is killed before it has read its results. Both functions may be NULL. */
typedef struct pe_witness {
  void (*saw)(void *data, const pe_result *result);
  void (*release)(void *data); /* the ring is no more */
  void *data;
} pe_witness;

/* Makes a ring for `capacity` results; 0 keeps none. Returns PE_OK and sets *results, which the caller frees; or
 * PE_NO_MEMORY. */
pe_error pe_results_new(size_t capacity, pe_results **results);

/* Sets the witness, which is the ring's. Before any other thread uses it. */
void pe_results_set_witness(pe_results *results, pe_witness witness);

/* Frees the ring and what is in it, and lets the witness go. NULL is legal. No other thread uses it any more. */
void pe_results_free(pe_results *results);

/* Adds a result, which is the ring's afterwards; NULL, for one that could not be made, counts as lost. With a capacity
 * of 0 nothing is kept and nothing lost. Any thread. */
void pe_results_put(pe_results *results, pe_result *result);

/* Gives back one that was taken: it is the oldest again, or lost where others have its place. Any thread. */
void pe_results_put_back(pe_results *results, pe_result *result);

/* Whether results are kept at all: none need be made where not. Any thread. */
bool pe_results_wanted(const pe_results *results);

/* Takes the oldest out, which the caller frees with free(). NULL: there is none. Any thread. */
pe_result *pe_results_take(pe_results *results);

/* For who waits for a result in poll(): returns a descriptor that can be read once there is one, until
 * pe_results_attend; -1: the system has none to give. One thread. */
int pe_results_await(pe_results *results);
void pe_results_attend(pe_results *results);

/* How many are there, and how many were lost so far. Any thread. */
size_t pe_results_count(pe_results *results, uint64_t *lost);

#endif
