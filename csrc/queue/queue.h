/* The accepted events of a client, from their acceptance to their outcome, in the order in which they were accepted;
 * bounded by count and bytes. Owns the counters. The one structure that the owner's thread and the sender share: one
 * lock, never held across I/O. What is said to be "the sender's" is called by the sender's thread alone, and lives in
 * queue_sender.c, the rest in queue_owner.c. */
#ifndef PE_QUEUE_H
#define PE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "queue/counters.h"
#include "queue/record.h"

typedef struct pe_queue pe_queue;

typedef enum pe_overflow { PE_OVERFLOW_REJECT, PE_OVERFLOW_DROP_OLDEST, PE_OVERFLOW_WAIT } pe_overflow;

typedef struct pe_queue_config {
  size_t max_events; /* pending ones, those in flight too */
  size_t max_bytes;  /* of their memory, as pe_record_bytes has it */
  pe_overflow overflow;
  int64_t wait;    /* nanoseconds, for PE_OVERFLOW_WAIT */
  int64_t max_age; /* nanoseconds, without the time that the client was held or gated */
  size_t width;    /* how many may be in flight; 1: in order, none begins while an older one is pending */
  bool spools;     /* events go to disk before they are sent, as long as that works (queue_spool.c) */
  bool awaits;     /* with `spools`: a push is counted when it is on disk, for which pe_queue_await waits */
  bool required;   /* with `awaits`: refused where it does not get there */
} pe_queue_config;

/* An event to be accepted. Borrowed; neither text is NUL-terminated. */
typedef struct pe_event {
  const char *body, *id, *name;
  size_t body_size, id_size, name_size; /* id and name are kept up to 65535 bytes */
  int64_t age;                          /* nanoseconds: how old it is already, where others had it before */
} pe_event;

/* What an attempt brought, for the counters. */
typedef struct pe_queue_answer {
  long http_status;    /* 0: none */
  pe_error error;      /* PE_OK: delivered */
  const char *message; /* the words for `error`, borrowed; ignored where that is PE_OK */
  uint32_t transfer;   /* its number; those that drew a hold before it are due at once where it delivered its event */
} pe_queue_answer;

/* Returns PE_OK and sets *queue, which the caller frees; or PE_NO_MEMORY. */
pe_error pe_queue_new(const pe_queue_config *config, pe_queue **queue);

/* Frees the queue and what is in it. NULL is legal. No other thread uses it any more. */
void pe_queue_free(pe_queue *queue);

/* ---- the owner's thread ---- */

/* What pe_queue_push did. */
typedef struct pe_push {
  uint64_t ticket;    /* of the event: 1, 2, 3, ... */
  bool wake;          /* the sender had declared itself asleep: wake it */
  pe_record *dropped; /* the caller's: what went to make room, oldest first, linked by `newer`; counted as dropped */
} pe_push;

/* Accepts a copy of `event`; `now` is monotonic. With PE_OVERFLOW_WAIT it waits for room, as long as that may take, and
 * the event's age begins at the end of that. Counts the call. Returns PE_OK and fills *push; or PE_QUEUE_FULL,
 * PE_CLOSED or PE_NO_MEMORY: nothing was stored or dropped, the refusal is counted, and *push is empty. */
pe_error pe_queue_push(pe_queue *queue, const pe_event *event, int64_t now, pe_push *push);

/* With config.awaits, after a push that succeeded and pe_queue_forget: waits until that event is on disk, or in memory
 * where the disk is not required. Returns PE_OK; or PE_SPOOL, or PE_QUEUE_FULL where there is no room on disk after
 * all: the refusal is counted, and nothing of it is pending. */
pe_error pe_queue_await(pe_queue *queue);

/* Frees what was dropped, all that pe_push.dropped or pe_queue_withdraw had; what is on disk, or on the way there, when
 * the sender has freed its place. Until then nothing is read back: it could be that. Returns whether the sender must be
 * woken for it. */
bool pe_queue_forget(pe_queue *queue, pe_record *dropped);

/* Counts a call that ended before the queue: `error` says why (PE_FILTERED: it was filtered). */
void pe_queue_refuse(pe_queue *queue, pe_error error);

/* Accepts a copy of `event` that counts as delivered at once (mode "record"). Returns PE_OK and sets *record, which is
 * the caller's; or PE_CLOSED or PE_NO_MEMORY, and the refusal is counted. */
pe_error pe_queue_pass(pe_queue *queue, const pe_event *event, int64_t now, pe_record **record);

/* Waits, at most `timeout` nanoseconds, until every event accepted so far has its outcome; where the sender may not
 * take events out, until none is in flight. Returns how many have no outcome. */
uint64_t pe_queue_flush(pe_queue *queue, int64_t timeout);

/* The sender may take events out from now on, or may not: then what it has in flight still ends, the rest stays, and
 * time stands still for its age. Returns whether the sender must be woken for it: where nothing changes it must not. */
