#include "policy/endpoint.h"

#include <string.h>

#include "base/clock.h"

enum {
  FAILURES_TO_COOL = 5,
  REFUSALS_TO_HOLD = 3, /* different events, with none answered in between: it is not about them */
  FEW = 3,              /* at once, after a hold or a gate; */
  PATIENCE = 8          /* and one more for so many answers */
};

/* Probes: from the first interval, doubling, to the last. */
static const int64_t COOL_FIRST = PE_SECOND;
static const int64_t HOLD_FIRST = 5 * PE_SECOND;
static const int64_t LAST = 60 * PE_SECOND;

void pe_endpoint_init(pe_endpoint *endpoint, size_t width) {
  memset(endpoint, 0, sizeof *endpoint);
  endpoint->width = width;
  endpoint->credit = PATIENCE * width;
}

static bool is_gated(const pe_endpoint *endpoint, int64_t now) {
  return now < endpoint->gate_until;
}

/* Whether the hold may be about the events alone that drew it. */
static bool is_in_doubt(const pe_endpoint *endpoint, int64_t now) {
  return endpoint->state == PE_ENDPOINT_HELD && endpoint->refusals < REFUSALS_TO_HOLD && now < endpoint->probe_at;
}

pe_pick pe_endpoint_pick(const pe_endpoint *endpoint, int64_t now) {
  if (endpoint->state == PE_ENDPOINT_OPEN) return PE_PICK_DUE;
  if (endpoint->state == PE_ENDPOINT_COOLING) return PE_PICK_NEW;
  return is_in_doubt(endpoint, now) ? PE_PICK_FRESH : PE_PICK_ANY;
}

/* When the next probe may begin, where none is in flight. */
static int64_t next_probe(const pe_endpoint *endpoint, size_t in_flight, int64_t now) {
  return is_in_doubt(endpoint, now) && in_flight == 0 ? now : endpoint->probe_at;
}

/* How many may be in flight while it is open. Who was too fast with all is so again. And whether an event is itself the
 * reason for what it drew is told by those that are delivered after it: they must not all be under way before it is
 * tried again. */
static size_t width_now(const pe_endpoint *endpoint) {
  size_t width = FEW + endpoint->credit / PATIENCE;
  return width < endpoint->width ? width : endpoint->width;
}

size_t pe_endpoint_room(const pe_endpoint *endpoint, size_t in_flight, int64_t now) {
  if (is_gated(endpoint, now)) return 0;
  if (endpoint->state != PE_ENDPOINT_OPEN)
    return !endpoint->probing && now >= next_probe(endpoint, in_flight, now) ? 1 : 0;
  return in_flight < width_now(endpoint) ? width_now(endpoint) - in_flight : 0;
}

int64_t pe_endpoint_opens_at(const pe_endpoint *endpoint, size_t in_flight, int64_t now) {
  int64_t at = is_gated(endpoint, now) ? endpoint->gate_until : now;
  int64_t probe_at = next_probe(endpoint, in_flight, at);
  if (endpoint->state == PE_ENDPOINT_OPEN) return in_flight < width_now(endpoint) ? at : INT64_MAX;
  if (endpoint->probing) return INT64_MAX;
  return at > probe_at ? at : probe_at;
}

bool pe_endpoint_begin(pe_endpoint *endpoint) {
  if (endpoint->state == PE_ENDPOINT_OPEN) return false;
  endpoint->probing = true;
  return true;
}

/* Begins anew: what came before counts no more. */
static void enter(pe_endpoint *endpoint, pe_endpoint_state state, int64_t interval, int64_t now) {
  endpoint->state = state;
  endpoint->failures = endpoint->refusals = 0;
  endpoint->interval = interval;
  endpoint->probe_at = now + interval;
}

/* A probe brought nothing better. One that asked before its time does not prolong the hold. */
static void back_off(pe_endpoint *endpoint, int64_t now) {
  if (now < endpoint->probe_at) return;
  endpoint->interval = endpoint->interval < LAST / 2 ? endpoint->interval * 2 : LAST;
  endpoint->probe_at = now + endpoint->interval;
}

static void note_failed(pe_endpoint *endpoint, bool probe, int64_t now) {
  if (endpoint->state != PE_ENDPOINT_OPEN) {
    if (!probe) return;
    back_off(endpoint, now);
    endpoint->refusals++;
  } else if (++endpoint->failures >= FAILURES_TO_COOL) {
    enter(endpoint, PE_ENDPOINT_COOLING, COOL_FIRST, now);
  }
}

static void note_held(pe_endpoint *endpoint, bool again, bool probe, int64_t now) {
  if (endpoint->state != PE_ENDPOINT_HELD)
    enter(endpoint, PE_ENDPOINT_HELD, HOLD_FIRST, now);
  else if (probe)
    back_off(endpoint, now);
  if (!again) endpoint->refusals++;
  endpoint->credit = 0;
}

void pe_endpoint_note(pe_endpoint *endpoint, pe_answer answer, bool probe, int64_t now) {
  pe_endpoint_forget(endpoint, probe);
  switch (answer) {
  case PE_ANSWER_TAKEN:
    enter(endpoint, PE_ENDPOINT_OPEN, 0, now);
    if (endpoint->credit < PATIENCE * endpoint->width) endpoint->credit++;
    if (!is_gated(endpoint, now)) endpoint->gates = 0;
    break;
  case PE_ANSWER_FAILED: note_failed(endpoint, probe, now); break;
  case PE_ANSWER_HELD: note_held(endpoint, false, probe, now); break;
  case PE_ANSWER_AGAIN: note_held(endpoint, true, probe, now); break;
  case PE_ANSWER_SUSPECT: endpoint->credit = 0; break;
  case PE_ANSWER_GATED: /* it answers, and says when it will take more: not all at once then */
    endpoint->failures = 0;
    endpoint->credit = 0;
    break;
  }
}

void pe_endpoint_forget(pe_endpoint *endpoint, bool probe) {
  if (probe) endpoint->probing = false;
}

void pe_endpoint_gate(pe_endpoint *endpoint, int64_t until, int64_t now) {
  if (!is_gated(endpoint, now)) endpoint->gates++;
  if (until > endpoint->gate_until) endpoint->gate_until = until;
}

/* A hold as new as the first time, of which the probe is due. */
static void hurry(pe_endpoint *endpoint, int64_t now) {
  if (endpoint->state != PE_ENDPOINT_HELD) return;
  endpoint->interval = HOLD_FIRST / 2;
  endpoint->probe_at = now;
}

bool pe_endpoint_probe_now(pe_endpoint *endpoint, int64_t now) {
  bool was_probing = endpoint->state == PE_ENDPOINT_HELD && endpoint->probing;
  if (was_probing) endpoint->probing = false;
  hurry(endpoint, now);
  return was_probing;
}

void pe_endpoint_resume(pe_endpoint *endpoint, int64_t now) {
  endpoint->credit = 0;
  hurry(endpoint, now);
}

bool pe_endpoint_is_paused(const pe_endpoint *endpoint, int64_t now) {
  return endpoint->state == PE_ENDPOINT_HELD || is_gated(endpoint, now);
}
