/* The life of a client: made, left, and what a process has of it. */
#include "delivery/client.h"

#include <stdlib.h>
#include <string.h>

#include "base/worker.h"
#include "delivery/client_private.h"
#include "delivery/relay_window.h"
#include "policy/reply.h"

/* What is never freed stays in sight of whoever looks for leaks. */
static pe_client_parts *abandoned;

/* ---- parts ---- */

/* Frees parts whose sender is no more. */
static void free_parts(pe_client_parts *own) {
  if (!own) return;
  pe_last_words_settle(&own->last_words);
  pe_http_free(own->connection);
  pe_queue_free(own->queue);
  pe_results_free(own->results);
  free(own);
}

static void abandon(pe_client_parts *own) {
  pe_client_parts *first = __atomic_load_n(&abandoned, __ATOMIC_RELAXED);
  do
    own->next = first;
  while (!__atomic_compare_exchange_n(&abandoned, &first, own, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

static pe_client_parts *new_parts(const pe_client *client) {
  pe_client_parts *made = calloc(1, sizeof *made);
  if (!made) return NULL;
  made->generation = pe_worker_generation();
  if (pe_queue_new(&client->queue, &made->queue) != PE_OK || pe_results_new(client->results, &made->results) != PE_OK) {
    free_parts(made);
    return NULL;
  }
  pe_queue_set_serving(made->queue, client->sends);
  if (client->withdrawn_at != 0) (void)pe_queue_withdraw(made->queue, client->withdrawn_at); /* nothing is in it */
  if (client->last_words) pe_last_words_add(&made->last_words, made->queue);
  return made;
}

bool pe_client_own(pe_client *client) {
  pe_client_parts *made;

  if (!client) return false;
  if (client->own->generation == pe_worker_generation()) return true;
  made = new_parts(client);
  if (!made) return false;
  if (client->closed) {
    pe_queue_close(made->queue);
    pe_queue_set_state(made->queue, PE_STATE_CLOSED);
  }
  abandon(client->own);
  client->own = made;
  return true;
}

/* ---- life cycle ---- */

static pe_error copy_codes(pe_accept from, pe_accept *to) {
  int64_t *codes = malloc((from.count > 0 ? from.count : 1) * sizeof *codes);
  if (!codes) return PE_NO_MEMORY;
  if (from.count > 0) memcpy(codes, from.codes, from.count * sizeof *codes);
  *to = (pe_accept){codes, from.count};
  return PE_OK;
}

/* Frees the client; its sender is no more. */
static void free_client(void *user) {
  pe_client *client = user;
  free_parts(client->own);
  pe_http_trace_free(client->trace);
  pe_http_plan_free(client->plan);
  pe_credentials_free(client->credentials);
  free((void *)client->post.accept.codes);
  free((void *)client->sender.spool.directory);
  free((void *)client->sender.spool.endpoint);
  free((void *)client->sender.relay.stream);
  pe_relay_files_cleanup(&client->relay_files);
  free(client);
}

static pe_error copy_spool(const pe_spool_config *from, pe_spool_config *to) {
  if (!from->directory) return PE_OK;
  *to = *from;
  to->directory = strdup(from->directory);
  to->endpoint = strdup(from->endpoint);
  return to->directory && to->endpoint ? PE_OK : PE_NO_MEMORY;
}

static pe_error copy_relay(pe_client *client, const pe_relay_config *from, const char **why) {
  pe_relay_config *to = &client->sender.relay;
  *to = *from;
  if (!from->stream) return PE_OK;
  to->stream = strdup(from->stream);
  if (!to->stream) return PE_NO_MEMORY;
  return pe_relay_files_read(&client->relay_files, &from->files, &to->link, why);
}

static void set_policies(pe_client *client, const pe_client_config *config) {
  client->post = config->post;
  client->post.accept = (pe_accept){NULL, 0};
  client->queue = config->queue;
  if (config->relay.stream) client->queue.width = PE_RELAY_WINDOW;
  client->results = config->results;
  client->last_words = config->last_words && config->can_send;
  client->can_send = config->can_send;
  client->sends = config->sends;
  client->sender.group = config->group;
  client->sender.max_in_flight = config->queue.width;
  client->sender.max_posts = config->max_posts;
  client->sender.policy.retry = config->post.retry;
  client->sender.policy.retry_ambiguous = config->retry_ambiguous;
  client->sender.rate_per_second = config->rate_per_second;
  client->sender.rate_burst = config->rate_burst;
}

static bool begin(void) {
  pe_reply_prepare();
  return pe_last_words_prepare() && pe_http_prepare();
}

bool pe_client_prepare(void) {
  return pe_worker_prepare(begin);
}

/* And whether a handle can be made by it: libcurl may lack what it asks. With a relay there is nothing to post. */
static pe_error make_plan(pe_client *client, const pe_http_config *config, const char **why) {
  pe_http *http = NULL;
  pe_error error = PE_NO_MEMORY;
  if (!pe_client_prepare()) return PE_NO_MEMORY;
  if (client->sender.relay.stream) return PE_OK;
  error = pe_http_plan_new(config, &client->plan, why);
  if (error == PE_OK) error = pe_http_new(client->plan, &http, why);
  pe_http_free(http);
  return error;
}

pe_error pe_client_new(const pe_client_config *config, pe_client **client, const char **why) {
  pe_error error = PE_NO_MEMORY;
  pe_client *made = calloc(1, sizeof *made);

  *why = pe_error_text(PE_NO_MEMORY);
  if (!made) goto out;
  set_policies(made, config);
  error = copy_codes(config->post.accept, &made->post.accept);
  if (error) goto out;
  error = copy_spool(&config->spool, &made->sender.spool);
  if (error) goto out;
  error = copy_relay(made, &config->relay, why);
  if (error) goto out;
  if (config->can_send) error = make_plan(made, &config->http, why);
  if (error) goto out;
  error = PE_NO_MEMORY;
  made->credentials = pe_credentials_new(config->credentials);
  made->own = new_parts(made);
  if (!made->credentials || !made->own) goto out;
  *client = made;
  return PE_OK;
out:
  if (!*why) *why = pe_error_text(error); /* the plan was made, and then memory was out */
  if (made) free_client(made);
  return error;
}

/* Of a client that was left, when its sender is done. */
static void free_left(void *user) {
  pe_client *client = user;
  pe_sender_free(client->own->sender);
  free_client(client);
}

void pe_client_leave(pe_client *client) {
  if (!client) return;
  if (client->own->generation != pe_worker_generation()) {
    abandon(client->own);
    client->own = NULL;
  } else if (client->own->sender) {
    pe_sender_leave(client->own->sender, PE_CLIENT_PATIENCE, free_left, client);
    return;
  }
  free_client(client);
}
