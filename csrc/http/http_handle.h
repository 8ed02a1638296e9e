/* What http.c, http_alone.c, http_authorities.c, http_incoming.c, http_peers.c, http_result.c and http_multi.c share:
 * one easy handle, and how a transfer on it begins and ends. Included by these seven. */
#ifndef PE_HTTP_HANDLE_H
#define PE_HTTP_HANDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/http.h"
#include "http/http_curl.h"
#include "http/http_pool.h"

/* So many credentials that were replaced are still hidden. */
enum { PE_HTTP_REPLACED = 4 };

/* What came back of a post so far, but for the body. */
typedef struct pe_http_incoming {
  size_t header_bytes;
  bool headers_too_long;
  bool head_is_whole; /* the empty line behind the reply's headers came */
  bool is_framed;     /* they say how long the body is */
  bool body_lost;     /* there was no memory for it */
} pe_http_incoming;

/* One easy handle and what its callbacks fill. */
struct pe_http {
  /* immutable after pe_http_new */
  CURLU *url; /* owned; used by `easy` */
  struct curl_slist *base_headers;
  int64_t connect_timeout;
  const pe_secrets *others; /* borrowed of the plan */
  const char *key_trouble;  /* static: the likely cause where the client's key cannot be used */
  const char *ca_directory; /* libcurl's: the system's authorities that are only asked where its file does not do; or
                               NULL */
  bool uses_tls; /* libcurl itself sends with MSG_NOSIGNAL; what a TLS library writes by itself may raise SIGPIPE */
  bool meets_tls_proxy; /* on the way to the host is a proxy that itself speaks TLS */
  /* immutable after pe_http_multi_join */
  CURLM *multi;       /* NULL: posts one at a time, on its own connection */
  pe_http_pool *pool; /* of `multi`; where that is NULL, its own */
  void *user;
  const int64_t *finish_by; /* of `multi`, atomic; NULL: the post's own time alone counts */
  /* the owner's thread */
  CURL *easy;
  CURLM *alone; /* NULL until the first post that is not through `multi` */
  pe_http_pool own_pool;
  struct curl_slist *headers;             /* base_headers and the Authorization */
  pe_credentials *credentials;            /* owned: those in use; NULL until they are set */
  pe_secrets *secrets;                    /* owned: theirs; NULL until then */
  pe_secrets *replaced[PE_HTTP_REPLACED]; /* owned: of those before, the last one first; NULL: there were no more */
  pe_http_result *result;                 /* of the post in hand */
  int64_t deadline;                       /* monotonic */
  pe_http_incoming incoming;
  int requests;        /* calls of on_request in this attempt: 0 not sent, 1 sent, 2 libcurl tried to send again */
  bool tls_failed;     /* the last post */
  bool asks_directory; /* libcurl is told of ca_directory */
  bool was_answered;   /* a post of this handle, ever */
  bool no_descriptors; /* one was wanted for this post */
  bool reached;        /* the peer, or its proxy, accepted a connection that was opened for this post */
  bool is_first;       /* the request is the first on its connection */
  bool stale;          /* the connection that libcurl chose had something to read before the request: it was not used */
  char detail[CURL_ERROR_SIZE];
};

/* Collects the first failure of a row of curl_easy_setopt, in `result`, on `easy`. */
#define SET(option, value)                                                                                             \
  do {                                                                                                                 \
    if (result == CURLE_OK) result = curl_easy_setopt(easy, (option), (value));                                        \
  } while (0)

/* Prepares the handle for one post, over a new connection if `fresh`. */
CURLcode pe_http_begin(pe_http *http, const char *body, size_t size, int64_t timeout, bool fresh, pe_http_result *out);

/* libcurl's callbacks for the reply; `user` is the pe_http. */
size_t pe_http_on_header(char *bytes, size_t size, size_t count, void *user);
size_t pe_http_on_body(char *bytes, size_t size, size_t count, void *user);

/* Whether the connection ended in the reply, or may have: of a body without a length nobody knows. */
bool pe_http_is_cut(const pe_http *http, CURLcode result);

/* Reads what the transfer left into the result that pe_http_begin was given. */
void pe_http_end(pe_http *http, CURLcode result);

/* ---- the host and the proxy; http_peers.c ---- */

/* Tells a new handle of the proxy, of what it trusts and of what it shows of itself. */
CURLcode pe_http_set_peers(pe_http *http, const pe_http_plan *plan);

/* ---- the system's authorities; http_authorities.c ---- */

/* For a handle that has no authorities of the program's: of two defaults, leaves the directory out; or the file, where
 * that cannot be read. */
CURLcode pe_http_authorities_choose(pe_http *http);

/* A transfer ended with `result`. Returns true where it is to be carried through once more, now with the directory:
 * nothing was sent. */
bool pe_http_authorities_widen(pe_http *http, CURLcode result);

/* The post is over: a directory that did not help is left out of the next one. */
void pe_http_authorities_settle(pe_http *http);

#endif
