#include "delivery/relay_files.h"

#include <stdlib.h>
#include <string.h>

static pe_redis_pem view(const pe_http_pem *pem) {
  return (pe_redis_pem){pem->bytes.data, pem->bytes.size};
}

/* What the files say is known when somebody stands on them. */
static pe_error try(const pe_redis_link_config *link, const char **why) {
  pe_redis_tls *tls = NULL;
  pe_error error = pe_redis_tls_new(&link->tls, link->url.host, -1, &tls, why);
  pe_redis_tls_free(tls);
  return error;
}

pe_error pe_relay_files_read(pe_relay_files *files, const pe_http_tls_files *names, pe_redis_link_config *link,
                             const char **why) {
  pe_error error;

  if (!link->url.tls) return PE_OK;
  *why = pe_error_text(PE_NO_MEMORY);
  error = pe_http_tls_read_bytes(&files->read, names, why);
  if (error != PE_OK) return error;
  *why = pe_error_text(PE_NO_MEMORY);
  if (link->tls.key_password) {
    files->key_password = strdup(link->tls.key_password);
    if (!files->key_password) return PE_NO_MEMORY;
  }
  link->tls = (pe_redis_tls_config){.authorities = view(&files->read.authorities),
                                    .certificate = view(&files->read.certificate),
                                    .key = view(&files->read.key),
                                    .key_password = files->key_password,
                                    .verify = link->tls.verify};
  return try(link, why);
}

void pe_relay_files_cleanup(pe_relay_files *files) {
  pe_http_tls_cleanup(&files->read);
  free(files->key_password);
}
