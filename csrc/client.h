/* A client: wires the parts together and owns their life cycle. Belongs to one thread. */
#ifndef PE_CLIENT_H
#define PE_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "http.h"
#include "reply.h"
#include "retry.h"

typedef struct pe_client pe_client;

typedef struct pe_client_config {
  pe_http_config http;
  pe_http_credentials credentials;
  pe_accept accept; /* copied */
  int64_t timeout;  /* nanoseconds: all of a post, its retries included */
  int attempts;     /* at least 1 */
  pe_retry_policy retry;
} pe_client_config;

/* What became of a post. The caller's storage, which serves one post after another: pe_post_result_init before the
 * first, pe_post_result_cleanup after the last. It owes nothing to the client. */
typedef struct pe_post_result {
  pe_error error; /* PE_OK: delivered */
  pe_sent sent;   /* in the last attempt; those before it were not taken, or they would not have been repeated */
  int attempts;
  int64_t elapsed;         /* nanoseconds */
  int64_t retry_after;     /* nanoseconds that the last reply asked to wait, at most 300 s; 0: none */
  long http_status;        /* of the last attempt; 0: no reply */
  pe_reply reply;          /* of the last attempt */
  pe_http_result transfer; /* the same, raw; its message is "" when a reply came */
} pe_post_result;

/* Makes a client; opens no connection and starts no thread. Returns PE_OK and sets *client, which the caller frees;
 * or PE_NO_MEMORY or PE_TLS, with *why as pe_http_new. */
pe_error pe_client_new(const pe_client_config *config, pe_client **client, const char **why);

/* Closes the connection at once and frees the client. NULL is legal. */
void pe_client_free(pe_client *client);

/* As pe_http_set_credentials. */
pe_error pe_client_set_credentials(pe_client *client, pe_http_credentials credentials);

void pe_post_result_init(pe_post_result *result);
void pe_post_result_cleanup(pe_post_result *result);

/* Posts `body` and waits for the outcome; tries again where that is safe: nothing was sent, or the platform asked to
 * come back. Always fills *result. */
void pe_client_post(pe_client *client, const char *body, size_t size, pe_post_result *result);

#endif
