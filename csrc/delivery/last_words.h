/* What a program that never asked is told when it ends: how many of its tracked events were lost, and the likely cause.
 * One line on stderr for all clients together, said from a handler of exit() when their threads have ended. Owns the
 * list of the clients whose programs have not asked, and the sum of those that are no more. What was counted before a
 * fork is the parent's: the child says nothing of it. Any thread may call what is here but a worker; none may be on a
 * visit (worker.h) or hold a lock. */
#ifndef PE_LAST_WORDS_H
#define PE_LAST_WORDS_H

#include <stdbool.h>

#include "queue/queue.h"

/* Embedded in what a process has of a client; all zero: not on the list. */
typedef struct pe_last_words {
  /* guarded by the list's lock */
  pe_queue *queue;             /* borrowed while it is on the list */
  struct pe_last_words **link; /* what points here */
  struct pe_last_words *next;
  /* atomic; written with the lock held */
  bool listed;
} pe_last_words;

/* Registers the handler of exit(), once in a process. Returns false when memory is out. */
bool pe_last_words_prepare(void);

/* From now on what is lost of the queue's events is told at the end. */
void pe_last_words_add(pe_last_words *self, pe_queue *queue);

/* The program asked what became of them: nothing is told of them. Costs a test the second time. */
void pe_last_words_spare(pe_last_words *self);

/* The queue, whose sender has ended, is about to be freed: what is lost of it by now is told. */
void pe_last_words_settle(pe_last_words *self);

#endif
