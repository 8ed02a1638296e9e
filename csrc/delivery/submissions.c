#include "delivery/submissions.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"

/* One that stood in line is not begun with less time than this: it would only turn a "no" into a "perhaps". */
static const int64_t LEAST_TIME = 50 * PE_MILLISECOND;

typedef struct request_lane {
  pe_lane lane;
  pe_request *request; /* in flight; NULL: the lane is free */
} request_lane;

struct pe_requests {
  pe_post_policy policy;
  const pe_lane_pool *pool;
  size_t *unanswered;
  request_lane *lanes; /* `width` of them; those from `made` on were never used */
  size_t width, made;
  request_lane **free_lanes;
  size_t free_count;
  pe_request *first, *last; /* wait for their turn, the oldest first */
  pe_request *waiting;      /* for another attempt; few: only what was not taken is tried again */
};

/* ---- the lists ---- */

static void append(pe_requests *requests, pe_request *request) {
  request->next = NULL;
  if (requests->last)
    requests->last->next = request;
  else
    requests->first = request;
  requests->last = request;
}

static pe_request *take_first(pe_requests *requests) {
  pe_request *request = requests->first;
  requests->first = request->next;
  if (!requests->first) requests->last = NULL;
  return request;
}

/* What has waited long enough for another attempt goes before those that wait for their first: it is older. */
static void recall_due(pe_requests *requests, int64_t now) {
  pe_request **link = &requests->waiting;

  while (*link) {
    pe_request *request = *link;
    if (request->due > now) {
      link = &request->next;
      continue;
    }
    *link = request->next;
    request->next = requests->first;
    requests->first = request;
    if (!requests->last) requests->last = request;
  }
}

/* ---- answering ---- */

static void answer(pe_requests *requests, pe_request *request, int64_t now) {
  request->result.elapsed = now - request->begun_at;
  (void)__atomic_sub_fetch(requests->unanswered, 1, __ATOMIC_RELAXED);
  pe_waker_put(request->waker, request);
}

/* One that could not be tried (again): what its last attempt brought stands, if there was one. */
static void give_up(pe_requests *requests, pe_request *request, pe_error error, int64_t now) {
  if (request->result.attempts == 0) pe_attempt_fail(&request->result.last, error);
  answer(requests, request, now);
}

/* The request's attempt is over. */
static void settle(pe_requests *requests, pe_request *request, int64_t now) {
  pe_post_result *result = &request->result;

  pe_attempt_judge(&result->last, requests->policy.accept);
  if (!pe_post_again(&requests->policy, result, request->deadline, now, pe_random_unit(), &request->due)) {
    answer(requests, request, now);
    return;
  }
  request->next = requests->waiting;
  requests->waiting = request;
}

static void ended(pe_lane *lane, int64_t now) {
  request_lane *self = (request_lane *)lane;
  pe_requests *requests = lane->owner;
  pe_request *request = self->request;

  self->request = NULL;
  requests->free_lanes[requests->free_count++] = self;
  settle(requests, request, now);
}

/* ---- posting ---- */

static bool has_lane(const pe_requests *requests) {
  return requests->free_count > 0 || requests->made < requests->width;
}

/* NULL: all are busy. */
static request_lane *take_lane(pe_requests *requests) {
  request_lane *lane;
  if (!has_lane(requests)) return NULL;
  if (requests->free_count > 0) return requests->free_lanes[--requests->free_count];
  lane = &requests->lanes[requests->made++];
  pe_lane_init(&lane->lane, ended, requests);
  return lane;
}

static void begin(pe_requests *requests, request_lane *self, pe_request *request, int64_t now) {
  self->request = request;
  request->result.attempts++;
  if (!pe_lane_begin(&self->lane, requests->pool, request->body, request->size, request->deadline - now,
                     &request->result.last))
    ended(&self->lane, now);
}

static bool is_too_late(const pe_request *request, int64_t now) {
  int64_t least = (request->deadline - request->begun_at) / 8;
  return request->deadline - now < (least < LEAST_TIME ? least : LEAST_TIME);
}

void pe_requests_run(pe_requests *requests, int64_t now) {
  recall_due(requests, now);
  while (requests->first) {
    request_lane *lane = NULL;
    if (is_too_late(requests->first, now)) {
      give_up(requests, take_first(requests), PE_TIMEOUT, now);
      continue;
    }
    lane = take_lane(requests);
    if (!lane) break;
    begin(requests, lane, take_first(requests), now);
  }
}

int64_t pe_requests_next(const pe_requests *requests) {
  int64_t next = INT64_MAX;

  for (const pe_request *request = requests->waiting; request; request = request->next)
    if (request->due < next) next = request->due;
  if (!requests->first) return next;
  if (has_lane(requests)) return 0;
  return requests->first->deadline < next ? requests->first->deadline : next;
}

/* ---- life cycle ---- */

pe_requests *pe_requests_new(const pe_post_policy *policy, const pe_lane_pool *pool, size_t width, size_t *unanswered) {
  pe_requests *made = calloc(1, sizeof *made);

  if (!made) return NULL;
  made->policy = *policy;
  made->pool = pool;
  made->unanswered = unanswered;
  made->width = width;
  made->lanes = calloc(width + 1, sizeof *made->lanes); /* for 0, calloc may return NULL */
  made->free_lanes = calloc(width + 1, sizeof *made->free_lanes);
  if (made->lanes && made->free_lanes) return made;
  pe_requests_free(made);
  return NULL;
}

void pe_requests_free(pe_requests *requests) {
  if (!requests) return;
  free(requests->lanes);
  free(requests->free_lanes);
  free(requests);
}

void pe_requests_add(pe_requests *requests, pe_request *first) {
  while (first) {
    pe_request *next = first->next;
    append(requests, first);
    first = next;
  }
}

bool pe_requests_any(const pe_requests *requests) {
  return requests->first || requests->waiting || requests->free_count < requests->made;
}

/* What is in flight is given up: its event may have arrived. */
static void cancel(pe_requests *requests, request_lane *self) {
  pe_post_result *result = &self->request->result;
  pe_sent sent = pe_lane_cancel(&self->lane);

  pe_attempt_fail(&result->last, sent == PE_SENT_NO ? PE_CLOSED : PE_INTERRUPTED);
  result->last.transfer.sent = sent;
  append(requests, self->request);
  self->request = NULL;
}

void pe_requests_end(pe_requests *requests, int64_t now) {
  for (size_t i = 0; i < requests->made; i++) {
    request_lane *self = &requests->lanes[i];
    if (self->request) cancel(requests, self);
    pe_lane_close(&self->lane);
  }
  recall_due(requests, INT64_MAX);
  while (requests->first)
    give_up(requests, take_first(requests), PE_CLOSED, now);
}
