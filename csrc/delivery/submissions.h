/* The requests that a sender has in hand: some are being posted, at most `width` at once, the others wait, for their
 * turn or for another attempt. Owns their lanes. The sender's thread only. */
#ifndef PE_REQUESTS_H
#define PE_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "delivery/lane.h"
#include "delivery/submission.h"
#include "policy/post_policy.h"

typedef struct pe_requests pe_requests;

/* `policy` (its codes borrowed) is how each is posted, `pool` (borrowed) through what; each answer takes one off
 * *unanswered (borrowed, atomic). Returns NULL when memory is out. */
pe_requests *pe_requests_new(const pe_post_policy *policy, const pe_lane_pool *pool, size_t width, size_t *unanswered);

/* Frees what is left of it. None is in hand any more. NULL is legal. */
void pe_requests_free(pe_requests *requests);

/* Takes over a list of new requests, the oldest first. */
void pe_requests_add(pe_requests *requests, pe_request *first);

/* Begins what can begin, and answers what ran out of time. */
void pe_requests_run(pe_requests *requests, int64_t now);

/* When pe_requests_run has something to do, unless a transfer ends before: INT64_MAX for never. */
int64_t pe_requests_next(const pe_requests *requests);

/* Whether there is one without an answer. */
bool pe_requests_any(const pe_requests *requests);

/* Answers all that are left: what is in flight is interrupted if it may have been sent, the others are closed. Closes
 * the lanes. */
void pe_requests_end(pe_requests *requests, int64_t now);

#endif
