/* The thread that delivers a client's events: takes them from the queue, posts them, decides what becomes of each, and
 * says so to the queue and the results. Asleep when there is nothing to do. Never touches Lua. */
#ifndef PE_SENDER_H
#define PE_SENDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/worker.h"
#include "delivery/relay_command.h"
#include "delivery/results.h"
#include "delivery/submission.h"
#include "http/http.h"
#include "policy/decision.h"
#include "policy/post_policy.h"
#include "policy/reply.h"
#include "queue/queue.h"
#include "spool/spool.h"

typedef struct pe_sender pe_sender;

typedef struct pe_sender_config {
  /* borrowed for as long as the sender lives */
  const pe_http_plan *plan; /* how to post; only read. NULL where there is a relay */
  pe_queue *queue;
  pe_results *results;
  /* copied, but for the codes of `post`, which are borrowed as well */
  const void *group;   /* as pe_worker's */
  pe_post_policy post; /* of submissions; of a tracked event's attempt the codes and the timeout */
  size_t max_posts;    /* submissions that are posted at once; 0: none are handed over */
  size_t max_in_flight;
  pe_decision_policy policy;
  double rate_per_second, rate_burst; /* 0: no limit */
  pe_relay_config relay;              /* in place of posting; its text is borrowed; no stream: none */
  pe_spool_config spool;              /* its texts are borrowed as well; no directory: none */
} pe_sender_config;

/* Everything here is called by the owner's thread. */

/* Starts the thread. `credentials` are copied. Returns PE_OK and sets *sender; or PE_NO_MEMORY, also when the system
 * has no thread or descriptor to give. */
pe_error pe_sender_start(const pe_sender_config *config, pe_http_credentials credentials, pe_sender **sender);

/* There is something in the queue for a sender that sleeps. */
void pe_sender_wake(pe_sender *sender);

/* Hands a submission over, which belongs to the sender then, and wakes it: it is posted as `post` would, and answered
 * through its waker, whatever happens. Returns PE_OK; or PE_CLOSED where the thread has ended, or PE_QUEUE_FULL where
 * `limit` of them have no answer yet, and it stays the caller's. */
pe_error pe_sender_submit(pe_sender *sender, pe_submission *submission, size_t limit);

/* Posts with these (copied) from the next attempt on; a held queue probes at once. Returns PE_OK; or PE_NO_MEMORY, and
 * the old ones stay. */
pe_error pe_sender_set_credentials(pe_sender *sender, pe_http_credentials credentials);

/* Of tracked events so many attempts more may begin; before the first call, any number. Returns how many may now. */
int64_t pe_sender_allow(pe_sender *sender, int64_t attempts);

/* While it is silent no attempt begins, and time stands still for the age of events. Afterwards it begins with a few,
 * or, where it was held, with a probe. */
void pe_sender_silence(pe_sender *sender, bool silent);

/* Until when the platform has asked for silence (monotonic); 0: it has not. */
int64_t pe_sender_gate(const pe_sender *sender);

/* Asks the sender to end by itself by `deadline` (monotonic), earlier where nothing is left to do; an earlier wish
 * stays. Does not wait. */
void pe_sender_finish(pe_sender *sender, int64_t deadline);

/* Waits until `deadline` (monotonic) for a sender that was asked to finish, and frees it; what had no outcome is
 * pending in the queue. Returns false when it still runs: then it, and what it borrowed, is not to be freed. */
bool pe_sender_join(pe_sender *sender, int64_t deadline);

/* Lets the sender go on by itself for `patience` nanoseconds at most, then calls dispose(user), which frees the sender
 * with pe_sender_free and what it borrowed. Does not wait. */
void pe_sender_leave(pe_sender *sender, int64_t patience, void (*dispose)(void *user), void *user);

/* Frees a sender whose thread has been joined. */
void pe_sender_free(pe_sender *sender);

#endif
