#include "policy/retry.h"

int64_t pe_retry_delay(const pe_retry_policy *policy, int attempt, int64_t retry_after, double unit) {
  int64_t ceiling = policy->initial < policy->max ? policy->initial : policy->max;
  int64_t delay;

  for (int i = 1; i < attempt && ceiling < policy->max; i++)
    ceiling = ceiling > policy->max / 2 ? policy->max : ceiling * 2;
  delay = (int64_t)((double)ceiling * unit);
  return delay > retry_after ? delay : retry_after;
}
