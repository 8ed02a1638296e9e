#include "delivery/submission.h"

#include <stdlib.h>
#include <string.h>

static void dispose(pe_waker_node *node) {
  pe_submission_free((pe_submission *)node);
}

pe_submission *pe_submission_new(pe_waker *waker, uint64_t number, const char *body, size_t size) {
  pe_submission *submission = malloc(offsetof(pe_submission, body) + size);

  if (!submission) return NULL;
  memset(submission, 0, offsetof(pe_submission, body));
  submission->node.dispose = dispose;
  submission->number = number;
  submission->waker = pe_waker_share(waker);
  pe_post_result_init(&submission->result);
  submission->size = size;
  memcpy(submission->body, body, size);
  return submission;
}

void pe_submission_free(pe_submission *submission) {
  if (!submission) return;
  pe_post_result_cleanup(&submission->result);
  pe_waker_release(submission->waker);
  free(submission);
}

void pe_submission_answer(pe_submission *submission) {
  pe_waker_put(submission->waker, &submission->node);
}

pe_submission *pe_submission_take(pe_waker *waker) {
  return (pe_submission *)pe_waker_take(waker);
}
