/* HTTP with libcurl: one POST in, one result out. Owns the connection, which is kept alive from post to post, and the
 * answer to "was it sent?" (design.md). Knows nothing of events, retries or JSON. A pe_http belongs to one thread. */
#ifndef PE_HTTP_H
#define PE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

typedef struct pe_http pe_http;

/* What every post of a pe_http shares. Strings are borrowed during pe_http_new; NULL means not set. */
typedef struct pe_http_config {
  const char *url; /* as pe_http_check_url accepts it */
  const char *user_agent;
  const char *const *headers; /* "Name: value" lines, checked by the caller for CR, LF and NUL */
  size_t header_count;
  const char *ca_file, *ca_path, *cert_file, *key_file, *key_password;
  bool verify;             /* the peer's certificate and name */
  const char *proxy;       /* "" or NULL: none, whatever the environment says */
  const char *no_proxy;    /* host names, comma-separated, that are reached without `proxy` */
  int64_t connect_timeout; /* nanoseconds: name, connection, proxy, TLS */
} pe_http_config;

/* The credentials: a ready header value, or a user and a password, or nothing at all. */
typedef struct pe_http_credentials {
  const char *authorization;
  const char *user;
  const char *password;
} pe_http_credentials;

enum {
  PE_HTTP_BODY_CEILING = 64 * 1024, /* bytes of a reply that are read */
  PE_HTTP_MESSAGE_SIZE = 320
};

/* The caller's storage, which serves one post after another. `body` is to be initialised with PE_HTTP_BODY_CEILING
 * before the first, and cleaned up after the last. */
typedef struct pe_http_result {
  pe_error error; /* PE_OK: a reply came, whatever its status */
  pe_sent sent;
  long http_status;    /* 0: none */
  int64_t retry_after; /* nanoseconds, as the reply asks; 0 where it does not, or cannot be read */
  pe_buffer body;
  bool body_is_usable;                /* it is all there, and no longer than the ceiling */
  bool body_is_cut;                   /* the connection ended in it */
  char message[PE_HTTP_MESSAGE_SIZE]; /* for people; "" when a reply came. Names no credential */
} pe_http_result;

/* What a URL says, for the checks of the options. */
typedef struct pe_http_url {
  bool tls;      /* https */
  bool loopback; /* the host is this machine */
  char host[256];
} pe_http_url;

/* Reads an http or https URL as libcurl does. Returns NULL, or why it is not acceptable (static text, which does not
 * quote the URL: it may hold a secret). Credentials and fragments in it are refused. Any thread. */
const char *pe_http_check_url(const char *url, pe_http_url *parsed);

/* The same for a proxy: http, https, socks4, socks4a, socks5 or socks5h; credentials are allowed. */
const char *pe_http_check_proxy(const char *url, pe_http_url *parsed);

/* Makes a handle; opens no connection. Returns PE_OK and sets *http, which the caller frees; or PE_NO_MEMORY; or
 * PE_TLS where this libcurl cannot do what the config asks, with *why (static text). */
pe_error pe_http_new(const pe_http_config *config, pe_http **http, const char **why);

/* Another handle that posts as `http` does, without a connection and without credentials. `http` is only read, and may
 * be at the same time by others. Returns PE_OK and sets *copy, which the caller frees; or PE_NO_MEMORY. */
pe_error pe_http_copy(const pe_http *http, pe_http **copy);

/* Closes the connection. NULL is legal. Never waits for the peer nor for a name server. */
void pe_http_free(pe_http *http);

/* Replaces the credentials (copied) from the next post on. Returns PE_OK; or PE_NO_MEMORY, and the old ones stay. */
pe_error pe_http_set_credentials(pe_http *http, pe_http_credentials credentials);

/* Posts `body` and waits, at most `timeout` nanoseconds, for the reply. Always fills *result, which owes nothing to
 * `http` afterwards. Lets no SIGPIPE through to the program. */
void pe_http_post(pe_http *http, const char *body, size_t size, int64_t timeout, pe_http_result *result);

/* The libcurl in use: "7.88.1", and the name of its TLS library or "". Static storage. */
const char *pe_http_library(const char **tls);

#endif
