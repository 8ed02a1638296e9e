/* What a client does: posts, tracks, tells, ends. Its life is in client_life.c. */
#include "delivery/client.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "delivery/client_private.h"

pe_error pe_client_set_credentials(pe_client *client, pe_http_credentials credentials) {
  pe_credentials *given = pe_credentials_new(credentials);
  pe_error error = PE_NO_MEMORY;

  if (!given || !pe_client_own(client)) goto out;
  error = client->own->sender ? pe_sender_set_credentials(client->own->sender, credentials) : PE_OK;
  if (error) goto out;
  if (client->own->connection && pe_http_set_credentials(client->own->connection, credentials) != PE_OK) {
    pe_http_free(client->own->connection); /* the next post makes one with the new ones */
    client->own->connection = NULL;
  }
  pe_credentials_free(client->credentials);
  client->credentials = given;
  given = NULL;
out:
  pe_credentials_free(given);
  return error;
}

/* ---- post ---- */

/* The connection that posts of this process share, made for the first of them. */
static pe_error connect(pe_client *client) {
  pe_http *made = NULL;
  pe_error error = PE_NO_MEMORY;

  if (!pe_client_own(client)) return PE_NO_MEMORY;
  if (client->own->connection) return PE_OK;
  error = pe_http_new(client->plan, &made, NULL);
  if (error == PE_OK) error = pe_http_set_credentials(made, pe_credentials_view(client->credentials));
  if (error == PE_OK && client->trace) error = pe_http_trace_start(made, client->trace);
  if (error == PE_OK)
    client->own->connection = made;
  else
    pe_http_free(made);
  return error;
}

void pe_client_post(pe_client *client, const char *body, size_t size, pe_post_result *post) {
  int64_t start = pe_clock_monotonic();
  int64_t deadline = start + client->post.timeout;
  int64_t now = start, due = start;
  pe_error error = connect(client);

  post->attempts = 0;
  while (error == PE_OK && now < deadline) {
    pe_http_post(client->own->connection, body, size, deadline - now, &post->last.transfer);
    pe_attempt_judge(&post->last, client->post.accept);
    post->attempts++;
    now = pe_clock_monotonic();
    if (!pe_post_again(&client->post, post, deadline, now, pe_random_unit, &due)) break;
    pe_clock_sleep(due - now);
    now = pe_clock_monotonic();
  }
  if (error == PE_OK && post->attempts == 0) error = PE_TIMEOUT;
  if (error != PE_OK) pe_attempt_fail(&post->last, error);
  if (error == PE_OK && client->trace) pe_http_trace_hide(client->own->connection, client->trace);
  post->elapsed = now - start;
}

pe_http_trace *pe_client_trace(pe_client *client) {
  if (!client) return NULL;
  if (!client->trace && client->plan) client->trace = pe_http_trace_new();
  return client->trace;
}

pe_error pe_client_submit(pe_client *client, pe_waker *waker, uint64_t number, const char *body, size_t size) {
  pe_error error = pe_client_start(client);
  pe_submission *submission;

  if (error) return error;
  submission = pe_submission_new(waker, number, body, size);
  if (!submission) return PE_NO_MEMORY;
  submission->begun_at = pe_clock_monotonic();
  submission->deadline = submission->begun_at + client->post.timeout;
  error = pe_sender_submit(client->own->sender, submission, client->queue.max_events);
  if (error) pe_submission_free(submission);
  return error;
}

/* ---- track ---- */

/* Unless it runs. */
static pe_error start_sender(pe_client *client) {
  pe_sender_config config;

  if (client->own->sender) return PE_OK;
  config = client->sender;
  config.plan = client->plan;
  config.post = client->post;
  config.queue = client->own->queue;
  config.results = client->own->results;
  return pe_sender_start(&config, pe_credentials_view(client->credentials), &client->own->sender);
}

static bool has_disk(const pe_client *client) {
  return client->can_send && client->sender.spool.directory;
}

/* What other processes had left on disk when it was withdrawn. */
static bool has_to_drop(const pe_client *client) {
  return client->withdrawn_at != 0 && has_disk(client);
}

