/* What queue.c, queue_owner.c, queue_sender.c, queue_spool.c and queue_return.c share: the queue itself, and how an
 * event changes its state in it or leaves it. Included by these. */
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

/* A moment before all others: a time of the wall may lie before the monotonic one began. */
#define PE_NEVER INT64_MIN

/* Bits. */
typedef enum pe_pause { PE_PAUSED_BY_ENDPOINT = 1, PE_PAUSED_BY_OWNER = 2 } pe_pause;

struct pe_queue {
  /* immutable */
  pe_queue_config config;
  /* guarded by lock */
  pe_mutex lock;
  pe_cond settled;     /* what the owner waits for */
  uint64_t flushing;   /* the owner waits until all with tickets below it are settled; 0: it does not */
  uint64_t flush_left; /* so many of them are not */
  bool wants_room;     /* the owner waits for room */
  uint64_t freed;      /* events that left while it did, of which it was not told */
  int64_t freed_at;    /* monotonic: the first of them */
  bool closed;
  bool asleep; /* the sender said so */
  uint64_t last_ticket, last_order;
  pe_record *oldest, *newest; /* all that are pending, in flight too */
  pe_record *fresh;           /* the oldest that was never taken; all behind it are like it */
  uint64_t last_probe;        /* the order of what PE_PICK_ANY took last */
  bool took_drawn;            /* what was taken last had drawn a hold */
  pe_due_heap waiting;        /* has room for all that wait or are in flight */
  pe_due_heap drawn;          /* of those that wait, the ones that drew a hold, as far as memory allows */
  size_t in_flight_bytes;
  bool serves;          /* the owner sends what it accepts */
  uint64_t withdrawn;   /* what is pending up to this ticket is not tried again; 0: none */
  int64_t withdrawn_at; /* nor is what another process had accepted until then; PE_NEVER: all is */
  unsigned paused_by;   /* pe_pause: who lets time stand still */
  int64_t paused_total; /* nanoseconds, without the pause that lasts */
  int64_t paused_since; /* monotonic; 0: time goes on */
  pe_counters counters;
  /* guarded by lock, of a queue that spools */
  bool spooling;         /* writing works: nothing that is not on disk is sent */
  bool keeps_memory;     /* the file is being replaced: nothing leaves memory for being on disk */
  pe_record *unwritten;  /* the oldest that is not on disk */
  uint64_t awaited;      /* the ticket that pe_queue_await waits for; not counted yet. 0: none */
  pe_error await_error;  /* what became of it */
  int64_t disk_room;     /* for what is not written, less what is waiting for it */
  bool disk_full;        /* the oldest that is not written found no room there */
  bool forgetting;       /* the owner has dropped what may be there, and is about to say so */
  int64_t read_after[2]; /* what is on disk alone lies behind this row: of our own, and of what was restored */
  uint64_t restored_pending, restored_on_disk; /* of the file that was adopted; the second: on disk alone */
  bool is_looking;                             /* for events to restore: a flush waits for what that brings */
  int64_t overlap_to[2];      /* as read_after: some behind that one are in memory, too, but none above this row */
  int64_t disk_paused_before; /* paused_before of the first of our own that are on disk alone */
  pe_record *forgotten;       /* dropped, but on disk; linked by `newer` */
  /* atomic */
  bool news; /* for the log */
};

/* All of these live in queue.c, and are called with the lock held, by either thread. None can fail but the first. */

/* A copy of the event, in a block of its own. NULL when memory is out. Takes no lock. */
pe_record *pe_queue_new_record(const pe_event *event, int64_t now);

/* Puts the record, which is not tried yet, before that one of the list; NULL: at the end. */
void pe_queue_insert(pe_queue *queue, pe_record *record, pe_record *newer);

/* The first from there on that is not on disk; NULL: none. Behind one that is not there may be some that are: they were
 * restored. */
pe_record *pe_queue_first_unwritten(pe_record *record);

/* Takes it out of the list. */
void pe_queue_unlink(pe_queue *queue, pe_record *record);

/* Counts the call that brought the record, and the record. */
void pe_queue_count(pe_queue *queue, const pe_record *record);

/* Takes the newest of those before the first that is not on disk, and not in flight, out of memory; one that waited for
 * another attempt is due at once when it is read back. Returns whether there was one. Lives in queue_spool.c. */
bool pe_queue_evict(pe_queue *queue);

/* Behind which row the next one is to be read back: of our own, or of those that were restored. */
static inline int64_t *pe_queue_cursor(pe_queue *queue, bool restored) {
  return &queue->read_after[restored ? 1 : 0];
}

/* Events that `flushing` waits for are settled. */
void pe_queue_settle(pe_queue *queue, uint64_t count);

/* The oldest record that is not in flight, of which there are at most `width`; it stays. NULL: there is none. */
pe_record *pe_queue_oldest_idle(const pe_queue *queue);

/* Gives a pending record that state, a pe_record_state, and counts it there; `waiting` and `fresh` are the caller's to
 * keep. */
void pe_queue_mark(pe_queue *queue, pe_record *record, uint8_t state);

/* The record, which is not among those that wait, leaves with that outcome. It is the caller's afterwards. */
void pe_queue_leave(pe_queue *queue, pe_record *record, pe_outcome outcome, int64_t now);

/* The record, which is not in flight, leaves with that outcome. It is the caller's afterwards. */
void pe_queue_give_up(pe_queue *queue, pe_record *record, pe_outcome outcome, int64_t now);

/* Whether one of the events that are `left` may have its outcome without the owner's doing; there may be more on disk.
 */
bool pe_queue_can_settle(const pe_queue *queue, uint64_t left);

/* Wakes the owner if it waits for what has come: the end of a flush, or enough room. */
void pe_queue_tell_owner(pe_queue *queue, int64_t now);

/* Lets time stand still for that reason, or go on: it does where there is no other. */
void pe_queue_set_pause(pe_queue *queue, pe_pause reason, bool paused, int64_t now);

/* Where a record waits that does. */
pe_due_heap *pe_queue_heap_of(pe_queue *queue, const pe_record *record);

/* Whether the record has to be written to disk before anything else: the sender may be at it. */
bool pe_queue_is_held_back(const pe_queue *queue, const pe_record *record);

/* Whether the sender may take events out. */
bool pe_queue_may_send(const pe_queue *queue);

/* For how long time has stood still until `now`, for the age of events. Nanoseconds. */
int64_t pe_queue_paused_until(const pe_queue *queue, int64_t now);

/* There is something for the log: what pe_queue_has_news tells. */
void pe_queue_set_news(pe_queue *queue);

#endif
