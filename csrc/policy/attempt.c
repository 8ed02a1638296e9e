#include "policy/attempt.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "http/secrets.h"

enum { USUAL_BODY = 2048 }; /* bytes; a documented reply has 160 */

static const int64_t RETRY_AFTER_MAX = 300 * PE_SECOND; /* design.md: a reply may not put us to sleep for longer */

void pe_attempt_init(pe_attempt *attempt) {
  memset(attempt, 0, sizeof *attempt);
  pe_buffer_init(&attempt->transfer.body, PE_HTTP_BODY_CEILING);
}

void pe_attempt_cleanup(pe_attempt *attempt) {
  pe_reply_cleanup(&attempt->reply);
  pe_buffer_cleanup(&attempt->transfer.body);
}

void pe_attempt_forget(pe_attempt *attempt) {
  pe_reply_cleanup(&attempt->reply);
  if (attempt->transfer.body.capacity > USUAL_BODY) pe_buffer_cleanup(&attempt->transfer.body);
}

/* What becomes of an event that no reply came for. */
static pe_verdict judge_trouble(pe_error error) {
  switch (error) {
  case PE_UNAUTHORIZED: /* the proxy's 407 */
  case PE_BAD_REPLY: return PE_VERDICT_HOLD;
  default: return PE_VERDICT_RETRY;
  }
}

/* Whether the status alone says that the event was not taken: no matter how the rest of the reply came to an end. */
static bool is_declined(const pe_http_result *transfer) {
  switch (transfer->http_status) {
  case 425:
  case 429:
  case 503: return transfer->sent != PE_SENT_NO;
  default: return false;
  }
}

/* What broke is a reply after all, whose body cannot be used. */
static void take_as_reply(pe_http_result *transfer) {
  transfer->error = PE_OK;
  transfer->sent = PE_SENT_YES;
  transfer->body_is_usable = false;
  transfer->message[0] = '\0';
}

/* A server may quote what it was sent: neither a message nor a log shows it. The texts are the attempt's own. Of a page
 * all is hidden before a part of it is taken: that may end within a secret, of which the beginning would show. */
static void hide_secrets(pe_attempt *attempt, pe_buffer *page) {
  const pe_secrets *secrets = attempt->transfer.secrets;
  pe_reply *reply = &attempt->reply;
  if (page && pe_reply_is_page(reply)) {
    if (page->size > PE_HTTP_BODY_CEILING) page->size = PE_HTTP_BODY_CEILING; /* of what was to be a document */
    page->size = pe_secrets_hide(secrets, page->data, page->size);
    pe_reply_read_page(page->data, page->size, reply);
  }
  if (reply->message) reply->message_size = pe_secrets_hide(secrets, (char *)reply->message, reply->message_size);
  if (reply->request_id)
    reply->request_id_size = pe_secrets_hide(secrets, (char *)reply->request_id, reply->request_id_size);
}

static bool is_secret(const pe_secrets *secrets, const char *format, unsigned long long number) {
  char text[32], shown[sizeof text];
  int size = snprintf(text, sizeof text, format, number);
  memcpy(shown, text, sizeof shown);
  return pe_secrets_hide(secrets, shown, (size_t)size) != (size_t)size || memcmp(shown, text, (size_t)size) != 0;
}

/* What was sent comes back in digits, too, of which a number has lost the zeros: then no code is shown. One that counts
 * as delivered is the program's own word, and what a code means has been read by now. */
static void hide_code(pe_attempt *attempt) {
  const pe_secrets *secrets = attempt->transfer.secrets;
  pe_reply *reply = &attempt->reply;
  uint64_t number = reply->status_code < 0 ? 0 - (uint64_t)reply->status_code : (uint64_t)reply->status_code;

  if (!reply->has_status || attempt->error == PE_OK) return;
  if (!is_secret(secrets, "%llu", number) && !is_secret(secrets, "%020llu", number)) return;
  reply->has_status = false;
  reply->status_code = 0;
}

/* Whether the connection ended in an answer that depends on its body. It is no portal's page, and says nothing of the
 * address. */
static bool is_lost(const pe_attempt *attempt) {
  bool depends = attempt->error == PE_BAD_REPLY || attempt->transfer.http_status == 400;
  return depends && attempt->transfer.body_is_cut && !attempt->reply.document;
}

void pe_attempt_judge(pe_attempt *attempt, pe_accept accept) {
  pe_http_result *transfer = &attempt->transfer;
  bool usable;

  if (transfer->error != PE_OK && is_declined(transfer)) take_as_reply(transfer);
  usable = transfer->body_is_usable && transfer->body.data;
  pe_reply_cleanup(&attempt->reply);
  attempt->error = transfer->error;
  attempt->retry_after = transfer->retry_after < RETRY_AFTER_MAX ? transfer->retry_after : RETRY_AFTER_MAX;
  if (transfer->error != PE_OK) {
    attempt->verdict = judge_trouble(transfer->error);
    return;
  }
  attempt->verdict = pe_reply_read(transfer->http_status, usable ? transfer->body.data : NULL, transfer->body.size,
                                   accept, &attempt->error, &attempt->reply);
  hide_secrets(attempt, usable ? &transfer->body : NULL);
  hide_code(attempt);
  if (is_lost(attempt)) {
    attempt->error = PE_INTERRUPTED;
    attempt->verdict = PE_VERDICT_RETRY;
    attempt->transfer.sent = PE_SENT_MAYBE;
  }
}

bool pe_attempt_may_have_arrived(const pe_attempt *attempt) {
  long status = attempt->transfer.http_status;

  if (attempt->transfer.sent == PE_SENT_NO) return false;
  switch (attempt->error) {
  case PE_NO_MEMORY: /* where the answer was to be read */
  case PE_TIMEOUT:
  case PE_INTERRUPTED:
  case PE_BAD_REPLY: return true;
  case PE_UNAVAILABLE: /* who says 408, 500 or 504 may have passed the event on before; 425, 503 and 7301 refuse it */
    return status == 408 || (status >= 500 && status != 503);
  default: return false;
  }
}

void pe_attempt_fail(pe_attempt *attempt, pe_error error) {
  pe_http_result *transfer = &attempt->transfer;
  const pe_accept none = {NULL, 0};

  transfer->error = error;
  transfer->sent = PE_SENT_NO;
  transfer->http_status = 0;
  transfer->retry_after = 0;
  transfer->body_is_usable = false;
  transfer->secrets = NULL;
  (void)snprintf(transfer->message, sizeof transfer->message, "%s", pe_error_text(error));
  pe_attempt_judge(attempt, none);
}
