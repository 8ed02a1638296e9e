#include "delivery/ends.h"

#include <stdlib.h>

static void put_result(const pe_ends *ends, const pe_record *record, pe_outcome outcome, pe_error code,
                       const pe_result_words *words, int64_t now) {
  if (pe_results_wanted(ends->results)) pe_results_put(ends->results, pe_result_new(record, outcome, code, words, now));
}

static void leave_spool(pe_spool *spool, const pe_record *record, pe_outcome outcome, pe_error code,
                        const pe_result_words *words) {
  const pe_spool_end end = {.outcome = outcome,
                            .code = code,
                            .message = words->trouble,
                            .http_status = words->http_status,
                            .reply = words->reply ? words->reply->message : NULL,
                            .reply_size = words->reply ? words->reply->message_size : 0};
  pe_spool_end_event(spool, record, &end);
}

/* The result first: who has waited for the queue (flush) finds it. */
void pe_ends_end(const pe_ends *ends, pe_record *record, pe_outcome outcome, pe_error code,
                 const pe_result_words *words, const pe_queue_answer *answer, int64_t now) {
  put_result(ends, record, outcome, code, words, now);
  if (ends->spool) leave_spool(ends->spool, record, outcome, code, words);
  pe_queue_end(ends->queue, record, outcome, code, answer, now);
  free(record);
}

bool pe_ends_again(const pe_ends *ends, pe_record *record, int64_t due, const pe_queue_answer *answer) {
  if (ends->spool) pe_spool_tried(ends->spool, record); /* before: it may leave memory at once */
  return pe_queue_retry(ends->queue, record, due, answer);
}

/* Without an attempt. */
static void end_unasked(const pe_ends *ends, pe_record *record, pe_outcome outcome, pe_error code, int64_t now) {
  const pe_result_words none = {0, NULL, NULL};
  pe_ends_end(ends, record, outcome, code, &none, NULL, now);
}

void pe_ends_cancel(const pe_ends *ends, pe_record *record, bool maybe_sent, int64_t now) {
  if (!pe_queue_cancel(ends->queue, record, maybe_sent, now)) end_unasked(ends, record, PE_DROPPED, PE_WITHDRAWN, now);
}

bool pe_ends_give_up(const pe_ends *ends, int64_t now) {
  pe_record *record;
  bool any = false;
  while ((record = pe_queue_take_expired(ends->queue, now))) {
    end_unasked(ends, record, PE_EXPIRED, PE_OK, now);
    any = true;
  }
  while ((record = pe_queue_take_withdrawn(ends->queue))) {
    end_unasked(ends, record, PE_DROPPED, PE_WITHDRAWN, now);
    any = true;
  }
  return any;
}
