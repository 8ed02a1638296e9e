/* What sender.c and sender_owner.c share: the sender itself. Included by these two. */
#ifndef PE_SENDER_PRIVATE_H
#define PE_SENDER_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "delivery/inbox.h"
#include "delivery/lane.h"
#include "delivery/sender.h"
#include "delivery/submissions.h"
#include "http/credentials.h"
#include "policy/attempt.h"
#include "policy/endpoint.h"
#include "policy/rate_limit.h"

/* A place for one transfer of a tracked event. */
typedef struct pe_sender_slot {
  pe_lane lane;
  pe_attempt attempt;
  pe_record *record; /* in flight; NULL: the slot is free */
  bool probe;
  uint32_t number; /* of the transfer, as pe_progress counts */
} pe_sender_slot;

struct pe_sender {
  pe_worker worker;
  /* immutable after start */
  pe_sender_config config;
  void (*dispose)(void *user); /* of pe_sender_leave */
  void *user;
  /* shared, with a lock of its own */
  pe_inbox inbox;
  /* the sender's thread only */
  pe_credentials *credentials; /* owned; the pool's */
  pe_lane_pool pool;
  pe_submissions *submissions;
  pe_spool *spool;       /* NULL: none */
  pe_sender_slot *slots; /* max_in_flight of them */
  pe_sender_slot **free_slots;
  size_t free_count;
  pe_endpoint endpoint;
  pe_rate_limit rate;
  pe_progress progress;
  bool had_work; /* since the last look at an empty queue */
  bool paused;
  pe_state state;
};

/* The thread: delivers until it is asked to finish. */
void pe_sender_run(pe_worker *worker);

/* The transfer of the slot that begins with this lane is over. */
void pe_sender_settle(pe_lane *lane, int64_t now);

#endif
