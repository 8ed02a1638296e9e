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

static size_t hide(const void *secrets, char *text, size_t size) {
  return pe_secrets_hide(secrets, text, size);
}

/* The user is no secret: Redis names it where it lacks a right. */
static pe_error take_password(pe_relay_files *files, pe_redis_link_config *link) {
  if (!link->url.has_password) return PE_OK;
  files->secrets = pe_secrets_new((pe_http_credentials){.user = "", .password = link->url.password}, NULL);
  link->hide = (pe_redis_hide){hide, files->secrets};
  return files->secrets ? PE_OK : PE_NO_MEMORY;
}

pe_error pe_relay_files_read(pe_relay_files *files, const pe_http_tls_files *names, pe_redis_link_config *link,
                             const char **why) {
  pe_error error;

  *why = pe_error_text(PE_NO_MEMORY);
  error = take_password(files, link);
  if (error != PE_OK || !link->url.tls) return error;
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
  pe_secrets_free(files->secrets);
}
