#include "client.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "random.h"

static const int64_t RETRY_AFTER_MAX = 300 * PE_SECOND; /* design.md: a reply may not put us to sleep for longer */

struct pe_client {
  /* immutable */
  pe_accept accept; /* codes owned */
  int64_t timeout;
  int attempts;
  pe_retry_policy retry;
  /* the owner's thread */
  pe_http *http;
};

static pe_error copy_codes(pe_accept from, pe_accept *to) {
  int64_t *codes = malloc((from.count > 0 ? from.count : 1) * sizeof *codes);
  if (!codes) return PE_NO_MEMORY;
  if (from.count > 0) memcpy(codes, from.codes, from.count * sizeof *codes);
  to->codes = codes;
  to->count = from.count;
  return PE_OK;
}

pe_error pe_client_new(const pe_client_config *config, pe_client **client, const char **why) {
  pe_error error = PE_NO_MEMORY;
  pe_client *new_client = calloc(1, sizeof *new_client);

  *why = pe_error_text(PE_NO_MEMORY);
  if (!new_client) goto out;
  new_client->timeout = config->timeout;
  new_client->attempts = config->attempts;
  new_client->retry = config->retry;
  error = copy_codes(config->accept, &new_client->accept);
  if (error) goto out;
  error = pe_http_new(&config->http, &new_client->http, why);
  if (error) goto out;
  error = pe_http_set_credentials(new_client->http, config->credentials);
  if (error) goto out;
  *client = new_client;
  new_client = NULL;
out:
  pe_client_free(new_client);
  return error;
}

void pe_client_free(pe_client *client) {
  if (!client) return;
  pe_http_free(client->http);
  free((void *)client->accept.codes);
  free(client);
}

pe_error pe_client_set_credentials(pe_client *client, pe_http_credentials credentials) {
  return pe_http_set_credentials(client->http, credentials);
}

/* One attempt, its reply read. */
static void attempt(pe_client *client, const char *body, size_t size, int64_t time_left, pe_post_result *post) {
  pe_http_result *transfer = &post->transfer;
  bool usable;

  pe_reply_cleanup(&post->reply);
  pe_http_post(client->http, body, size, time_left, transfer);
  post->attempts++;
  post->error = transfer->error;
  post->http_status = transfer->http_status;
  post->retry_after = transfer->retry_after < RETRY_AFTER_MAX ? transfer->retry_after : RETRY_AFTER_MAX;
  post->sent = transfer->sent; /* of the last attempt: only what was not taken is ever repeated */
  if (transfer->error != PE_OK) return;
  usable = transfer->body_is_usable && transfer->body.data;
  (void)pe_reply_read(transfer->http_status, usable ? transfer->body.data : NULL, transfer->body.size, client->accept,
                      &post->error, &post->reply);
}

/* Whether the same event may be posted again without a risk that it counts twice: it was not sent, or the platform
 * said that it did not take it and asked to come back. 408 and the other 5xx say nothing of the kind. */
static bool may_repeat(const pe_post_result *post) {
  if (post->http_status > 0) return post->http_status == 429 || post->http_status == 503 || post->http_status == 425;
  return post->sent == PE_SENT_NO && (post->error == PE_UNREACHABLE || post->error == PE_TIMEOUT);
}

void pe_post_result_init(pe_post_result *result) {
  memset(result, 0, sizeof *result);
  pe_buffer_init(&result->transfer.body, PE_HTTP_BODY_CEILING);
}

void pe_post_result_cleanup(pe_post_result *result) {
  pe_reply_cleanup(&result->reply);
  pe_buffer_cleanup(&result->transfer.body);
}

void pe_client_post(pe_client *client, const char *body, size_t size, pe_post_result *post) {
  int64_t start = pe_clock_monotonic();
  int64_t deadline = start + client->timeout;
  int64_t now = start;

  post->attempts = 0;
  for (;;) {
    int64_t delay;
    attempt(client, body, size, deadline - now, post);
    now = pe_clock_monotonic();
    if (!may_repeat(post) || post->attempts >= client->attempts) break;
    delay = pe_retry_delay(&client->retry, post->attempts, post->retry_after, pe_random_unit());
    if (delay >= deadline - now) break;
    pe_clock_sleep(delay);
    now = pe_clock_monotonic();
    if (now >= deadline) break;
  }
  post->elapsed = now - start;
}
