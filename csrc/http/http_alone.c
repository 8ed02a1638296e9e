/* One transfer, for which the caller waits: a post, or a request for a document. On a connection of the handle's own,
 * which is kept from one to the next. The thread of the handle. */
#include "base/worker.h"
#include "http/http_handle.h"

enum { LONGEST_POLL = 1000 /* milliseconds; libcurl wakes us when there is something to do */ };

static CURLM *make_alone(void) {
  CURLM *made = curl_multi_init();
  if (!made) return NULL;
  if (curl_multi_setopt(made, CURLMOPT_MAXCONNECTS, 1L) == CURLM_OK && pe_curl_multi_set_quick_exit(made) == CURLM_OK)
    return made;
  (void)curl_multi_cleanup(made);
  return NULL;
}

/* One step of the transfer. Returns whether there is more to do. */
static bool step(pe_http *http, CURLMcode *problem) {
  int running = 0;
  *problem = CURLM_INTERNAL_ERROR;
  if (!pe_worker_try_visit()) return false;
  *problem = curl_multi_perform(http->alone, &running);
  pe_worker_depart();
  return *problem == CURLM_OK && running > 0;
}

/* What the transfer ended with; it is taken out, which may close its connection. Where another thread exits, it stays
 * where it is. */
static CURLcode finish(pe_http *http, CURLMcode problem) {
  CURLcode result = problem == CURLM_OK ? CURLE_OK : CURLE_OUT_OF_MEMORY;
  const CURLMsg *message;
  int left;

  if (!pe_worker_try_visit()) return CURLE_ABORTED_BY_CALLBACK;
  message = curl_multi_info_read(http->alone, &left);
  if (message && message->msg == CURLMSG_DONE) result = message->data.result;
  (void)curl_multi_remove_handle(http->alone, http->easy);
  pe_worker_depart();
  return result;
}

/* As curl_easy_perform, but that a fork waits for its steps, and not for its waits. */
static CURLcode perform(pe_http *http) {
  CURLMcode problem;

  if (!http->alone) http->alone = make_alone();
  if (!http->alone) return CURLE_OUT_OF_MEMORY;
  problem = curl_multi_add_handle(http->alone, http->easy);
  if (problem != CURLM_OK) return CURLE_OUT_OF_MEMORY;
  while (step(http, &problem)) {
    problem = curl_multi_poll(http->alone, NULL, 0, LONGEST_POLL, NULL);
    if (problem != CURLM_OK) break;
  }
  return finish(http, problem);
}

/* Carries a transfer through that was begun, unless its beginning failed. */
static void carry_through(pe_http *http, CURLcode result) {
  pe_sigpipe sigpipe;

  if (http->uses_tls) pe_sigpipe_block(&sigpipe);
  if (result == CURLE_OK) result = perform(http);
  if (pe_http_authorities_widen(http, result)) result = perform(http);
  if (http->uses_tls) pe_sigpipe_restore(&sigpipe);
  pe_http_end(http, result);
}

void pe_http_post(pe_http *http, const char *body, size_t size, int64_t timeout, pe_http_result *out) {
  carry_through(http, pe_http_begin(http, body, size, timeout, pe_http_pool_has_input(http->pool), out));
}

/* Turns what was begun as a post into a request for that place. */
static CURLcode ask_for(pe_http *http, const char *path, const char *query) {
  CURL *easy = http->easy;
  CURLcode result = CURLE_OK;

  if (curl_url_set(http->url, CURLUPART_PATH, path, 0) || curl_url_set(http->url, CURLUPART_QUERY, query, 0))
    return CURLE_URL_MALFORMAT;
  SET(CURLOPT_CURLU, http->url);
  SET(CURLOPT_HTTPGET, 1L);
  return result;
}

void pe_http_get(pe_http *http, const char *path, const char *query, int64_t timeout, pe_http_result *out) {
  CURLcode result = pe_http_begin(http, NULL, 0, timeout, pe_http_pool_has_input(http->pool), out);
  if (result == CURLE_OK) result = ask_for(http, path, query);
  carry_through(http, result);
}
