/* The half of sender.h that the owner's thread calls: the sender's life, and what is handed to it. */
#include "delivery/sender.h"

#include <stdlib.h>

#include "base/clock.h"
#include "delivery/sender_private.h"
#include "http/http_multi.h"

void pe_sender_wake(pe_sender *sender) {
  pe_inbox_wake(&sender->inbox);
}

static void ask_to_finish(pe_worker *worker, int64_t deadline) {
  pe_inbox_ask_to_finish(&((pe_sender *)worker)->inbox, deadline);
}

static pe_error make_slots(pe_sender *sender, size_t count) {
  sender->slots = calloc(count, sizeof *sender->slots);
  sender->free_slots = calloc(count, sizeof *sender->free_slots);
  if (!sender->slots || !sender->free_slots) return PE_NO_MEMORY;
  for (size_t i = 0; i < count; i++) {
    pe_lane_init(&sender->slots[i].lane, pe_sender_settle, sender);
    pe_attempt_init(&sender->slots[i].attempt);
    sender->free_slots[count - 1 - i] = &sender->slots[i];
  }
  sender->free_count = count;
  return PE_OK;
}

/* Fills an empty sender. On an error the caller frees what there is. */
static pe_error fill(pe_sender *sender, const pe_sender_config *config, pe_http_credentials credentials) {
  pe_error error;

  sender->config = *config;
  sender->worker.group = config->group;
  sender->worker.run = pe_sender_run;
  sender->worker.finish = ask_to_finish;
  sender->state = PE_STATE_SENDING;
  pe_endpoint_init(&sender->endpoint, config->max_in_flight);
  pe_rate_limit_init(&sender->rate, config->rate_per_second, config->rate_burst, pe_clock_monotonic());
  sender->credentials = pe_credentials_new(credentials);
  if (!sender->credentials) return PE_NO_MEMORY;
  if (config->spool.directory && pe_spool_new(&config->spool, config->queue, &sender->spool) != PE_OK)
    return PE_NO_MEMORY;
  error = make_slots(sender, config->max_in_flight);
  if (error != PE_OK) return error;
  sender->submissions = pe_submissions_new(&config->post, &sender->pool, config->max_posts, &sender->inbox.unanswered);
  if (!sender->submissions) return PE_NO_MEMORY;
  sender->pool = (pe_lane_pool){.plan = config->plan, .credentials = sender->credentials};
  error = pe_http_multi_new(config->max_in_flight + config->max_posts, &sender->pool.multi);
  pe_inbox_open(&sender->inbox, sender->pool.multi);
  return error;
}

pe_error pe_sender_start(const pe_sender_config *config, pe_http_credentials credentials, pe_sender **sender) {
  pe_sender *made = calloc(1, sizeof *made);

  if (!made) return PE_NO_MEMORY;
  if (!pe_inbox_init(&made->inbox)) {
    free(made);
    return PE_NO_MEMORY;
  }
  if (fill(made, config, credentials) != PE_OK || !pe_worker_start(&made->worker)) {
    pe_sender_free(made);
    return PE_NO_MEMORY;
  }
  *sender = made;
  return PE_OK;
}

void pe_sender_free(pe_sender *sender) {
  if (!sender) return;
  for (size_t i = 0; sender->slots && i < sender->config.max_in_flight; i++)
    pe_attempt_cleanup(&sender->slots[i].attempt);
  pe_http_multi_free(sender->pool.multi); /* of a thread that never started */
  pe_submissions_free(sender->submissions);
  pe_spool_free(sender->spool);
  free(sender->slots);
  free(sender->free_slots);
  pe_credentials_free(sender->credentials);
  pe_inbox_cleanup(&sender->inbox);
  free(sender);
}

pe_error pe_sender_set_credentials(pe_sender *sender, pe_http_credentials credentials) {
  pe_credentials *given = pe_credentials_new(credentials);
  if (!given) return PE_NO_MEMORY;
  pe_inbox_set_credentials(&sender->inbox, given);
  return PE_OK;
}

pe_error pe_sender_submit(pe_sender *sender, pe_submission *submission, size_t limit) {
  return pe_inbox_submit(&sender->inbox, submission, limit);
}

void pe_sender_finish(pe_sender *sender, int64_t deadline) {
  ask_to_finish(&sender->worker, deadline);
}

bool pe_sender_join(pe_sender *sender, int64_t deadline) {
  if (!pe_worker_join(&sender->worker, deadline)) return false;
  pe_sender_free(sender);
  return true;
}

static void dispose(pe_worker *worker) {
  pe_sender *sender = (pe_sender *)worker;
  sender->dispose(sender->user);
}

void pe_sender_leave(pe_sender *sender, int64_t patience, void (*dispose_of)(void *user), void *user) {
  sender->dispose = dispose_of;
  sender->user = user;
  pe_worker_leave(&sender->worker, patience, dispose);
}
