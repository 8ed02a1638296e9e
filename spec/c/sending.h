/* A sender with all that it stands on, for its tests: a queue, results, a server that answers, and a clock that runs
 * and can be put forward. One at a time. */
#ifndef PE_TEST_SENDING_H
#define PE_TEST_SENDING_H

#include "base/clock.h"
#include "delivery/sender.h"
#include "server.h"

/* Cancels what is in flight, ends the thread and frees the sender. Returns false when that takes more than a second. */
static inline bool stop_sender(pe_sender *sender) {
  pe_sender_finish(sender, pe_clock_monotonic());
  return pe_sender_join(sender, pe_clock_monotonic() + PE_SECOND);
}

/* Only a test that fails waits for so long. */
#define SENDING_LONG (20 * PE_SECOND)

extern struct sending {
  server server;
  pe_http_plan *plan;
  pe_queue *queue;
  pe_results *results;
  pe_sender *sender;                   /* NULL: the test has ended it */
  unsigned pushed;                     /* events, which are numbered from 0 */
  uint64_t outcomes[PE_OUTCOME_COUNT]; /* of the results that were read */
} sending;

/* It begins with the bad ones. */
extern const pe_http_credentials sending_bad, sending_good;

/* Before the first. */
void sending_use_clock(void);

/* Puts the clock forward, and wakes the sender to look at it. */
void sending_jump(int64_t nanoseconds);

/* What the tests do not change. */
pe_sender_config sending_config_of(size_t width);
pe_queue_config sending_queue_of(size_t width);

/* Starts it; `decide` is the server's. The other one has eight transfers in flight. */
void sending_start_with(pe_sender_config config, pe_queue_config queue, server_decide decide, void *user);
void sending_start(server_decide decide);

/* Ends everything: the sender first. */
void sending_end(void);

void sending_push_events(unsigned count);

/* One event. Returns whether the sender slept, and was woken. */
bool sending_push_event(void);

/* Waits until all have their outcome. */
void sending_flush(void);
void sending_wait_for_state(pe_state state);

/* Reads the results and compares them with the counters. */
void sending_read_results(void);

void sending_assert_each_came(unsigned times);
uint64_t sending_count_of(pe_outcome outcome);

#endif
