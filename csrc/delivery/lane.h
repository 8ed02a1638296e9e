/* A place for one transfer at a time on the sender's thread: a handle of the pool, made when it is first needed, with
 * the credentials of the day. What is posted, and what becomes of it, is the owner's. The sender's thread only. */
#ifndef PE_LANE_H
#define PE_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "http/credentials.h"
#include "http/http_multi.h"
#include "policy/attempt.h"

/* What all lanes of a sender share. Borrowed by them. */
typedef struct pe_lane_pool {
  const pe_http_plan *plan; /* how to post; only read */
  pe_http_multi *multi;
  const pe_credentials *credentials;
  unsigned credentials_number; /* counts the credentials that were given */
} pe_lane_pool;

typedef struct pe_lane {
  pe_http *http; /* owned; NULL until it is needed */
  unsigned credentials_number;
  void (*ended)(struct pe_lane *self, int64_t now); /* its transfer is over: the attempt's `transfer` is filled */
  void *owner;
} pe_lane;

void pe_lane_init(pe_lane *lane, void (*ended)(pe_lane *self, int64_t now), void *owner);

/* Closes the handle, after which the lane can begin anew; nothing is in flight. */
void pe_lane_close(pe_lane *lane);

/* Begins to post `body`, which is borrowed as *attempt is until the end or pe_lane_cancel. Returns true; or false:
 * nothing is in flight, `attempt->transfer` says why, and `ended` is not called. */
bool pe_lane_begin(pe_lane *lane, const pe_lane_pool *pool, const char *body, size_t size, int64_t timeout,
                   pe_attempt *attempt);

/* Gives the transfer up. Returns whether its event may have been sent. */
pe_sent pe_lane_cancel(pe_lane *lane);

/* Calls `ended` of every lane whose transfer is over. */
void pe_lane_end_done(const pe_lane_pool *pool);

#endif
