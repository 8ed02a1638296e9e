#include "policy/endpoint.h"

#include <string.h>

#include "base/clock.h"

enum { FAILURES_TO_COOL = 5 };

/* Probes: from the first interval, doubling, to the last. */
static const int64_t COOL_FIRST = PE_SECOND;
static const int64_t HOLD_FIRST = 5 * PE_SECOND;
static const int64_t LAST = 60 * PE_SECOND;

void pe_endpoint_init(pe_endpoint *endpoint, size_t width) {
  memset(endpoint, 0, sizeof *endpoint);
  endpoint->width = width;
}

static bool is_gated(const pe_endpoint *endpoint, int64_t now) {
  return now < endpoint->gate_until;
}

size_t pe_endpoint_room(const pe_endpoint *endpoint, size_t in_flight, int64_t now) {
  if (is_gated(endpoint, now)) return 0;
  if (endpoint->state != PE_ENDPOINT_OPEN) return !endpoint->probing && now >= endpoint->probe_at ? 1 : 0;
  return in_flight < endpoint->width ? endpoint->width - in_flight : 0;
}

int64_t pe_endpoint_opens_at(const pe_endpoint *endpoint, size_t in_flight, int64_t now) {
  int64_t at = is_gated(endpoint, now) ? endpoint->gate_until : now;
  if (endpoint->state == PE_ENDPOINT_OPEN) return in_flight < endpoint->width ? at : INT64_MAX;
  if (endpoint->probing) return INT64_MAX;
  return at > endpoint->probe_at ? at : endpoint->probe_at;
}

bool pe_endpoint_begin(pe_endpoint *endpoint) {
  if (endpoint->state == PE_ENDPOINT_OPEN) return false;
  endpoint->probing = true;
  return true;
}

static void enter(pe_endpoint *endpoint, pe_endpoint_state state, int64_t interval, int64_t now) {
  endpoint->state = state;
  endpoint->failures = 0;
  endpoint->interval = interval;
  endpoint->probe_at = now + interval;
}

/* A probe brought nothing better. */
static void back_off(pe_endpoint *endpoint, int64_t now) {
  endpoint->interval = endpoint->interval < LAST / 2 ? endpoint->interval * 2 : LAST;
  endpoint->probe_at = now + endpoint->interval;
}

static void note_failed(pe_endpoint *endpoint, bool probe, int64_t now) {
  if (endpoint->state != PE_ENDPOINT_OPEN) {
    if (probe) back_off(endpoint, now);
  } else if (++endpoint->failures >= FAILURES_TO_COOL) {
    enter(endpoint, PE_ENDPOINT_COOLING, COOL_FIRST, now);
  }
}

static void note_held(pe_endpoint *endpoint, bool probe, int64_t now) {
  if (endpoint->state != PE_ENDPOINT_HELD)
    enter(endpoint, PE_ENDPOINT_HELD, HOLD_FIRST, now);
  else if (probe)
    back_off(endpoint, now);
}

void pe_endpoint_note(pe_endpoint *endpoint, pe_answer answer, bool probe, int64_t now) {
  pe_endpoint_forget(endpoint, probe);
  switch (answer) {
  case PE_ANSWER_TAKEN:
    enter(endpoint, PE_ENDPOINT_OPEN, 0, now);
    if (!is_gated(endpoint, now)) endpoint->gates = 0;
    break;
  case PE_ANSWER_FAILED: note_failed(endpoint, probe, now); break;
  case PE_ANSWER_HELD: note_held(endpoint, probe, now); break;
  case PE_ANSWER_GATED: endpoint->failures = 0; break; /* it answers, and says when it will take more */
  }
}

void pe_endpoint_forget(pe_endpoint *endpoint, bool probe) {
  if (probe) endpoint->probing = false;
}

void pe_endpoint_gate(pe_endpoint *endpoint, int64_t until, int64_t now) {
  if (!is_gated(endpoint, now)) endpoint->gates++;
  if (until > endpoint->gate_until) endpoint->gate_until = until;
}

void pe_endpoint_probe_now(pe_endpoint *endpoint, int64_t now) {
  if (endpoint->state == PE_ENDPOINT_HELD) enter(endpoint, PE_ENDPOINT_HELD, HOLD_FIRST / 2, now - HOLD_FIRST / 2);
}

bool pe_endpoint_is_paused(const pe_endpoint *endpoint, int64_t now) {
  return endpoint->state == PE_ENDPOINT_HELD || is_gated(endpoint, now);
}
