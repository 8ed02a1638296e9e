/* The commands that a relay has written to Redis on this connection and that have no outcome yet, in their order, and
 * what becomes of their events. What is written, and what an answer means, is relayer.h's. The sender's thread only. */
#ifndef PE_RELAY_WINDOW_H
#define PE_RELAY_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "delivery/ends.h"
#include "redis/redis_trouble.h"

enum { PE_RELAY_WINDOW = 2048 }; /* events that are handed over at once, and have no outcome yet */

typedef enum pe_relay_kind { PE_RELAY_ADD, PE_RELAY_TRIM, PE_RELAY_WAIT } pe_relay_kind;

/* A command that was written. */
typedef struct pe_relay_handed {
  pe_relay_kind kind;
  pe_record *record; /* of an ADD, in flight, until it has its outcome; otherwise NULL */
  uint64_t ends_at;  /* the number of its last byte, among all that are sent (pe_redis_link_sent) */
} pe_relay_handed;

typedef struct pe_relay_window {
  /* immutable */
  const pe_ends *ends;  /* borrowed */
  bool retry_ambiguous; /* what may have arrived is handed over again; otherwise its outcome is unknown */
  /* the sender's thread only */
  pe_relay_handed *ring;
  size_t first, answered, end; /* counted up for ever: what has no outcome, what has no answer, what comes next */
  bool has_settled;            /* something became of an event; the caller takes it back */
} pe_relay_window;

/* The caller's storage, all zeros before. Returns false when memory is out; pe_relay_window_cleanup is legal then. */
bool pe_relay_window_init(pe_relay_window *window, const pe_ends *ends, bool retry_ambiguous);
void pe_relay_window_cleanup(pe_relay_window *window); /* its records are the queue's */

/* How many there are. Beside PE_RELAY_WINDOW events there is room for commands of our own, one or two a batch. */
size_t pe_relay_window_count(const pe_relay_window *window);

/* A command was written behind the others. `record`, NULL for one of our own, stays in flight. */
void pe_relay_window_add(pe_relay_window *window, pe_relay_kind kind, pe_record *record, uint64_t ends_at);

/* The oldest that had no answer has one now. Borrowed until the next call. */
pe_relay_handed *pe_relay_window_answer(pe_relay_window *window);

/* Whether all that were written have an answer, be it that there are none. */
bool pe_relay_window_is_answered(const pe_relay_window *window);

/* Whether events have their answers, all of them, and wait for a WAIT that was not written. */
bool pe_relay_window_owes_wait(const pe_relay_window *window);

/* Of one that owes a WAIT: what stands behind the last event gives its place. Returns whether there is an event. */
bool pe_relay_window_trim(pe_relay_window *window);

/* Everything that was answered has reached as many as it has to: its events are relayed. */
void pe_relay_window_settle(pe_relay_window *window, int64_t now);

/* The event was not taken, or that is not known: it is handed over again at `due`, unless the user said otherwise, or
 * it was withdrawn. It need not be in the window. */
void pe_relay_window_give_back(pe_relay_window *window, pe_record *record, const pe_redis_trouble *trouble,
                               bool maybe_sent, int64_t due, int64_t now);

/* The command was refused: its event, if it has one, goes back. */
void pe_relay_window_refuse(pe_relay_window *window, pe_relay_handed *its, const pe_redis_trouble *trouble, int64_t due,
                            int64_t now);

/* The connection is gone, on which all up to the byte `sent` has left: what of that has no outcome may have been taken,
 * unless our certificate was refused. The window is empty afterwards. */
void pe_relay_window_lose(pe_relay_window *window, const pe_redis_trouble *trouble, uint64_t sent, int64_t due,
                          int64_t now);

/* The same of a sender that ends: the events stay pending (pe_ends_cancel). */
void pe_relay_window_cancel(pe_relay_window *window, uint64_t sent, int64_t now);

#endif
