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

/* A server may quote what it was sent: neither a message nor a log shows it. The texts are the attempt's own. */
static void hide_secrets(pe_attempt *attempt) {
  const pe_secrets *secrets = attempt->transfer.secrets;
  pe_reply *reply = &attempt->reply;
  if (reply->message) reply->message_size = pe_secrets_hide(secrets, (char *)reply->message, reply->message_size);
  if (reply->request_id)
    reply->request_id_size = pe_secrets_hide(secrets, (char *)reply->request_id, reply->request_id_size);
}

void pe_attempt_judge(pe_attempt *attempt, pe_accept accept) {
  const pe_http_result *transfer = &attempt->transfer;
  bool usable = transfer->body_is_usable && transfer->body.data;

  pe_reply_cleanup(&attempt->reply);
  attempt->error = transfer->error;
  attempt->retry_after = transfer->retry_after < RETRY_AFTER_MAX ? transfer->retry_after : RETRY_AFTER_MAX;
  if (transfer->error != PE_OK) {
    attempt->verdict = judge_trouble(transfer->error);
    return;
  }
  attempt->verdict = pe_reply_read(transfer->http_status, usable ? transfer->body.data : NULL, transfer->body.size,
                                   accept, &attempt->error, &attempt->reply);
  hide_secrets(attempt);
  /* An answer of which a part is lost is no portal's page. */
  if (attempt->error == PE_BAD_REPLY && transfer->body_is_cut) attempt->verdict = PE_VERDICT_RETRY;
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