bool pe_queue_allow(pe_queue *queue, bool allowed, int64_t now);

/* Whether the owner sends what it accepts: of one that does not, nothing is taken over that other processes leave. It
 * does at first. */
void pe_queue_set_serving(pe_queue *queue, bool serves);

/* Drops all that are pending, for PE_WITHDRAWN: at once those that are not in flight, which are the caller's, oldest
 * first, linked by `newer`; the others where they would be tried again or stay (pe_queue_retry, pe_queue_cancel), and
 * what other processes had accepted until `now` when it is found. */
pe_record *pe_queue_withdraw(pe_queue *queue, int64_t now);

/* Refuses every later event, and wakes those who wait for room. */
void pe_queue_close(pe_queue *queue);

/* A copy of the counters, consistent in itself. Any thread. */
void pe_queue_snapshot(pe_queue *queue, pe_counters *counters);

/* Whether the state has changed, or an event has come to no good, since the last pe_queue_take_news. Takes no lock. */
bool pe_queue_has_news(const pe_queue *queue);
void pe_queue_take_news(pe_queue *queue);

/* ---- the sender's thread ---- */

/* Which event the sender wants. */
typedef enum pe_pick {
  PE_PICK_DUE,   /* one whose time has come: of those that wait, then of those never tried; in turn with those that drew
                    a hold, which may do so for ever */
  PE_PICK_NEW,   /* a probe of a cooling endpoint: one never tried, else one whose time has come. One event that always
                    fails would be every probe otherwise */
  PE_PICK_FRESH, /* one never tried, to ask whether a hold is about all. In order: the oldest, if that is such a one */
  PE_PICK_ANY /* a probe of a held endpoint: one never tried, else the next of those that wait, in turn, whenever it is
                 due. In order: the oldest, three times; then as above */
} pe_pick;

/* Takes an event out, which is in flight then and the sender's until it gives it back by one of the next functions.
 * NULL: there is none, or memory is out. */
pe_record *pe_queue_take(pe_queue *queue, pe_pick pick, int64_t now);

/* Takes out the oldest event that is too old, to be given back with pe_queue_end. NULL: none. */
pe_record *pe_queue_take_expired(pe_queue *queue, int64_t now);

/* Takes out the oldest event that was withdrawn while it was on disk, to be given back with pe_queue_end. NULL: none.
 */
pe_record *pe_queue_take_withdrawn(pe_queue *queue);

/* The event in flight has its outcome, for the reason `code` (PE_OK: none). `answer` is NULL where there was no
 * attempt. It is the caller's afterwards. */
void pe_queue_end(pe_queue *queue, pe_record *record, pe_outcome outcome, pe_error code, const pe_queue_answer *answer,
                  int64_t now);

/* The event in flight is to be tried again at `due`. Returns true: it is the queue's afterwards. Or false: it was
 * withdrawn meanwhile, nothing is done, and it is to be ended as dropped. */
bool pe_queue_retry(pe_queue *queue, pe_record *record, int64_t due, const pe_queue_answer *answer);

/* The transfer of the event was cancelled. Returns true: it stays pending, and is the queue's afterwards. Or false: as
 * pe_queue_retry. */
bool pe_queue_cancel(pe_queue *queue, pe_record *record, bool maybe_sent, int64_t now);

/* When the sender has something to do for the queue if nothing is accepted meanwhile: INT64_MAX for never. It may begin
 * a transfer of what it picks from `begin_at` on (INT64_MAX: not before another one ends). */
int64_t pe_queue_next(pe_queue *queue, pe_pick pick, int64_t begin_at, int64_t now);

/* The same, and the sender declares that it sleeps until then: the next push says so, where that could begin a
 * transfer. */
int64_t pe_queue_sleep(pe_queue *queue, pe_pick pick, int64_t begin_at, int64_t now);

/* The sender is awake, which takes its declaration back, and looks after the owner: if that waits for room, and there
 * has been enough for long enough, it is woken. Each time before the sender asks what is next. */
void pe_queue_attend(pe_queue *queue, int64_t now);

/* What went wrong with the way, without any event. */
void pe_queue_note_trouble(pe_queue *queue, const pe_queue_answer *answer);

/* For how long time has stood still until `now`, for the age of events. Nanoseconds. */
int64_t pe_queue_paused(pe_queue *queue, int64_t now);

/* So many entries of the stream gave way to newer ones. */
void pe_queue_count_trimmed(pe_queue *queue, uint64_t count);

/* Time stands still, or goes on, for the age of events. */
void pe_queue_pause(pe_queue *queue, bool paused, int64_t now);

/* ---- the sender's thread, with a spool; queue_spool.c, queue_return.c ---- */

/* Up to `max` of the oldest events that are not on disk, in their order, to be written. One that is dropped meanwhile
 * is not freed: it comes by pe_queue_take_forgotten. */
