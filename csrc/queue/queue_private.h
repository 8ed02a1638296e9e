/* What queue.c and queue_sender.c share: the queue itself, and how an event changes its state in it or leaves it.
 * Included by these two. */
#ifndef PE_QUEUE_PRIVATE_H
#define PE_QUEUE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/thread.h"
#include "queue/due_heap.h"
#include "queue/queue.h"

/* How long an owner that waits for room is left waiting beside a few free places. */
#define PE_ROOM_PATIENCE PE_MILLISECOND

/* Bits. */
typedef enum pe_pause { PE_PAUSED_BY_ENDPOINT = 1, PE_PAUSED_BY_OWNER = 2 } pe_pause;

struct pe_queue {
  /* immutable */
  pe_queue_config config;
  /* guarded by lock */
  pe_mutex lock;
  pe_cond settled;   /* what the owner waits for */
  uint64_t flushing; /* the owner waits until all up to this ticket are settled; 0: it does not */
  bool wants_room;   /* the owner waits for room */
  uint64_t freed;    /* events that left while it did, of which it was not told */
  int64_t freed_at;  /* monotonic: the first of them */
  bool closed;
  bool asleep; /* the sender said so */
  uint64_t last_ticket;
  pe_record *oldest, *newest; /* all that are pending, in flight too */
  pe_record *fresh;           /* the oldest that was never taken; all behind it are like it */
  uint64_t last_probe;        /* the ticket of what PE_PICK_ANY took last */
  pe_due_heap waiting;
  size_t in_flight_bytes;
  uint64_t withdrawn;   /* what is pending up to this ticket is not tried again; 0: none */
  unsigned paused_by;   /* pe_pause: who lets time stand still */
  int64_t paused_total; /* nanoseconds, without the pause that lasts */
  int64_t paused_since; /* monotonic; 0: time goes on */
  pe_counters counters;
  /* atomic */
  bool news; /* for the log */
};

/* All of these live in queue.c, and are called with the lock held, by either thread. None can fail. */

/* The oldest record that is not in flight, of which there are at most `width`; it stays. NULL: there is none. */
pe_record *pe_queue_oldest_idle(const pe_queue *queue);

/* Gives a pending record that state, a pe_record_state, and counts it there; `waiting` and `fresh` are the caller's to
 * keep. */
void pe_queue_mark(pe_queue *queue, pe_record *record, uint8_t state);

/* The record, which is not among those that wait, leaves with that outcome. It is the caller's afterwards. */
void pe_queue_leave(pe_queue *queue, pe_record *record, pe_outcome outcome, int64_t now);

/* Wakes the owner if it waits for what has come: the end of a flush, or enough room. */
void pe_queue_tell_owner(pe_queue *queue, int64_t now);

/* Lets time stand still for that reason, or go on: it does where there is no other. */
void pe_queue_set_pause(pe_queue *queue, pe_pause reason, bool paused, int64_t now);

/* Whether the sender may take events out. */
bool pe_queue_may_send(const pe_queue *queue);

/* For how long time has stood still until `now`, for the age of events. Nanoseconds. */
int64_t pe_queue_paused_until(const pe_queue *queue, int64_t now);

/* There is something for the log: what pe_queue_has_news tells. */
void pe_queue_set_news(pe_queue *queue);

#endif
