/* HTTP with libcurl: one request in, one result out. Owns the connection, which is kept alive from post to post, and
 * the answer to "was it sent?" (design.md). Knows nothing of events, retries or JSON. A pe_http belongs to one thread.
 */
#ifndef PE_HTTP_H
#define PE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "http/credentials.h"
#include "http/http_plan.h"
#include "http/http_url.h"
#include "http/secrets.h"

typedef struct pe_http pe_http;

enum {
  PE_HTTP_BODY_CEILING = 64 * 1024, /* bytes of a reply that are read */
  PE_HTTP_MESSAGE_SIZE = 320
};

/* The caller's storage, which serves one post after another. `body` is to be initialised with PE_HTTP_BODY_CEILING
 * before the first, and cleaned up after the last. */
typedef struct pe_http_result {
  pe_error error; /* PE_OK: a reply came, whatever its status */
  pe_sent sent;
  long http_status;    /* 0: none; also of a reply that broke off */
  int64_t retry_after; /* nanoseconds, as it asks; 0 where it does not, or cannot be read */
  pe_buffer body;
  bool body_is_usable;                /* it is all there, and no longer than the ceiling */
  bool body_is_cut;                   /* the connection ended in it, or in the headers; or may have: it has no length */
  char message[PE_HTTP_MESSAGE_SIZE]; /* for people; "" when a reply came. Names no credential */
  const pe_secrets *secrets;          /* what the texts of the body may not show; borrowed of the handle until its next
                                         post, its next credentials or its end. NULL: nothing */
} pe_http_result;

/* libcurl's own preparations, and those of its TLS library. At the first client, never at require; never undone, since
 * the host may use libcurl too. Returns false when memory is out. Within pe_worker_prepare. */
bool pe_http_prepare(void);

/* Makes a handle that posts by `plan`, which is only read and must outlive it; without credentials. Opens no
 * connection. Returns PE_OK and sets *http, which the caller frees; or an error as pe_http_plan_new. `why` may be NULL.
 */
pe_error pe_http_new(const pe_http_plan *plan, pe_http **http, const char **why);

/* Closes the connection. NULL is legal. Never waits for the peer nor for a name server. Where another thread exits,
 * what has posted is left to the system. */
void pe_http_free(pe_http *http);

/* Replaces the credentials (copied) from the next post on; those before stay hidden, the last four of them. Where they
 * are the same, nothing happens. Returns PE_OK; or PE_NO_MEMORY, and the old ones stay. */
pe_error pe_http_set_credentials(pe_http *http, pe_http_credentials credentials);

/* Posts `body` and waits, at most `timeout` nanoseconds, for the reply. Always fills *result, which owes nothing to
 * `http` afterwards. Lets no SIGPIPE through to the program. */
void pe_http_post(pe_http *http, const char *body, size_t size, int64_t timeout, pe_http_result *result);

/* The same for a document, of a handle whose plan `reads`: waits for what `path` and `query` (NULL: none), escaped as
 * they stand in a URL, name on the host of the plan's URL. `sent` says nothing of interest. Where *result is to have
 * longer documents, its body has a higher ceiling. */
void pe_http_get(pe_http *http, const char *path, const char *query, int64_t timeout, pe_http_result *result);

/* Puts "***" in the place of the credentials in a text, as secrets.h has it; returns the new size. */
size_t pe_http_hide(const pe_http *http, char *text, size_t size);

/* The libcurl in use: "7.88.1", and the name of its TLS library or "". Static storage. */
const char *pe_http_library(const char **tls);

#endif
