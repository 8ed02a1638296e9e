/* What client.c and client_life.c share: the client itself. Included by these two. */
#ifndef PE_CLIENT_PRIVATE_H
#define PE_CLIENT_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "delivery/client.h"
#include "delivery/last_words.h"
#include "delivery/relay_files.h"
#include "delivery/sender.h"
#include "http/credentials.h"

/* design.md: within a second */
#define PE_CLIENT_PATIENCE (900 * PE_MILLISECOND)

/* What a process has of a client. A forked child makes its own and never touches the parent's: a lock may be held by a
 * thread that is not there, and to clean a connection up would break it for the parent. */
typedef struct pe_client_parts {
  struct pe_client_parts *next; /* among the abandoned */
  unsigned generation;
  pe_http *connection; /* of post; NULL until the first */
  pe_queue *queue;
  pe_results *results;
  pe_sender *sender; /* NULL until the first track */
  pe_last_words last_words;
} pe_client_parts;

struct pe_client {
  /* immutable */
  bool can_send;
  pe_http_plan *plan;  /* how to post. NULL: it cannot, or there is a relay */
  pe_post_policy post; /* its codes are owned */
  pe_queue_config queue;
  size_t results;
  bool last_words;
  pe_sender_config sender; /* what is the same for every sender of this client; the texts of its spool are owned */
  pe_relay_files relay_files;
  /* the owner's thread */
  bool sends;
  int64_t withdrawn_at; /* monotonic; 0: never. A forked child's queue is told, too */
  pe_credentials *credentials;
  pe_http_trace *trace; /* owned; NULL: nobody wants to see */
  bool closed;
  pe_client_parts *own;
};

/* Sees to it that the client's parts are this process's. Returns false when memory is out; the next call tries again.
 * And for NULL: a client that was collected, but that a finalizer after it still calls. */
bool pe_client_own(pe_client *client);

#endif
