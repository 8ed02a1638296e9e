/* The transport that posts events to the platform, each in a transfer of its own, many at once; and the submissions. */
#ifndef PE_POSTER_H
#define PE_POSTER_H

#include <stddef.h>

#include "delivery/bounds.h"
#include "delivery/ends.h"
#include "delivery/transport.h"
#include "http/http.h"
#include "policy/decision.h"
#include "policy/post_policy.h"

typedef struct pe_poster_config {
  const pe_http_plan *plan; /* how to post; borrowed, only read */
  pe_post_policy post;      /* of submissions; of a tracked event's attempt the codes (borrowed) and the timeout */
  size_t max_posts;         /* submissions that are posted at once; 0: none are handed over */
  size_t max_in_flight;
  pe_decision_policy policy;
  double rate_per_second, rate_burst; /* 0: no limit */
  size_t *unanswered;                 /* borrowed, atomic: each answer to a submission takes one off */
  pe_bounds *bounds;                  /* borrowed */
} pe_poster_config;

/* Makes one; `credentials` are copied, `ends` is borrowed. Returns PE_OK and sets *transport, which the caller frees;
 * or PE_NO_MEMORY, also when the system has no descriptor to give. */
pe_error pe_poster_new(const pe_poster_config *config, pe_http_credentials credentials, const pe_ends *ends,
                       pe_transport **transport);

#endif