pe_error pe_client_start(pe_client *client) {
  if (client->closed) return PE_CLOSED;
  if (!pe_client_own(client)) return PE_NO_MEMORY;
  return client->sends || has_to_drop(client) ? start_sender(client) : PE_OK;
}

static void put_result(pe_client *client, const pe_record *record, pe_outcome outcome, pe_error code,
                       const pe_result_words *words, int64_t now) {
  if (pe_results_wanted(client->own->results))
    pe_results_put(client->own->results, pe_result_new(record, outcome, code, words, now));
}

/* Of a spool the sender frees them, with their places on disk. */
static void tell_dropped(pe_client *client, pe_record *dropped, pe_error code, int64_t now) {
  const pe_result_words none = {0, NULL, NULL};
  for (const pe_record *record = dropped; record; record = record->newer)
    put_result(client, record, PE_DROPPED, code, &none, now);
  if (pe_queue_forget(client->own->queue, dropped)) pe_sender_wake(client->own->sender);
}

/* Mode "record": as if it had been delivered. */
static pe_error pass(pe_client *client, const pe_event *event, uint64_t *ticket, int64_t now) {
  char request_id[PE_UUID_LENGTH + 1];
  pe_reply reply = {.has_status = true, .status_code = 1100};
  const pe_result_words words = {200, &reply, NULL};
  pe_record *record;
  pe_error error = pe_queue_pass(client->own->queue, event, now, &record);

  if (error) return error;
  pe_random_uuid7(request_id, pe_clock_wall());
  reply.message = PE_RECORDED;
  reply.message_size = strlen(PE_RECORDED);
  reply.request_id = request_id;
  reply.request_id_size = PE_UUID_LENGTH;
  *ticket = record->ticket;
  put_result(client, record, PE_DELIVERED, PE_OK, &words, now);
  free(record);
  return PE_OK;
}

pe_error pe_client_track(pe_client *client, const pe_event *event, uint64_t *ticket) {
  int64_t now = pe_clock_monotonic();
  pe_error error = client->closed ? PE_CLOSED : pe_client_start(client);
  pe_push push;

  if (error) {
    pe_client_refuse(client, error);
    return error;
  }
  if (!client->sends) return pass(client, event, ticket, now);
  error = pe_queue_push(client->own->queue, event, now, &push);
  if (error) return error;
  if (push.wake) pe_sender_wake(client->own->sender);
  tell_dropped(client, push.dropped, PE_QUEUE_FULL, now);
  *ticket = push.ticket;
  return client->queue.awaits ? pe_queue_await(client->own->queue) : PE_OK;
}

/* What earlier runs have left on disk is the sender's to end: it starts for that, but not before it can see that
 * nothing of it is to be sent. Without one nothing is pending: where it does not start, what was said is taken back. */
static pe_error start_to_drop(pe_client *client, int64_t now) {
  pe_queue *queue = client->own->queue;
  int64_t before;
  pe_error error;

  (void)pe_queue_is_serving(queue, &before);
  (void)pe_queue_withdraw(queue, now);
  error = start_sender(client);
  if (error) (void)pe_queue_withdraw(queue, before);
  return error;
}

static pe_error withdraw(pe_client *client, bool may_start, int64_t now) {
  pe_error error = PE_OK;
  if (client->own->sender || !may_start || !has_disk(client))
    tell_dropped(client, pe_queue_withdraw(client->own->queue, now), PE_WITHDRAWN, now);
  else
    error = start_to_drop(client, now);
  if (error) return error;
  client->withdrawn_at = now;
  if (client->own->sender) pe_sender_wake(client->own->sender);
  return PE_OK;
}

pe_error pe_client_set_mode(pe_client *client, bool sends, pe_pending pending, bool may_start) {
  int64_t now = pe_clock_monotonic();
  pe_error error;
  if (client->closed) return PE_CLOSED;
  if (!pe_client_own(client)) return PE_NO_MEMORY;
  pe_queue_set_serving(client->own->queue, sends); /* before a sender looks */
  error = pending == PE_PENDING_DROP ? withdraw(client, may_start, now) : PE_OK;
  if (error) pe_queue_set_serving(client->own->queue, client->sends);
  if (error) return error;
  client->sends = sends;
  if (pe_queue_allow(client->own->queue, pending != PE_PENDING_KEEP, now)) pe_sender_wake(client->own->sender);
  return PE_OK;
}

