/* When to try again: exponential back-off with full jitter. Pure policy: no clock, no randomness of its own. */
#ifndef PE_RETRY_H
#define PE_RETRY_H

#include <stdint.h>

typedef struct pe_retry_policy {
  int64_t initial; /* nanoseconds: the ceiling of the first wait */
  int64_t max;     /* nanoseconds: the ceiling of every wait */
} pe_retry_policy;

/* How long to wait after failed attempt number `attempt` (1 for the first): evenly spread between 0 and
 * min(max, initial * 2^(attempt-1)), by `unit` in [0, 1); at least `retry_after`. All in nanoseconds. */
int64_t pe_retry_delay(const pe_retry_policy *policy, int attempt, int64_t retry_after, double unit);

#endif