size_t pe_queue_unwritten(pe_queue *queue, pe_record **records, size_t max);

/* The first `count` of what pe_queue_unwritten gave last are on disk: the row of each is its ticket. Those that have to
 * wait behind others on disk leave memory. Returns how many were dropped meanwhile: they are the first of `records`
 * then, and their rows are to be freed before anything is read back. */
size_t pe_queue_written(pe_queue *queue, pe_record **records, size_t count);

/* Writing works from now on, or does not: then events are sent from memory. An event that a caller waits for is refused
 * or, where the disk is not required, accepted. */
void pe_queue_set_spooling(pe_queue *queue, bool works);

/* There is so much room on disk, in bytes of bodies, for what is not written yet. `is_full`: its oldest finds none; it
 * stays in memory and is not sent, and the sender need not try again before something has left the disk. An event that
 * a caller waits for is refused then: PE_QUEUE_FULL. */
void pe_queue_set_disk_room(pe_queue *queue, int64_t bytes, bool is_full);

/* From now on, or no longer, nothing leaves memory for being on disk: the file is being replaced, and what left
 * meanwhile would be in neither. Where memory is full an event finds no room then. */
void pe_queue_keep_memory(pe_queue *queue, bool keeps);

/* The file is another one: whatever is in memory, and was accepted here, is not in it. Returns the ticket up to which
 * all is to be written before anything is read back. */
uint64_t pe_queue_rewrite(pe_queue *queue);

/* How many events may be read back from disk now, of our own or of those restored; 0 where there are none, or no room,
 * or where the place of one that was dropped is not free yet.
 * One is beyond max_events and max_bytes where memory holds nothing else that can be sent. */
size_t pe_queue_wanted(pe_queue *queue, bool restored);

/* The row behind which those events lie that are on disk alone: the ones that were accepted here, or those restored. */
int64_t pe_queue_read_after(pe_queue *queue, bool restored);

/* An event as it was read from disk. Borrowed. */
typedef struct pe_returning {
  pe_event event;
  int64_t row, after; /* its own; and the one that pe_queue_read_after gave, behind which it was the first */
  bool restored;
  bool has_ended; /* it is still there, but not ours any more: it is passed over */
  uint16_t attempts;
  int64_t accepted_at; /* monotonic */
  bool is_undated;     /* that is but a guess: every withdrawal so far may have meant it, and does */
} pe_returning;

/* An event that was on disk alone is in memory again, as a copy: the oldest of them; of an event that was accepted here
 * the row is its ticket. Where an older one has left memory since, the owner's thread may do that, that one comes
 * first, and where one was dropped since, it may be that: nothing is taken. Returns PE_OK or PE_NO_MEMORY. */
pe_error pe_queue_read_back(pe_queue *queue, const pe_returning *returning, int64_t now);

/* There may be such events, or there are none: a flush waits for them. */
void pe_queue_set_looking(pe_queue *queue, bool looks);

/* What pe_queue_set_serving said; and when pe_queue_withdraw was called last (monotonic; INT64_MIN: never). */
bool pe_queue_is_serving(pe_queue *queue, int64_t *withdrawn_at);

/* So many events of another process were found on disk, and dropped there, for PE_WITHDRAWN. */
void pe_queue_drop_found(pe_queue *queue, uint64_t count);

/* So many events of another process are ours now, in its file; of the one before, none is pending. */
void pe_queue_restore(pe_queue *queue, uint64_t count);

/* What is on disk alone, of our own or of those restored, cannot be read: it counts as dropped. Returns how many. */
uint64_t pe_queue_lose(pe_queue *queue, bool restored);

/* No more than so many of our own events that should be on disk are: of those that are there alone, the missing ones
 * count as dropped. */
void pe_queue_lose_but(pe_queue *queue, uint64_t there);

/* The file is gone for good, and nobody reads it again: its events, our own or those restored, stay pending and are not
 * kept. */
void pe_queue_forsake(pe_queue *queue, bool restored);

/* How many events need their file: of our own what is on disk alone, of those restored all that is pending. */
uint64_t pe_queue_left(pe_queue *queue, bool restored);

/* Whether the owner has dropped something that may still be on disk: pe_queue_take_forgotten will have it. */
bool pe_queue_is_dropping(pe_queue *queue);

/* Tells how the spool is, for the counters; a change of its state is news, and a file that was set aside or has to be
 * left alone. */
void pe_queue_set_spool(pe_queue *queue, const pe_spool_gauges *gauges);

/* What pe_queue_forget got; the caller frees each. NULL: nothing. */
pe_record *pe_queue_take_forgotten(pe_queue *queue);

/* What pe_queue_snapshot tells: cooling, held or closed; for PE_STATE_SENDING it tells idle where nothing is pending,
 * or nothing may be sent.
 * Any thread. */
void pe_queue_set_state(pe_queue *queue, pe_state state);

#endif
