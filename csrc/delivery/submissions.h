/* The submissions that a sender has in hand: some are being posted, at most `width` at once, the others wait, for their
 * turn or for another attempt. Owns their lanes. The sender's thread only. */
#ifndef PE_SUBMISSIONS_H
#define PE_SUBMISSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "delivery/lane.h"
#include "delivery/submission.h"
#include "policy/post_policy.h"

typedef struct pe_submissions pe_submissions;

/* `policy` (its codes borrowed) is how each is posted, `pool` (borrowed) through what; each answer takes one off
 * *unanswered (borrowed, atomic). Returns NULL when memory is out. */
pe_submissions *pe_submissions_new(const pe_post_policy *policy, const pe_lane_pool *pool, size_t width,
                                   size_t *unanswered);

/* Frees what is left of it. None is in hand any more. NULL is legal. */
void pe_submissions_free(pe_submissions *submissions);

/* Takes over a list of new submissions, the oldest first. */
void pe_submissions_add(pe_submissions *submissions, pe_submission *first);

/* Begins what can begin, and answers what ran out of time. */
void pe_submissions_run(pe_submissions *submissions, int64_t now);

/* When pe_submissions_run has something to do, unless a transfer ends before: INT64_MAX for never. */
int64_t pe_submissions_next(const pe_submissions *submissions);

/* Whether there is one without an answer. */
bool pe_submissions_any(const pe_submissions *submissions);

/* Answers all that are left: what is in flight is interrupted if it may have been sent, the others are closed. Closes
 * the lanes. */
void pe_submissions_end(pe_submissions *submissions, int64_t now);

#endif
