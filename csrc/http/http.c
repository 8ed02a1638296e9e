#include "http/http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/thread.h"
#include "base/worker.h"
#include "http/http_handle.h"
#include "http/http_plan.h"

enum {
  CA_CACHE = 86400,        /* seconds; libcurl's own default */
  CONNECTION_MAX_AGE = 60, /* seconds: a busy one must not outlive for long what the host's name says */
  NAME_CACHE =
      1, /* seconds, for many that connect at once; longer, and a failed connect would be repeated to no avail */
  CONNECTION_MAX_IDLE = 55 /* seconds: below the 60 s at which gateways close, so that a post rarely meets the race */
};

bool pe_http_prepare(void) {
  return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

/* ---- callbacks ---- */

/* Whether libcurl has opened a connection for this transfer. */
static bool has_connected(const pe_http *http) {
  long opened = 0;
  return curl_easy_getinfo(http->easy, CURLINFO_NUM_CONNECTS, &opened) == CURLE_OK && opened > 0;
}

/* Whether the connection that libcurl chose from the pool must not be used again. Where it is a new one there is
 * nothing to ask: a TLS 1.3 server's session tickets may wait on it. */
static bool meets_stale(const pe_http *http, pe_http_ends ends) {
  return http->multi && !http->is_first && pe_http_pool_is_stale(http->pool, ends);
}

/* libcurl is about to send the request: the one moment that decides whether the event was sent. It calls again when a
 * kept-alive connection broke and it wants to post again on a fresh one, which would be a duplicate behind our back. */
static int on_request(void *user, char *ip, char *local_ip, int port, int local_port) {
  pe_http *http = user;
  (void)port;
  if (http->requests == 0) http->is_first = has_connected(http);
  if (http->requests == 0 && meets_stale(http, (pe_http_ends){local_ip, ip, local_port})) {
    http->stale = true;
    return CURL_PREREQFUNC_ABORT;
  }
  return ++http->requests == 1 ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

/* A program that the host starts must not inherit the connection. */
static curl_socket_t on_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address) {
  pe_http *http = user;
  int type = address->socktype;
  curl_socket_t made;
  (void)purpose;
#ifdef SOCK_CLOEXEC
  type |= SOCK_CLOEXEC;
#endif
  made = socket(address->family, type, address->protocol);
  http->no_descriptors = http->no_descriptors || (made == CURL_SOCKET_BAD && pe_descriptor_was_missing(errno));
  if (made != CURL_SOCKET_BAD) pe_http_pool_opened(http->pool, made, &http->reached);
  return made;
}

/* ---- life cycle ---- */

static bool append_header(struct curl_slist **list, const char *line) {
  struct curl_slist *longer = curl_slist_append(*list, line);
  if (longer) *list = longer;
  return longer != NULL;
}

static bool copy_headers(const struct curl_slist *from, struct curl_slist **to) {
  for (; from; from = from->next)
    if (!append_header(to, from->data)) return false;
  return true;
}

static bool make_headers(const pe_http_config *config, struct curl_slist **list) {
  if (!append_header(list, config->reads ? "Accept: application/json" : "Content-Type: application/json")) return false;
  if (!append_header(list, "Expect:")) return false; /* one round trip saved, and no 417 to handle */
  for (size_t i = 0; i < config->header_count; i++)
    if (!append_header(list, config->headers[i])) return false;
  return true;
}

static CURLcode set_callbacks(pe_http *http) {
  CURL *easy = http->easy;
  CURLcode result = CURLE_OK;

  SET(CURLOPT_PREREQFUNCTION, on_request);
  SET(CURLOPT_PREREQDATA, http);
  SET(CURLOPT_WRITEFUNCTION, pe_http_on_body);
  SET(CURLOPT_WRITEDATA, http);
  SET(CURLOPT_HEADERFUNCTION, pe_http_on_header);
  SET(CURLOPT_HEADERDATA, http);
  SET(CURLOPT_OPENSOCKETFUNCTION, on_socket);
  SET(CURLOPT_OPENSOCKETDATA, http);
  SET(CURLOPT_CLOSESOCKETFUNCTION, pe_http_pool_close);
  SET(CURLOPT_CLOSESOCKETDATA, http->pool);
  SET(CURLOPT_ERRORBUFFER, http->detail);
  return result;
}

static CURLcode set_transfer(pe_http *http, const pe_http_config *config) {
  CURL *easy = http->easy;
  CURLcode result = CURLE_OK;

  SET(CURLOPT_CURLU, http->url); /* parsed once; a URL string would be parsed at every post */
  SET(CURLOPT_POST, 1L);
  SET(CURLOPT_NOSIGNAL, 1L);
  SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1); /* of HTTP/2 it tells too little: docs/explain/why.md */
  SET(CURLOPT_USERAGENT, config->user_agent);
  SET(CURLOPT_ACCEPT_ENCODING, "identity"); /* asks for none, yet decodes what a proxy compressed all the same */
  SET(CURLOPT_MAXAGE_CONN, (long)CONNECTION_MAX_IDLE);
  SET(CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_MAX_AGE);
  SET(CURLOPT_DNS_CACHE_TIMEOUT, (long)NAME_CACHE);
  if (result == CURLE_OK) result = pe_curl_set_quick_exit(easy);
  if (result == CURLE_OK) result = pe_curl_set_protocols(easy);
  return result;
}

