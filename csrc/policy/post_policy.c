#include "policy/post_policy.h"

#include <string.h>

void pe_post_result_init(pe_post_result *result) {
  memset(result, 0, sizeof *result);
  pe_attempt_init(&result->last);
}

void pe_post_result_cleanup(pe_post_result *result) {
  pe_attempt_cleanup(&result->last);
}

/* Whether the same event may be posted again without a risk that it counts twice. 408 and the other 5xx do not say that
 * it was not taken. */
static bool may_repeat(const pe_attempt *attempt) {
  long status = attempt->transfer.http_status;
  if (status > 0) return status == 429 || status == 503 || status == 425;
  return attempt->transfer.sent == PE_SENT_NO && (attempt->error == PE_UNREACHABLE || attempt->error == PE_TIMEOUT);
}

bool pe_post_again(const pe_post_policy *policy, const pe_post_result *result, int64_t deadline, int64_t now,
                   double (*unit)(void), int64_t *due) {
  int64_t delay;

  if (!may_repeat(&result->last) || result->attempts >= policy->attempts) return false;
  delay = pe_retry_delay(&policy->retry, result->attempts, result->last.retry_after, unit());
  if (delay >= deadline - now) return false;
  *due = now + delay;
  return true;
}
