#include "delivery/inbox.h"

#include <string.h>

bool pe_inbox_init(pe_inbox *inbox) {
  memset(inbox, 0, sizeof *inbox);
  inbox->finish_by = INT64_MAX;
  pe_bounds_init(&inbox->bounds);
  return pe_mutex_init(&inbox->lock);
}

void pe_inbox_cleanup(pe_inbox *inbox) {
  pe_credentials_free(inbox->credentials);
  pe_mutex_destroy(&inbox->lock);
}

void pe_inbox_open(pe_inbox *inbox, pe_transport *way) {
  inbox->way = way;
}

void pe_inbox_wake(pe_inbox *inbox) {
  pe_mutex_lock(&inbox->lock);
  if (inbox->way) inbox->way->class->wake(inbox->way);
  pe_mutex_unlock(&inbox->lock);
}

void pe_inbox_ask_to_finish(pe_inbox *inbox, int64_t deadline) {
  pe_mutex_lock(&inbox->lock);
  if (deadline < inbox->finish_by) inbox->finish_by = deadline;
  if (inbox->way && inbox->way->class->hurry) inbox->way->class->hurry(inbox->way, inbox->finish_by);
  pe_mutex_unlock(&inbox->lock);
  pe_inbox_wake(inbox);
}

void pe_inbox_set_credentials(pe_inbox *inbox, pe_credentials *credentials) {
  pe_credentials *unused;

  pe_mutex_lock(&inbox->lock);
  unused = inbox->credentials;
  inbox->credentials = credentials;
  pe_mutex_unlock(&inbox->lock);
  pe_credentials_free(unused);
  pe_inbox_wake(inbox);
}

int64_t pe_inbox_allow(pe_inbox *inbox, int64_t attempts) {
  int64_t left = pe_bounds_allow(&inbox->bounds, attempts);
  if (attempts > 0) pe_inbox_wake(inbox);
  return left;
}

void pe_inbox_silence(pe_inbox *inbox, bool silent) {
  pe_bounds_silence(&inbox->bounds, silent);
  pe_inbox_wake(inbox);
}

/* With the lock held. */
static void append(pe_inbox *inbox, pe_submission *submission) {
  submission->next = NULL;
  if (inbox->first)
    inbox->last->next = submission;
  else
    inbox->first = submission;
  inbox->last = submission;
  (void)__atomic_add_fetch(&inbox->unanswered, 1, __ATOMIC_RELAXED);
}

pe_error pe_inbox_submit(pe_inbox *inbox, pe_submission *submission, size_t limit) {
  pe_error error = PE_OK;

  pe_mutex_lock(&inbox->lock);
  if (!inbox->way)
    error = PE_CLOSED;
  else if (__atomic_load_n(&inbox->unanswered, __ATOMIC_RELAXED) >= limit)
    error = PE_QUEUE_FULL;
  if (error == PE_OK) {
    append(inbox, submission);
    if (inbox->resting) inbox->way->class->wake(inbox->way);
    inbox->resting = false; /* one of many wakes it */
  }
  pe_mutex_unlock(&inbox->lock);
  return error;
}

/* With the lock held. */
static pe_submission *take_submissions(pe_inbox *inbox) {
  pe_submission *first = inbox->first;
  inbox->first = inbox->last = NULL;
  return first;
}

pe_inbox_content pe_inbox_take(pe_inbox *inbox) {
  pe_inbox_content content;

  pe_mutex_lock(&inbox->lock);
  content = (pe_inbox_content){inbox->credentials, take_submissions(inbox), inbox->finish_by};
  inbox->credentials = NULL;
  inbox->resting = false;
  pe_mutex_unlock(&inbox->lock);
  return content;
}

bool pe_inbox_rest(pe_inbox *inbox) {
  bool may_rest;
  pe_mutex_lock(&inbox->lock);
  may_rest = inbox->resting = !inbox->first;
  pe_mutex_unlock(&inbox->lock);
  return may_rest;
}

pe_submission *pe_inbox_close(pe_inbox *inbox) {
  pe_submission *left;
  pe_mutex_lock(&inbox->lock);
  inbox->way = NULL;
  left = take_submissions(inbox);
  pe_mutex_unlock(&inbox->lock);
  return left;
}
