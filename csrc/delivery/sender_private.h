/* What sender.c and sender_owner.c share: the sender itself. Included by these two. */
#ifndef PE_SENDER_PRIVATE_H
#define PE_SENDER_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "delivery/ends.h"
#include "delivery/inbox.h"
#include "delivery/sender.h"
#include "delivery/transport.h"

struct pe_sender {
  pe_worker worker;
  /* immutable after start */
  pe_sender_config config;
  pe_transport *way;           /* owned; its `wake` is any thread's, the rest the sender's */
  void (*dispose)(void *user); /* of pe_sender_leave */
  void *user;
  /* shared, with a lock of its own */
  pe_inbox inbox;
  /* the sender's thread only */
  pe_ends ends;         /* its spool is owned */
  int64_t linger_until; /* before that it does not sleep soundly: it had work */
  bool paused;
  pe_state state;
};

/* The thread: delivers until it is asked to finish. */
void pe_sender_run(pe_worker *worker);

#endif
