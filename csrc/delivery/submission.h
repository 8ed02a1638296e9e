/* A post whose caller waits without a thread of its own (an nginx request, whose light thread sleeps): handed to the
 * sender's thread, which tries it as `post` would, and answered through a waker. It is not a tracked event: it stands
 * in no queue behind others, is not held, and no counter counts it. */
#ifndef PE_SUBMISSION_H
#define PE_SUBMISSION_H

#include <stddef.h>
#include <stdint.h>

#include "delivery/waker.h"
#include "policy/post_policy.h"

/* One submission, in one block of memory. Belongs to whoever has it in hand: who made it, the sender, the waker, who
 * took it from there. */
typedef struct pe_submission {
  pe_waker_node node;         /* first: on the list of its waker, once it is answered */
  struct pe_submission *next; /* in the list that it is on */
  uint64_t number;            /* the caller's name for it */
  pe_waker *waker;            /* a reference: where it is answered */
  int64_t begun_at, deadline;
  int64_t due; /* of the next attempt, while it waits for one */
  pe_post_result result;
  size_t size;
  char body[]; /* not NUL-terminated */
} pe_submission;

/* Makes a submission with a copy of `body`. Returns NULL when memory is out. */
pe_submission *pe_submission_new(pe_waker *waker, uint64_t number, const char *body, size_t size);

/* NULL is legal. */
void pe_submission_free(pe_submission *submission);

/* Answers it through its waker, to whom it belongs then. */
void pe_submission_answer(pe_submission *submission);

/* The oldest that was answered through `waker` and not taken yet, which is the caller's then; or NULL, as
 * pe_waker_take. */
pe_submission *pe_submission_take(pe_waker *waker);

#endif
