/* Whom a handle talks to, and whom it trusts: the host, and the proxy on the way there. To a proxy that itself speaks
 * TLS libcurl has options of their own, the twins of those for the host: what the client says of trust holds for both,
 * and its certificate is for the host alone. The thread of the handle. */
#include "base/clock.h"
#include "base/worker.h"
#include "http/http_handle.h"
#include "http/http_plan.h"

/* Whether nobody waits for the transfer any more, or somebody waits for its thread, and nothing was sent. */
static bool is_late(const pe_http *http, int64_t now) {
  if (now > http->deadline) return true;
  if (http->requests > 0) return false;
  return pe_worker_is_awaited(now) || (http->finish_by && now > __atomic_load_n(http->finish_by, __ATOMIC_RELAXED));
}

/* libcurl asks in loops in which it does not look at its own clock: while it reads a proxy's endless answer. */
static int on_progress(void *user, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up) {
  const pe_http *http = user;
  (void)down_total, (void)down, (void)up_total, (void)up;
  return is_late(http, pe_clock_monotonic());
}

static CURLcode set_proxy(pe_http *http, const pe_http_config *config) {
  CURL *easy = http->easy;
  CURLcode result = CURLE_OK;

  /* Always set: otherwise libcurl reads the environment, behind the host's back and on a thread of ours. */
  SET(CURLOPT_PROXY, config->proxy ? config->proxy : "");
  SET(CURLOPT_NOPROXY, config->no_proxy ? config->no_proxy : "");
  if (config->proxy && config->proxy[0] != '\0') {
    SET(CURLOPT_XFERINFODATA, http);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_NOPROGRESS, 0L);
  }
  return result;
}

/* Nothing is copied: the plan outlives the handle. */
static CURLcode use_pem(const pe_http_pem *pem, CURL *easy, CURLoption bytes, CURLoption path) {
  struct curl_blob blob = {pem->bytes.data, pem->bytes.size, CURL_BLOB_NOCOPY};
  if (pem->path) return curl_easy_setopt(easy, path, pem->path);
  return blob.len > 0 ? curl_easy_setopt(easy, bytes, &blob) : CURLE_OK;
}

static CURLcode set_own_authorities(pe_http *http, const pe_http_tls *tls) {
  CURL *easy = http->easy;
  CURLcode result = CURLE_OK;

  SET(CURLOPT_CAINFO, NULL);
  SET(CURLOPT_CAPATH, tls->authorities_path);
  if (result == CURLE_OK) result = use_pem(&tls->authorities, easy, CURLOPT_CAINFO_BLOB, CURLOPT_CAINFO);
  if (result != CURLE_OK || !http->meets_tls_proxy) return result;
  SET(CURLOPT_PROXY_CAINFO, NULL);
  SET(CURLOPT_PROXY_CAPATH, tls->authorities_path);
  if (result == CURLE_OK) result = use_pem(&tls->authorities, easy, CURLOPT_PROXY_CAINFO_BLOB, CURLOPT_PROXY_CAINFO);
  return result;
}

/* Those of the client and no others, or the system's. libcurl has built-in defaults for a file and a directory, and
 * reads them even where nobody is verified. */
static CURLcode set_authorities(pe_http *http, const pe_http_tls *tls, bool verify) {
  bool has_own = tls->authorities.bytes.size > 0 || tls->authorities.path || tls->authorities_path;
  return verify && !has_own ? pe_http_authorities_choose(http) : set_own_authorities(http, tls);
}

static CURLcode set_verify(const pe_http *http, bool verify) {
  CURL *easy = http->easy;
  CURLcode result = CURLE_OK;

  SET(CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
  SET(CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
  if (!http->meets_tls_proxy) return result;
  SET(CURLOPT_PROXY_SSL_VERIFYPEER, verify ? 1L : 0L);
  SET(CURLOPT_PROXY_SSL_VERIFYHOST, verify ? 2L : 0L);
  return result;
}

static CURLcode set_identity(pe_http *http, const pe_http_plan *plan) {
  const char *password = plan->config.key_password;
  CURL *easy = http->easy;
  CURLcode result = CURLE_OK;

  /* Always set: otherwise OpenSSL asks for it on the terminal, and waits. */
  SET(CURLOPT_KEYPASSWD, password ? password : "");
  if (result == CURLE_OK) result = use_pem(&plan->tls.certificate, easy, CURLOPT_SSLCERT_BLOB, CURLOPT_SSLCERT);
  if (result == CURLE_OK) result = use_pem(&plan->tls.key, easy, CURLOPT_SSLKEY_BLOB, CURLOPT_SSLKEY);
  return result;
}

CURLcode pe_http_set_peers(pe_http *http, const pe_http_plan *plan) {
  CURLcode result = set_proxy(http, &plan->config);
  if (result == CURLE_OK) result = set_verify(http, plan->config.verify);
  if (result == CURLE_OK) result = set_authorities(http, &plan->tls, plan->config.verify);
  if (result == CURLE_OK) result = set_identity(http, plan);
  return result;
}
