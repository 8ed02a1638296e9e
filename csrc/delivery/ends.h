/* How an event that the sender has in hand ends, or goes back: the result, the spool and the queue are told, in this
 * order. What both transports stand on. The sender's thread only. */
#ifndef PE_ENDS_H
#define PE_ENDS_H

#include <stdbool.h>
#include <stdint.h>

#include "delivery/results.h"
#include "queue/queue.h"
#include "spool/spool.h"

typedef struct pe_ends {
  /* borrowed */
  pe_queue *queue;
  pe_results *results;
  pe_spool *spool; /* NULL: none */
} pe_ends;

/* The record, which is in flight, has its outcome, and is freed. `answer` is as pe_queue_end's. */
void pe_ends_end(const pe_ends *ends, pe_record *record, pe_outcome outcome, pe_error code,
                 const pe_result_words *words, const pe_queue_answer *answer, int64_t now);

/* The record, which is in flight, is to be tried again at `due`. Returns true: it is the queue's afterwards. Or false:
 * it was withdrawn meanwhile, and is to be ended as dropped. */
bool pe_ends_again(const pe_ends *ends, pe_record *record, int64_t due, const pe_queue_answer *answer);

/* The transfer of the record, which is in flight, was cancelled: it stays pending, and is the queue's afterwards; or it
 * was withdrawn meanwhile, and has ended. */
void pe_ends_cancel(const pe_ends *ends, pe_record *record, bool maybe_sent, int64_t now);

/* Ends what is too old, and what was withdrawn while it was on disk. Returns whether there was any. */
bool pe_ends_give_up(const pe_ends *ends, int64_t now);

#endif
