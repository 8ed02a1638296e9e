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
  bool retry_ambiguous; /* what may have arrived: again; otherwise the outcome is unknown */
} pe_decision_policy;

typedef struct pe_decision {
  bool ended;
  pe_outcome outcome; /* where it ended */
  int64_t due;        /* otherwise: when it is tried again, monotonic nanoseconds */
} pe_decision;

/* Whether an event is itself the reason for a hold is told by others that are delivered while it is not: each time so
 * many, by transfers that began after its own, and ended before it is tried again. What began before says nothing: the
 * password may have changed in between. */
enum { PE_WITNESSES = 3 };

/* How far the client has come, in numbers of transfers. All 0 in the beginning. */
typedef struct pe_progress {
  uint32_t begun;                   /* the last one that began */
  uint32_t delivered[PE_WITNESSES]; /* the last ones that delivered their event */
  unsigned turn;                    /* whose place is taken next */
  uint32_t pardoned; /* what drew a hold by a transfer up to that one may not have been the reason: another that had
                        drawn one before was answered after all */
} pe_progress;

/* A transfer that began. */
typedef struct pe_start {
  uint32_t number;
  bool is_told; /* enough others were delivered since its event drew its last hold */
} pe_start;

/* A transfer of that event begins. */
pe_start pe_progress_begin(pe_progress *progress, const pe_record *record);

/* What drew a hold by a transfer before that one is to be tried again: enough others were delivered after it, or it is
 * pardoned. */
uint32_t pe_progress_passed(const pe_progress *progress);

/* An attempt that is over, with what its judgement needs. All borrowed. */
typedef struct pe_trial {
  const pe_decision_policy *policy;
  pe_endpoint *endpoint;     /* is told what the attempt means for it */
  pe_record *record;         /* whose draws are counted */
  const pe_attempt *attempt; /* read by pe_attempt_judge before */
  bool probe;                /* as pe_endpoint_begin said */
  pe_progress *progress;     /* is told what was delivered, and who is pardoned */
  pe_start start;            /* as pe_progress_begin said */
  int64_t now;
  double (*unit)(void); /* a number in [0, 1) by chance, where one is needed: most events need none */
} pe_trial;

/* Judges the attempt. */
pe_decision pe_decide(const pe_trial *trial);

#endif
