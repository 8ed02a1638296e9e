/* The files that TLS stands on, as they were when the client was made: what `new` has read is what is used, whoever
 * the process is by then and wherever it stands. Immutable once read; any thread. */
#ifndef PE_HTTP_TLS_H
#define PE_HTTP_TLS_H

#include <stdbool.h>

#include "base/buffer.h"

/* Their names; NULL: none. */
typedef struct pe_http_tls_files {
  const char *ca_file, *ca_path, *cert_file, *key_file;
} pe_http_tls_files;

/* A file of the client's own, certificate or key. */
typedef struct pe_http_pem {
  pe_buffer bytes; /* empty: there is none, or this TLS library takes paths alone */
  char *path;      /* owned, absolute; for a TLS library that takes paths alone, and reads them at each connection */
} pe_http_pem;

/* Zeroed: no files. */
typedef struct pe_http_tls {
  pe_http_pem authorities, certificate, key;
  bool key_is_encrypted;
  char *authorities_path; /* owned; a directory, for a TLS library that takes paths alone */
} pe_http_tls;

/* NULL; or why libcurl can make no TLS connection in this process (static text): it was built without TLS, or its TLS
 * library is not the one that it was built with. */
const char *pe_http_tls_missing(void);

/* Reads the files. Returns PE_OK; or PE_NO_MEMORY or PE_TLS with *why (static text), and the caller
 * cleans up. */
pe_error pe_http_tls_read(pe_http_tls *tls, const pe_http_tls_files *files, const char **why);

/* The same, and the bytes stay, whatever libcurl's TLS library takes. */
pe_error pe_http_tls_read_bytes(pe_http_tls *tls, const pe_http_tls_files *files, const char **why);

/* Overwrites the key, and frees. */
void pe_http_tls_cleanup(pe_http_tls *tls);

#endif
