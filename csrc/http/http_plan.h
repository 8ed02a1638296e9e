/* How to post, or to read: all that the handles of a client have in common, with the files that it names. Immutable
 * once made, and no object of libcurl's is in it: any number of threads may make handles by it at once. */
#ifndef PE_HTTP_PLAN_H
#define PE_HTTP_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "http/http_tls.h"
#include "http/secrets.h"

/* How to post. Strings are borrowed during pe_http_plan_new; NULL means not set. */
typedef struct pe_http_config {
  const char *url; /* as pe_http_check_url accepts it */
  const char *user_agent;
  const char *const *headers; /* "Name: value" lines, checked by the caller for CR, LF and NUL */
  size_t header_count;
  pe_http_tls_files files;
  const char *key_password;
  bool reads;              /* documents are asked for, and nothing is posted */
  bool verify;             /* the certificate and the name of the host, and of a proxy that speaks TLS */
  const char *proxy;       /* "" or NULL: none, whatever the environment says */
  const char *no_proxy;    /* host names, comma-separated, that are reached without `proxy` */
  int64_t connect_timeout; /* nanoseconds: name, connection, proxy, TLS */
} pe_http_config;

typedef struct pe_http_plan {
  pe_http_config config; /* its texts and its list are owned; the files' names are NULL */
  pe_http_tls tls;
  pe_secrets *secrets;     /* owned: those that are in `config` and sent */
  const char *key_trouble; /* static: the likely cause where the client's key cannot be used */
  bool uses_tls;           /* towards the host or the proxy */
  bool proxy_uses_tls;     /* towards the proxy */
} pe_http_plan;

/* Reads the files that `config` names, and keeps a copy of the rest. Returns PE_OK and sets *plan, which the caller
 * frees after the handles that were made by it; or PE_NO_MEMORY; or PE_TLS where a file cannot be used, with *why
 * (static text). */
pe_error pe_http_plan_new(const pe_http_config *config, pe_http_plan **plan, const char **why);

/* NULL is legal. */
void pe_http_plan_free(pe_http_plan *plan);

#endif
