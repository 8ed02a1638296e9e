/* What a link to Redis stands on for as long as there is one: the files of TLS, as they were when they were read (they
 * are not looked at again), and what no text of that Redis's may show. Immutable once read; any thread. */
#ifndef PE_RELAY_FILES_H
#define PE_RELAY_FILES_H

#include "http/http_tls.h"
#include "http/secrets.h"
#include "redis/redis_link.h"

/* Zeroed: none. */
typedef struct pe_relay_files {
  pe_http_tls read;
  char *key_password;  /* owned */
  pe_secrets *secrets; /* owned: the url's password. NULL: it has none */
} pe_relay_files;

/* Lets link->hide know the password in its url. Reads the files of a link by rediss://, copies the password in
 * link->tls, and lets link->tls point to both; of another link there are none. Returns PE_OK; or PE_NO_MEMORY or PE_TLS
 * with *why (static text), also where they will not do. The caller cleans up. */
pe_error pe_relay_files_read(pe_relay_files *files, const pe_http_tls_files *names, pe_redis_link_config *link,
                             const char **why);

/* Overwrites the key, and frees. The link, too, is no more. */
void pe_relay_files_cleanup(pe_relay_files *files);

#endif
