#include "policy/rate_limit.h"

#include "base/clock.h"

/* 30 years: a rate close to nothing must not overflow the sum. */
static const int64_t LONGEST = 1000000000 * PE_SECOND;

void pe_rate_limit_init(pe_rate_limit *limit, double per_second, double burst, int64_t now) {
  limit->per_second = per_second;
  limit->burst = burst < 1 ? 1 : burst;
  limit->tokens = limit->burst;
  limit->filled_at = now;
}

static double tokens_at(const pe_rate_limit *limit, int64_t now) {
  double tokens = limit->tokens + (double)(now - limit->filled_at) / (double)PE_SECOND * limit->per_second;
  return tokens < limit->burst ? tokens : limit->burst;
}

bool pe_rate_limit_take(pe_rate_limit *limit, int64_t now) {
  if (limit->per_second <= 0) return true;
  limit->tokens = tokens_at(limit, now);
  limit->filled_at = now;
  if (limit->tokens < 1) return false;
  limit->tokens -= 1;
  return true;
}

int64_t pe_rate_limit_next(const pe_rate_limit *limit, int64_t now) {
  double missing, wait;
  if (limit->per_second <= 0) return now;
  missing = 1 - tokens_at(limit, now);
  if (missing <= 0) return now;
  wait = missing / limit->per_second * (double)PE_SECOND;
  /* A nanosecond more than the quotient: rounding must not wake the caller to an empty bucket. */
  return wait < (double)LONGEST ? now + (int64_t)wait + 1 : now + LONGEST;
}
