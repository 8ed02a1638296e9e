/* A token bucket: so many transfers a second, so many at once after a silence. Pure policy: time is an argument. */
#ifndef PE_RATE_LIMIT_H
#define PE_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct pe_rate_limit {
  double per_second; /* 0: no limit */
  double burst;      /* tokens that the bucket holds, at least 1 */
  double tokens;
  int64_t filled_at; /* monotonic nanoseconds */
} pe_rate_limit;

/* A full bucket. */
void pe_rate_limit_init(pe_rate_limit *limit, double per_second, double burst, int64_t now);

/* Takes a token, when there is one. */
bool pe_rate_limit_take(pe_rate_limit *limit, int64_t now);

/* When there will be one: `now` or earlier when there is. */
int64_t pe_rate_limit_next(const pe_rate_limit *limit, int64_t now);

#endif
