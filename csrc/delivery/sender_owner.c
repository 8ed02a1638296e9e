/* The half of sender.h that the owner's thread calls: the sender's life, and what is handed to it. */
#include "delivery/sender.h"

#include <stdlib.h>

#include "base/clock.h"
#include "delivery/poster.h"
#include "delivery/relayer.h"
#include "delivery/sender_private.h"

void pe_sender_wake(pe_sender *sender) {
  pe_inbox_wake(&sender->inbox);
}

static void ask_to_finish(pe_worker *worker, int64_t deadline) {
  pe_inbox_ask_to_finish(&((pe_sender *)worker)->inbox, deadline);
}

static pe_error make_way(pe_sender *sender, pe_http_credentials credentials) {
  const pe_sender_config *config = &sender->config;
  const pe_poster_config poster = {.plan = config->plan,
                                   .post = config->post,
                                   .max_posts = config->max_posts,
                                   .max_in_flight = config->max_in_flight,
                                   .policy = config->policy,
                                   .rate_per_second = config->rate_per_second,
                                   .rate_burst = config->rate_burst,
                                   .unanswered = &sender->inbox.unanswered,
                                   .bounds = &sender->inbox.bounds};
  if (config->relay.stream) return pe_relayer_new(&config->relay, &config->policy, &sender->ends, &sender->way);
  return pe_poster_new(&poster, credentials, &sender->ends, &sender->way);
}

/* Fills an empty sender. On an error the caller frees what there is. */
static pe_error fill(pe_sender *sender, const pe_sender_config *config, pe_http_credentials credentials) {
  pe_error error;

  sender->config = *config;
  sender->worker.group = config->group;
  sender->worker.run = pe_sender_run;
  sender->worker.finish = ask_to_finish;
  sender->state = PE_STATE_SENDING;
  sender->ends = (pe_ends){.queue = config->queue, .results = config->results};
  if (config->spool.directory && pe_spool_new(&config->spool, config->queue, &sender->ends.spool) != PE_OK)
    return PE_NO_MEMORY;
  error = make_way(sender, credentials);
  if (error == PE_OK) pe_inbox_open(&sender->inbox, sender->way);
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
  if (sender->way) sender->way->class->free(sender->way);
  pe_spool_free(sender->ends.spool); /* of a thread that never started */
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

int64_t pe_sender_allow(pe_sender *sender, int64_t attempts) {
  return pe_inbox_allow(&sender->inbox, attempts);
}

void pe_sender_silence(pe_sender *sender, bool silent) {
  pe_inbox_silence(&sender->inbox, silent);
}

int64_t pe_sender_gate(const pe_sender *sender) {
  return pe_bounds_gate(&sender->inbox.bounds);
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