/* Fills an empty pe_http. On a failure the caller frees what there is. */
static CURLcode fill(pe_http *http, const pe_http_plan *plan) {
  const pe_http_config *config = &plan->config;
  CURLcode result;

  http->pool = &http->own_pool;
  http->connect_timeout = config->connect_timeout;
  http->others = plan->secrets;
  http->key_trouble = plan->key_trouble;
  http->uses_tls = plan->uses_tls;
  http->meets_tls_proxy = plan->proxy_uses_tls;
  http->url = curl_url();
  http->easy = curl_easy_init();
  if (!http->url || !http->easy || !make_headers(config, &http->base_headers)) return CURLE_OUT_OF_MEMORY;
  /* It was checked before. */
  if (curl_url_set(http->url, CURLUPART_URL, config->url, PE_HTTP_URL_FLAGS) != CURLUE_OK) return CURLE_OUT_OF_MEMORY;
  result = set_callbacks(http);
  if (result == CURLE_OK) result = set_transfer(http, config);
  if (result == CURLE_OK) result = pe_http_set_peers(http, plan);
  return result;
}

/* Not by curl_easy_duphandle: that writes to what it copies (8.22), which other threads may copy at the same time. */
pe_error pe_http_new(const pe_http_plan *plan, pe_http **http, const char **why) {
  CURLcode result = CURLE_OUT_OF_MEMORY;
  pe_http *made = calloc(1, sizeof *made);

  if (!made) goto out;
  result = fill(made, plan);
  if (result != CURLE_OK) goto out;
  *http = made;
  return PE_OK;
out:
  pe_http_free(made);
  if (why) *why = pe_curl_trouble(result);
  return result == CURLE_OUT_OF_MEMORY ? PE_NO_MEMORY : PE_TLS;
}

void pe_http_free(pe_http *http) {
  pe_sigpipe sigpipe;

  if (!http || (http->alone && !pe_worker_try_visit())) return; /* the process exits: the TLS library may be gone */
  if (http->uses_tls) pe_sigpipe_block(&sigpipe);               /* closing a TLS connection writes to it */
  curl_easy_cleanup(http->easy);
  (void)curl_multi_cleanup(http->alone); /* fails for one that is none */
  if (http->alone) pe_worker_depart();
  if (http->uses_tls) pe_sigpipe_restore(&sigpipe);
  pe_credentials_free(http->credentials);
  pe_secrets_free(http->secrets);
  for (size_t i = 0; i < PE_HTTP_REPLACED; i++)
    pe_secrets_free(http->replaced[i]);
  curl_slist_free_all(http->headers);
  curl_slist_free_all(http->base_headers);
  curl_url_cleanup(http->url);
  pe_http_pool_cleanup(&http->own_pool);
  free(http);
}

/* a, b and c as a new string; NULL when out of memory. */
static char *join(const char *a, const char *b, const char *c) {
  size_t size = strlen(a) + strlen(b) + strlen(c) + 1;
  char *joined = malloc(size);
  if (joined) (void)snprintf(joined, size, "%s%s%s", a, b, c);
  return joined;
}

