#include "delivery/submissions.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"

/* One that stood in line is not begun with less time than this: it would only turn a "no" into a "perhaps". */
static const int64_t LEAST_TIME = 50 * PE_MILLISECOND;

typedef struct submission_lane {
  pe_lane lane;
  pe_submission *submission; /* in flight; NULL: the lane is free */
} submission_lane;

struct pe_submissions {
  pe_post_policy policy;
  const pe_lane_pool *pool;
  size_t *unanswered;
  submission_lane *lanes; /* `width` of them; those from `made` on were never used */
  size_t width, made;
  submission_lane **free_lanes;
  size_t free_count;
  pe_submission *first, *last; /* wait for their turn, the oldest first */
  pe_submission *waiting;      /* for another attempt; few: only what was not taken is tried again */
};

/* ---- the lists ---- */

static void append(pe_submissions *submissions, pe_submission *submission) {
  submission->next = NULL;
  if (submissions->last)
    submissions->last->next = submission;
  else
    submissions->first = submission;
  submissions->last = submission;
}

static pe_submission *take_first(pe_submissions *submissions) {
  pe_submission *submission = submissions->first;
  submissions->first = submission->next;
  if (!submissions->first) submissions->last = NULL;
  return submission;
}

/* What has waited long enough for another attempt goes before those that wait for their first: it is older. */
static void recall_due(pe_submissions *submissions, int64_t now) {
  pe_submission **link = &submissions->waiting;

  while (*link) {
    pe_submission *submission = *link;
    if (submission->due > now) {
      link = &submission->next;
      continue;
    }
    *link = submission->next;
    submission->next = submissions->first;
    submissions->first = submission;
    if (!submissions->last) submissions->last = submission;
  }
}

/* ---- answering ---- */

static void answer(pe_submissions *submissions, pe_submission *submission, int64_t now) {
  submission->result.elapsed = now - submission->begun_at;
  (void)__atomic_sub_fetch(submissions->unanswered, 1, __ATOMIC_RELAXED);
  pe_submission_answer(submission);
}

/* One that could not be tried (again): what its last attempt brought stands, if there was one. */
static void give_up(pe_submissions *submissions, pe_submission *submission, pe_error error, int64_t now) {
  if (submission->result.attempts == 0) pe_attempt_fail(&submission->result.last, error);
  answer(submissions, submission, now);
}

/* The submission's attempt is over. */
static void settle(pe_submissions *submissions, pe_submission *submission, int64_t now) {
  pe_post_result *result = &submission->result;

  pe_attempt_judge(&result->last, submissions->policy.accept);
  if (!pe_post_again(&submissions->policy, result, submission->deadline, now, pe_random_unit, &submission->due)) {
    answer(submissions, submission, now);
    return;
  }
  submission->next = submissions->waiting;
  submissions->waiting = submission;
}

static void ended(pe_lane *lane, int64_t now) {
  submission_lane *self = (submission_lane *)lane;
  pe_submissions *submissions = lane->owner;
  pe_submission *submission = self->submission;

  self->submission = NULL;
  submissions->free_lanes[submissions->free_count++] = self;
  settle(submissions, submission, now);
}

/* ---- posting ---- */

static bool has_lane(const pe_submissions *submissions) {
  return submissions->free_count > 0 || submissions->made < submissions->width;
}

/* NULL: all are busy. */
static submission_lane *take_lane(pe_submissions *submissions) {
  submission_lane *lane;
  if (!has_lane(submissions)) return NULL;
  if (submissions->free_count > 0) return submissions->free_lanes[--submissions->free_count];
  lane = &submissions->lanes[submissions->made++];
  pe_lane_init(&lane->lane, ended, submissions);
  return lane;
}

static void begin(pe_submissions *submissions, submission_lane *self, pe_submission *submission, int64_t now) {
  self->submission = submission;
  submission->result.attempts++;
  if (!pe_lane_begin(&self->lane, submissions->pool, submission->body, submission->size, submission->deadline - now,
                     &submission->result.last))
    ended(&self->lane, now);
}

static bool is_too_late(const pe_submission *submission, int64_t now) {
  int64_t least = (submission->deadline - submission->begun_at) / 8;
  return submission->deadline - now < (least < LEAST_TIME ? least : LEAST_TIME);
}

void pe_submissions_run(pe_submissions *submissions, int64_t now) {
  recall_due(submissions, now);
  while (submissions->first) {
    submission_lane *lane = NULL;
    if (is_too_late(submissions->first, now)) {
      give_up(submissions, take_first(submissions), PE_TIMEOUT, now);
      continue;
    }
    lane = take_lane(submissions);
    if (!lane) break;
    begin(submissions, lane, take_first(submissions), now);
  }
}

int64_t pe_submissions_next(const pe_submissions *submissions) {
  int64_t next = INT64_MAX;

  for (const pe_submission *submission = submissions->waiting; submission; submission = submission->next)
    if (submission->due < next) next = submission->due;
  if (!submissions->first) return next;
  if (has_lane(submissions)) return 0;
  return submissions->first->deadline < next ? submissions->first->deadline : next;
}

/* ---- life cycle ---- */

pe_submissions *pe_submissions_new(const pe_post_policy *policy, const pe_lane_pool *pool, size_t width,
                                   size_t *unanswered) {
  pe_submissions *made = calloc(1, sizeof *made);

  if (!made) return NULL;
  made->policy = *policy;
  made->pool = pool;
  made->unanswered = unanswered;
  made->width = width;
  made->lanes = calloc(width + 1, sizeof *made->lanes); /* for 0, calloc may return NULL */
  made->free_lanes = calloc(width + 1, sizeof *made->free_lanes);
  if (made->lanes && made->free_lanes) return made;
  pe_submissions_free(made);
  return NULL;
}

void pe_submissions_free(pe_submissions *submissions) {
  if (!submissions) return;
  free(submissions->lanes);
  free(submissions->free_lanes);
  free(submissions);
}

void pe_submissions_add(pe_submissions *submissions, pe_submission *first) {
  while (first) {
    pe_submission *next = first->next;
    append(submissions, first);
    first = next;
  }
}

bool pe_submissions_any(const pe_submissions *submissions) {
  return submissions->first || submissions->waiting || submissions->free_count < submissions->made;
}

/* What is in flight is given up: its event may have arrived. */
static void cancel(pe_submissions *submissions, submission_lane *self) {
  pe_post_result *result = &self->submission->result;
  pe_sent sent = pe_lane_cancel(&self->lane);

  pe_attempt_fail(&result->last, sent == PE_SENT_NO ? PE_CLOSED : PE_INTERRUPTED);
  result->last.transfer.sent = sent;
  append(submissions, self->submission);
  self->submission = NULL;
}

void pe_submissions_end(pe_submissions *submissions, int64_t now) {
  for (size_t i = 0; i < submissions->made; i++) {
    submission_lane *self = &submissions->lanes[i];
    if (self->submission) cancel(submissions, self);
    pe_lane_close(&self->lane);
  }
  recall_due(submissions, INT64_MAX);
  while (submissions->first)
    give_up(submissions, take_first(submissions), PE_CLOSED, now);
}
