#include "http/http_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "http/http_url.h"

static const size_t TEXTS[] = {offsetof(pe_http_config, url), offsetof(pe_http_config, user_agent),
                               offsetof(pe_http_config, key_password), offsetof(pe_http_config, proxy),
                               offsetof(pe_http_config, no_proxy)};

static const char **text_of(pe_http_config *config, size_t offset) {
  return (const char **)((char *)config + offset);
}

/* The plan keeps what is its own: the texts and the list, which `config` has now, become copies. */
static bool copy_texts(pe_http_config *config) {
  bool copied = true;
  for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
    const char **text = text_of(config, TEXTS[i]);
    const char *from = *text;
    *text = from && copied ? strdup(from) : NULL;
    copied = copied && (!from || *text);
  }
  return copied;
}

static bool copy_headers(pe_http_config *config, const pe_http_config *from) {
  const char **headers = calloc(from->header_count + 1, sizeof *headers);
  config->headers = headers;
  config->header_count = 0;
  if (!headers) return false;
  for (size_t i = 0; i < from->header_count; i++) {
    headers[i] = strdup(from->headers[i]);
    if (!headers[i]) return false;
    config->header_count++;
  }
  return true;
}

static bool copy_config(pe_http_config *config, const pe_http_config *from) {
  bool copied;
  *config = *from;
  config->files = (pe_http_tls_files){NULL, NULL, NULL, NULL}; /* they are read */
  copied = copy_texts(config);
  return copy_headers(config, from) && copied;
}

static const char *key_trouble(const pe_http_tls *tls, const char *password) {
  if (!tls->key_is_encrypted) return "the client's certificate or key cannot be used (is it PEM, and are they a pair?)";
  if (!password) return "the client's key is encrypted, and tls.key_password is missing";
  return "the client's key cannot be used: tls.key_password is wrong, as it seems";
}

pe_error pe_http_plan_new(const pe_http_config *config, pe_http_plan **plan, const char **why) {
  pe_http_plan *made = NULL;
  pe_http_url parsed;
  pe_error error = PE_NO_MEMORY;

  *why = pe_error_text(PE_NO_MEMORY);
  made = calloc(1, sizeof *made);
  if (!made || !copy_config(&made->config, config)) goto out;
  made->secrets = pe_secrets_new_of_plan(config->headers, config->header_count, config->proxy, config->url);
  if (!made->secrets) goto out;
  error = PE_TLS;
  *why = pe_http_check_url(config->url, &parsed);
  if (*why) goto out;
  made->proxy_uses_tls = config->proxy && pe_ascii_begins(config->proxy, "https:", 6);
  made->uses_tls = parsed.tls || made->proxy_uses_tls;
  *why = made->uses_tls ? pe_http_tls_missing() : NULL;
  if (*why) goto out;
  error = pe_http_tls_read(&made->tls, &config->files, why);
  if (error != PE_OK) goto out;
  made->key_trouble = key_trouble(&made->tls, config->key_password);
  *plan = made;
  return PE_OK;
out:
  pe_http_plan_free(made);
  return error;
}

void pe_http_plan_free(pe_http_plan *plan) {
  if (!plan) return;
  for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++)
    free((void *)*text_of(&plan->config, TEXTS[i]));
  for (size_t i = 0; i < plan->config.header_count; i++)
    free((void *)plan->config.headers[i]);
  free((void *)plan->config.headers);
  pe_http_tls_cleanup(&plan->tls);
  pe_secrets_free(plan->secrets);
  free(plan);
}
