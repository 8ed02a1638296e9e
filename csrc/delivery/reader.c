#include "delivery/reader.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "delivery/client.h"

struct pe_reader {
  pe_http_plan *plan;
  pe_http *http;
  pe_post_policy policy;
  pe_attempt last;
};

pe_error pe_reader_new(const pe_http_config *http, pe_http_credentials credentials, const pe_post_policy *policy,
                       pe_reader **reader, const char **why) {
  pe_error error = PE_NO_MEMORY;
  pe_http_config config = *http;
  pe_reader *made = calloc(1, sizeof *made);

  *why = pe_error_text(PE_NO_MEMORY);
  if (!made || !pe_client_prepare()) goto out;
  pe_attempt_init(&made->last);
  made->policy = *policy;
  made->policy.accept = (pe_accept){NULL, 0};
  config.reads = true;
  error = pe_http_plan_new(&config, &made->plan, why);
  if (error == PE_OK) error = pe_http_new(made->plan, &made->http, why);
  if (error == PE_OK) error = pe_http_set_credentials(made->http, credentials);
  if (error) goto out;
  *reader = made;
  return PE_OK;
out:
  if (!*why) *why = pe_error_text(error);
  pe_reader_free(made);
  return error;
}

void pe_reader_free(pe_reader *reader) {
  if (!reader) return;
  pe_http_free(reader->http);
  pe_http_plan_free(reader->plan);
  pe_attempt_cleanup(&reader->last);
  free(reader);
}

/* A document that is all there is what was asked for; whatever else comes is judged as the answer to a post. */
static void judge(pe_attempt *attempt) {
  const pe_http_result *transfer = &attempt->transfer;
  const pe_accept none = {NULL, 0};

  pe_attempt_judge(attempt, none);
  if (transfer->error == PE_OK && transfer->http_status == 200 && transfer->body_is_usable) attempt->error = PE_OK;
}

static bool may_repeat(const pe_attempt *attempt) {
  switch (attempt->error) {
  case PE_UNREACHABLE:
  case PE_TIMEOUT:
  case PE_INTERRUPTED:
  case PE_RATE_LIMITED:
  case PE_UNAVAILABLE: return true;
  default: return false;
  }
}

const pe_attempt *pe_reader_get(pe_reader *reader, const char *path, const char *query, size_t most) {
  pe_attempt *last = &reader->last;
  int64_t now = pe_clock_monotonic();
  int64_t deadline = now + reader->policy.timeout;

  pe_attempt_forget(last);
  last->transfer.body.ceiling = most;
  for (int count = 1; now < deadline; count++) {
    int64_t delay;
    pe_http_get(reader->http, path, query, deadline - now, &last->transfer);
    judge(last);
    now = pe_clock_monotonic();
    delay = pe_retry_delay(&reader->policy.retry, count, last->retry_after, pe_random_unit());
    if (!may_repeat(last) || count >= reader->policy.attempts || delay >= deadline - now) break;
    pe_clock_sleep(delay);
    now = pe_clock_monotonic();
  }
  return last;
}

size_t pe_reader_hide(const pe_reader *reader, char *text, size_t size) {
  return pe_http_hide(reader->http, text, size);
}
