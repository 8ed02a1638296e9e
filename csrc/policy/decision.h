/* What becomes of an event after an attempt: its outcome, or when it is tried again; and what the attempt means for the
 * endpoint ("design.md", About this event, or about the endpoint?). Pure policy: no clock, no lock, no chance of its
 * own. */
#ifndef PE_DECISION_H
#define PE_DECISION_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/attempt.h"
#include "policy/endpoint.h"
#include "policy/retry.h"
#include "queue/outcome.h"
#include "queue/record.h"

typedef struct pe_decision_policy {
  pe_retry_policy retry;
  bool retry_ambiguous; /* sent, and no answer: again; otherwise the outcome is unknown */
} pe_decision_policy;

typedef struct pe_decision {
  bool ended;
  pe_outcome outcome; /* where it ended */
  int64_t due;        /* otherwise: when it is tried again, monotonic nanoseconds */
} pe_decision;

/* How far the client has come. Transfers are numbered as they begin, modulo 2^32. */
typedef struct pe_progress {
  uint32_t begun;     /* the last one that began */
  uint32_t delivered; /* the last one of those that delivered their event */
} pe_progress;

/* An attempt that is over, with what its judgement needs. All borrowed. */
typedef struct pe_trial {
  const pe_decision_policy *policy;
  pe_endpoint *endpoint;     /* is told what the attempt means for it */
  pe_record *record;         /* whose draws are counted */
  const pe_attempt *attempt; /* read by pe_attempt_judge before */
  bool probe;                /* as pe_endpoint_begin said */
  pe_progress progress;
  int64_t now;
  double (*unit)(void); /* a number in [0, 1) by chance, where one is needed: most events need none */
} pe_trial;

/* Judges the attempt. */
pe_decision pe_decide(const pe_trial *trial);

#endif
