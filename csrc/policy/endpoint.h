/* Who may be sent now: the endpoint is open, cooling or held, and may have asked for silence (a gate). Pure policy: no
 * clock, no lock, no randomness; every time is the caller's monotonic nanoseconds. */
#ifndef PE_ENDPOINT_H
#define PE_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "queue/queue.h"

typedef enum pe_endpoint_state {
  PE_ENDPOINT_OPEN,    /* up to `width` transfers at once; a few after a hold or a gate, then more and more */
  PE_ENDPOINT_COOLING, /* it failed five times in a row: one probe at a time */
  PE_ENDPOINT_HELD     /* the credentials, the address or a portal stand in the way: one probe at a time */
} pe_endpoint_state;

typedef struct pe_endpoint {
  pe_endpoint_state state;
  size_t width;
  size_t credit;      /* answers since the last hold or gate */
  int failures;       /* in a row, while open */
  int refusals;       /* while held: how many events drew it, or tried in vain since */
  int64_t interval;   /* between probes */
  int64_t probe_at;   /* when the next one may begin */
  bool probing;       /* one is in flight */
  int64_t gate_until; /* nothing begins before; 0: no gate */
  int gates;          /* in a row: refusals for being too fast, each after the end of the gate before it */
} pe_endpoint;

/* How an attempt ended, as far as the endpoint is concerned. */
typedef enum pe_answer {
  PE_ANSWER_TAKEN,   /* delivered, or the platform refused this event: it answers */
  PE_ANSWER_FAILED,  /* no answer, or a 5xx */
  PE_ANSWER_HELD,    /* credentials, address or portal */
  PE_ANSWER_AGAIN,   /* the same, to an event that drew it before */
  PE_ANSWER_SUSPECT, /* the same, to an event that draws it while others are delivered: it holds nobody up */
  PE_ANSWER_GATED    /* 429, or 503 with Retry-After: followed by pe_endpoint_gate */
} pe_answer;

/* An open endpoint. */
void pe_endpoint_init(pe_endpoint *endpoint, size_t width);

/* How many transfers may begin now, beside `in_flight` that run: 0 or 1 (a probe) unless the endpoint is open. One of
 * what pe_endpoint_pick says. */
size_t pe_endpoint_room(const pe_endpoint *endpoint, size_t in_flight, int64_t now);

/* When there may be room without anything else happening; INT64_MAX when only the end of a transfer can make some. */
int64_t pe_endpoint_opens_at(const pe_endpoint *endpoint, size_t in_flight, int64_t now);

/* Which event is to be next. A hold that one or two events drew may be about these alone: where nothing is in flight
 * that will tell, events that were never tried find out, one after the other, before the time of a probe. */
pe_pick pe_endpoint_pick(const pe_endpoint *endpoint, int64_t now);

/* A transfer began. Returns whether it is a probe, to be told to pe_endpoint_note. */
bool pe_endpoint_begin(pe_endpoint *endpoint);

/* A transfer ended so. */
void pe_endpoint_note(pe_endpoint *endpoint, pe_answer answer, bool probe, int64_t now);

/* A transfer that was given up without an answer (close): whatever was begun as a probe is none any more. */
void pe_endpoint_forget(pe_endpoint *endpoint, bool probe);

/* Nothing begins before `until`. Counts the gates in a row (for the back-off of a 429 without Retry-After). */
void pe_endpoint_gate(pe_endpoint *endpoint, int64_t until, int64_t now);

/* New credentials: a held endpoint is probed at once. Returns whether one was in flight, which asks with the old ones:
 * it is no probe any more, and its end is to be told as that of any other transfer. */
bool pe_endpoint_probe_now(pe_endpoint *endpoint, int64_t now);

/* Another one that asks the same endpoint was held or gated, and it was silent meanwhile: it begins with a few, or with
 * a probe. */
void pe_endpoint_resume(pe_endpoint *endpoint, int64_t now);

/* Whether time stands still for the age of events: held, or gated. */
bool pe_endpoint_is_paused(const pe_endpoint *endpoint, int64_t now);

#endif
