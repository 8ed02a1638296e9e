#include "delivery/relay_window.h"

#include <assert.h>
#include <stdlib.h>

enum { RING = PE_RELAY_WINDOW + 64 };

static pe_relay_handed *at(const pe_relay_window *window, size_t number) {
  return &window->ring[number % RING];
}

bool pe_relay_window_init(pe_relay_window *window, const pe_ends *ends, bool retry_ambiguous) {
  window->ends = ends;
  window->retry_ambiguous = retry_ambiguous;
  window->ring = calloc(RING, sizeof *window->ring);
  return window->ring != NULL;
}

void pe_relay_window_cleanup(pe_relay_window *window) {
  free(window->ring);
  window->ring = NULL;
}

/* ---- the commands ---- */

size_t pe_relay_window_count(const pe_relay_window *window) {
  return window->end - window->first;
}

void pe_relay_window_add(pe_relay_window *window, pe_relay_kind kind, pe_record *record, uint64_t ends_at) {
  assert(pe_relay_window_count(window) < RING);
  *at(window, window->end++) = (pe_relay_handed){kind, record, ends_at};
}

pe_relay_handed *pe_relay_window_answer(pe_relay_window *window) {
  return at(window, window->answered++);
}

bool pe_relay_window_is_answered(const pe_relay_window *window) {
  return window->answered == window->end;
}

bool pe_relay_window_owes_wait(const pe_relay_window *window) {
  return pe_relay_window_count(window) > 0 && pe_relay_window_is_answered(window);
}

bool pe_relay_window_trim(pe_relay_window *window) {
  while (pe_relay_window_count(window) > 0 && !at(window, window->end - 1)->record)
    window->answered = --window->end;
  return pe_relay_window_count(window) > 0;
}

/* ---- what becomes of their events ---- */

static void finish(pe_relay_window *window, pe_record *record, pe_outcome outcome, pe_error code, const char *message,
                   int64_t now) {
  const pe_result_words words = {0, NULL, message};
  const pe_queue_answer answer = {0, code, message ? message : "", 0};
  pe_ends_end(window->ends, record, outcome, code, &words, &answer, now);
  window->has_settled = true;
}

void pe_relay_window_settle(pe_relay_window *window, int64_t now) {
  for (; window->first < window->answered; window->first++) {
    pe_relay_handed *each = at(window, window->first);
    if (each->record) finish(window, each->record, PE_RELAYED, PE_OK, NULL, now);
    each->record = NULL;
  }
}

void pe_relay_window_give_back(pe_relay_window *window, pe_record *record, const pe_redis_trouble *trouble,
                               bool maybe_sent, int64_t due, int64_t now) {
  const pe_queue_answer answer = {0, trouble->error, trouble->message, 0};
  window->has_settled = true;
  if (maybe_sent && !window->retry_ambiguous)
    finish(window, record, PE_UNKNOWN, trouble->error, trouble->message, now);
  else if (!pe_ends_again(window->ends, record, due, &answer))
    finish(window, record, PE_DROPPED, PE_WITHDRAWN, trouble->message, now);
}

void pe_relay_window_refuse(pe_relay_window *window, pe_relay_handed *its, const pe_redis_trouble *trouble, int64_t due,
                            int64_t now) {
  if (its->record) pe_relay_window_give_back(window, its->record, trouble, false, due, now);
  its->record = NULL;
}

void pe_relay_window_lose(pe_relay_window *window, const pe_redis_trouble *trouble, uint64_t sent, int64_t due,
                          int64_t now) {
  for (; window->first < window->end; window->first++) {
    pe_relay_handed *each = at(window, window->first);
    bool maybe_sent = each->ends_at <= sent && trouble->error != PE_TLS;
    if (each->record) pe_relay_window_give_back(window, each->record, trouble, maybe_sent, due, now);
    each->record = NULL;
  }
  window->answered = window->first;
}

void pe_relay_window_cancel(pe_relay_window *window, uint64_t sent, int64_t now) {
  for (; window->first < window->end; window->first++) {
    const pe_relay_handed *each = at(window, window->first);
    if (each->record) pe_ends_cancel(window->ends, each->record, each->ends_at <= sent, now);
  }
}