size_t pe_http_hide(const pe_http *http, char *text, size_t size) {
  return pe_secrets_hide(http->secrets, text, size);
}

/* A server may still speak of the credentials that were replaced. */
static void take_secrets(pe_http *http, pe_secrets *secrets) {
  pe_secrets *last = secrets;

  pe_secrets_free(http->replaced[PE_HTTP_REPLACED - 1]);
  memmove(http->replaced + 1, http->replaced, (PE_HTTP_REPLACED - 1) * sizeof *http->replaced);
  http->replaced[0] = http->secrets;
  http->secrets = secrets;
  for (size_t i = 0; i < PE_HTTP_REPLACED && http->replaced[i]; i++) {
    pe_secrets_follow(last, http->replaced[i]);
    last = http->replaced[i];
  }
  pe_secrets_follow(last, http->others);
}

pe_error pe_http_set_credentials(pe_http *http, pe_http_credentials credentials) {
  pe_error error = PE_NO_MEMORY;
  struct curl_slist *headers = NULL;
  pe_credentials *copy = NULL;
  pe_secrets *secrets = NULL;
  char *line = NULL;
  char *pair = NULL;

  if (pe_credentials_are(http->credentials, credentials)) return PE_OK;
  copy = pe_credentials_new(credentials);
  secrets = pe_secrets_new(credentials, http->others);
  if (!copy || !secrets) goto out;
  if (!copy_headers(http->base_headers, &headers)) goto out;
  if (credentials.authorization) {
    line = join("Authorization: ", credentials.authorization, "");
    if (!line || !append_header(&headers, line)) goto out;
  }
  if (credentials.user) {
    pair = join(credentials.user, ":", credentials.password);
    if (!pair) goto out;
  }
  /* One option for both, so that a failure leaves the old pair whole. */
  if (curl_easy_setopt(http->easy, CURLOPT_USERPWD, pair) != CURLE_OK) goto out;
  if (curl_easy_setopt(http->easy, CURLOPT_HTTPHEADER, headers) != CURLE_OK) goto out;
  curl_slist_free_all(http->headers);
  http->headers = headers;
  headers = NULL;
  pe_credentials_free(http->credentials);
  http->credentials = copy;
  copy = NULL;
  take_secrets(http, secrets);
  secrets = NULL;
  error = PE_OK;
out:
  pe_credentials_free(copy);
  pe_secrets_free(secrets);
  curl_slist_free_all(headers);
  free(line);
  free(pair);
  return error;
}

/* ---- the beginning of a transfer ---- */

static void reset_result(pe_http_result *out) {
  pe_buffer body = out->body;
  memset(out, 0, sizeof *out);
  out->body = body;
  out->body.size = 0;
}

static long milliseconds(int64_t nanoseconds) {
  return nanoseconds > PE_MILLISECOND ? (long)(nanoseconds / PE_MILLISECOND) : 1; /* 0 would mean no limit at all */
}

CURLcode pe_http_begin(pe_http *http, const char *body, size_t size, int64_t timeout, bool fresh, pe_http_result *out) {
  int64_t connect_timeout = http->connect_timeout < timeout ? http->connect_timeout : timeout;
  CURL *easy = http->easy;
  CURLcode result = CURLE_OK;

  reset_result(out);
  http->result = out;
  http->deadline = pe_clock_monotonic() + timeout;
  memset(&http->incoming, 0, sizeof http->incoming);
  http->stale = http->reached = http->no_descriptors = false;
  http->requests = 0;
  http->detail[0] = '\0';
  SET(CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
  /* After a handshake that failed libcurl reads the authorities' certificates again: the file may have been renewed,
   * and what was read when memory was out would fail for a day. */
  if (http->uses_tls && result == CURLE_OK) result = pe_curl_set_ca_cache(easy, http->tls_failed ? 1L : (long)CA_CACHE);
  SET(CURLOPT_POSTFIELDS, body);
  SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
  SET(CURLOPT_TIMEOUT_MS, milliseconds(timeout));
  SET(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(connect_timeout));
  return result;
}

const char *pe_http_library(const char **tls) {
  const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
  *tls = info->ssl_version ? info->ssl_version : "";
  return info->version;
}
