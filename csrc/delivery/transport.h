/* The way that events go from a sender: what its thread asks of it, whatever it is. There are two: poster.h posts each
 * to the platform, relayer.h hands many at once to a stream of Redis. The sender's thread calls everything but `wake`
 * and `hurry`. No code, no state. */
#ifndef PE_TRANSPORT_H
#define PE_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "delivery/submission.h"
#include "http/credentials.h"
#include "queue/queue.h"

typedef struct pe_transport pe_transport;

/* How it is with the way now. */
typedef struct pe_transport_view {
  pe_pick pick;     /* which event it would take */
  int64_t begin_at; /* when it may take one if nothing else happens; INT64_MAX: never */
  int64_t next;     /* when it has something to do by itself; INT64_MAX: never */
  bool busy;        /* events, or submissions, are in its hands */
  bool paused;      /* time stands still for the age of events */
  pe_state state;   /* sending, cooling or held */
} pe_transport_view;

typedef struct pe_transport_class {
  /* Takes over what the owner left for it: credentials (NULL: none), submissions, the oldest first (NULL: none). */
  void (*take)(pe_transport *self, pe_credentials *credentials, pe_submission *submissions, int64_t now);

  /* Takes events out of the queue as far as it may, and begins with them. Returns whether there were any. */
  bool (*begin)(pe_transport *self, int64_t now);

  /* Moves on as far as it goes without waiting, and tells what became of events (pe_ends). Returns whether something
   * became of any. */
  bool (*run)(pe_transport *self, int64_t now);

  pe_transport_view (*look)(const pe_transport *self, int64_t now);

  /* Sleeps until there is something to do, or `wake` is called, or at most `nanoseconds`. */
  void (*wait)(pe_transport *self, int64_t nanoseconds);

  /* Ends the sleep, or the next one. Any thread. */
  void (*wake)(pe_transport *self);

  /* From that time on (monotonic) nothing keeps the sender's thread in `run`. Any thread. NULL: nothing ever does. */
  void (*hurry)(pe_transport *self, int64_t by);

  /* Gives back to the queue what is in its hands: it stays pending, unless it was withdrawn (pe_ends_cancel). */
  void (*cancel)(pe_transport *self, int64_t now);

  /* Closes its connections, on the thread that used them; answers the submissions. Only `free` comes after it. */
  void (*close)(pe_transport *self, int64_t now);

  /* Any thread, when no other one uses it. */
  void (*free)(pe_transport *self);
} pe_transport_class;

/* The first member of each. */
struct pe_transport {
  const pe_transport_class *class;
};

#endif