void pe_client_refuse(pe_client *client, pe_error error) {
  if (pe_client_own(client)) pe_queue_refuse(client->own->queue, error);
}

uint64_t pe_client_flush(pe_client *client, int64_t timeout) {
  return pe_client_own(client) ? pe_queue_flush(client->own->queue, timeout) : 0;
}

uint64_t pe_client_close(pe_client *client, int64_t timeout) {
  client->closed = true;
  if (pe_client_own(client)) pe_queue_close(client->own->queue);
  return pe_client_flush(client, timeout);
}

uint64_t pe_client_stop(pe_client *client) {
  pe_client_finish(client, 0);
  (void)pe_client_has_ended(client, PE_CLIENT_PATIENCE); /* a thread that has not is left to pe_client_leave */
  return pe_client_flush(client, 0);
}

void pe_client_finish(pe_client *client, int64_t patience) {
  (void)pe_client_close(client, 0);
  if (pe_client_own(client) && client->own->sender)
    pe_sender_finish(client->own->sender, pe_clock_monotonic() + patience);
}

bool pe_client_has_ended(pe_client *client, int64_t patience) {
  if (!pe_client_own(client)) return true; /* a child that has nothing */
  if (client->own->sender && !pe_sender_join(client->own->sender, pe_clock_monotonic() + patience)) return false;
  client->own->sender = NULL;
  pe_http_free(client->own->connection);
  client->own->connection = NULL;
  pe_queue_set_state(client->own->queue, PE_STATE_CLOSED);
  return true;
}

bool pe_client_set_witness(pe_client *client, pe_witness witness) {
  if (pe_client_own(client) && !client->own->sender) {
    pe_results_set_witness(client->own->results, witness);
    return true;
  }
  witness.release(witness.data);
  return false;
}

pe_result *pe_client_take_result(pe_client *client) {
  return pe_client_own(client) ? pe_results_take(client->own->results) : NULL;
}

void pe_client_return_result(pe_client *client, pe_result *result) {
  pe_results_put_back(client->own->results, result);
}

size_t pe_client_results(pe_client *client, uint64_t *lost) {
  *lost = 0;
  return pe_client_own(client) ? pe_results_count(client->own->results, lost) : 0;
}

/* NULL: it does not run. */
static pe_sender *sender_of(pe_client *client) {
  return pe_client_own(client) ? client->own->sender : NULL;
}

int64_t pe_client_allow(pe_client *client, int64_t attempts) {
  pe_sender *sender = sender_of(client);
  return sender ? pe_sender_allow(sender, attempts) : 0;
}

void pe_client_silence(pe_client *client, bool silent) {
  pe_sender *sender = sender_of(client);
  if (sender) pe_sender_silence(sender, silent);
}

int64_t pe_client_gate(pe_client *client, int64_t now) {
  pe_sender *sender = sender_of(client);
  int64_t until = sender ? pe_sender_gate(sender) : 0;
  return until > now ? until - now : 0;
}

int pe_client_await_results(pe_client *client) {
  return pe_client_own(client) ? pe_results_await(client->own->results) : -1;
}

void pe_client_attend_results(pe_client *client) {
  if (pe_client_own(client)) pe_results_attend(client->own->results);
}

void pe_client_asked(pe_client *client) {
  if (pe_client_own(client)) pe_last_words_spare(&client->own->last_words);
}

void pe_client_snapshot(pe_client *client, pe_counters *counters) {
  memset(counters, 0, sizeof *counters);
  if (pe_client_own(client)) pe_queue_snapshot(client->own->queue, counters);
}

bool pe_client_has_news(const pe_client *client) {
  return client && client->own->generation == pe_worker_generation() && pe_queue_has_news(client->own->queue);
}

void pe_client_take_news(pe_client *client) {
  if (pe_client_own(client)) pe_queue_take_news(client->own->queue);
}
