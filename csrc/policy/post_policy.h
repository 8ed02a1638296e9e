/* A post whose caller waits for its outcome: what it may cost, what came of it, and whether it is tried again. Pure
 * policy: no clock, no lock, no chance of its own. Who posts is the client's thread, or the sender's (a submission). */
#ifndef PE_POST_POLICY_H
#define PE_POST_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/attempt.h"
#include "policy/reply.h"
#include "policy/retry.h"

typedef struct pe_post_policy {
  pe_accept accept;
  int64_t timeout; /* nanoseconds: all of a post, its retries included */
  int attempts;    /* at least 1 */
  pe_retry_policy retry;
} pe_post_policy;

/* What became of a post. The caller's storage, which serves one post after another: pe_post_result_init before the
 * first, pe_post_result_cleanup after the last. It owes nothing to who posted. */
typedef struct pe_post_result {
  pe_attempt last; /* what it says of `sent` holds for all: those before it were not taken, or they would not have been
                      repeated */
  int attempts;
  int64_t elapsed; /* nanoseconds */
} pe_post_result;

void pe_post_result_init(pe_post_result *result);
void pe_post_result_cleanup(pe_post_result *result);

/* Whether the post is tried again after `result->last`, which was judged: the event was not sent, or the platform said
 * that it did not take it and asked to come back; an attempt is left; and the wait ends before `deadline`. Sets *due
 * then. `unit` draws a number in [0, 1) by chance, where one is needed: most posts need none. All times are monotonic
 * nanoseconds. */
bool pe_post_again(const pe_post_policy *policy, const pe_post_result *result, int64_t deadline, int64_t now,
                   double (*unit)(void), int64_t *due);

#endif
