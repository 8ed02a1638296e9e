#include "http/http_multi.h"

#include <limits.h>
#include <stdlib.h>

#include "base/bell.h"
#include "base/clock.h"
#include "http/http_handle.h"

/* Each time it moves transfers on, libcurl asks the system about the socket of every one of them. So where many run and
 * few are ready, it is worth waiting for some more: as long as a reply over loopback takes. */
enum { MANY_RUNNING = 16, FEW = 8 /* one in so many */ };
static const int64_t GATHER = PE_MILLISECOND / 50;

struct pe_http_multi {
  CURLM *multi;
  pe_http_pool pool;
  int64_t finish_by; /* atomic */
  int running;       /* transfers, as libcurl last said */
  pe_bell bell;      /* libcurl's own is a pair of sockets, which cost the caller more */
};

/* ---- life cycle ---- */

pe_error pe_http_multi_new(size_t width, pe_http_multi **multi) {
  pe_http_multi *made = calloc(1, sizeof *made);

  if (!made) return PE_NO_MEMORY;
  made->finish_by = INT64_MAX;
  made->multi = curl_multi_init();
  if (!pe_bell_init(&made->bell) || !made->multi || pe_curl_multi_set_quick_exit(made->multi) != CURLM_OK ||
      curl_multi_setopt(made->multi, CURLMOPT_MAXCONNECTS, (long)width) != CURLM_OK) {
    pe_http_multi_free(made);
    return PE_NO_MEMORY;
  }
  *multi = made;
  return PE_OK;
}

void pe_http_multi_free(pe_http_multi *multi) {
  if (!multi) return;
  (void)curl_multi_cleanup(multi->multi); /* fails for a handle that is none */
  pe_bell_cleanup(&multi->bell);
  pe_http_pool_cleanup(&multi->pool);
  free(multi);
}

pe_error pe_http_multi_join(pe_http_multi *multi, pe_http *http, void *user) {
  CURL *easy = http->easy;
  CURLcode result = CURLE_OK;

  SET(CURLOPT_PRIVATE, http);
  SET(CURLOPT_CLOSESOCKETDATA, &multi->pool);
  if (result != CURLE_OK) return PE_NO_MEMORY;
  http->multi = multi->multi;
  http->pool = &multi->pool;
  http->finish_by = &multi->finish_by;
  http->user = user;
  return PE_OK;
}

void *pe_http_user(const pe_http *http) {
  return http->user;
}

/* ---- transfers ---- */

static CURLcode add(pe_http *http) {
  CURLMcode result = curl_multi_add_handle(http->multi, http->easy);
  return result == CURLM_OK ? CURLE_OK : CURLE_OUT_OF_MEMORY;
}

pe_error pe_http_multi_begin(pe_http *http, const char *body, size_t size, int64_t timeout, pe_http_result *out) {
  CURLcode result = pe_http_begin(http, body, size, timeout, false, out);
  if (result == CURLE_OK) result = add(http);
  if (result == CURLE_OK) return PE_OK;
  pe_http_end(http, result);
  return out->error;
}

void pe_http_multi_run(pe_http_multi *multi) {
  (void)curl_multi_perform(multi->multi, &multi->running); /* what goes wrong is told with the transfer that it ends */
}

/* The transfer met a connection with something to read: the same once more, over a new one. Nothing was sent. */
static bool begin_afresh(pe_http *http) {
  CURL *easy = http->easy;
  CURLcode result = CURLE_OK;

  http->stale = false;
  http->detail[0] = '\0';
  SET(CURLOPT_FRESH_CONNECT, 1L);
  if (result == CURLE_OK) result = add(http);
  return result == CURLE_OK;
}

pe_http *pe_http_multi_done(pe_http_multi *multi) {
  CURLMsg *message;
  int left;

  while ((message = curl_multi_info_read(multi->multi, &left))) {
    CURLcode result = message->data.result;
    CURL *easy = message->easy_handle;
    pe_http *http = NULL;
    if (message->msg != CURLMSG_DONE) continue;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &http); /* `message` is gone after the next call */
    (void)curl_multi_remove_handle(multi->multi, easy);
    if (http->stale && begin_afresh(http)) continue;
    if (pe_http_authorities_widen(http, result) && add(http) == CURLE_OK) continue;
    pe_http_end(http, result);
    return http;
  }
  return NULL;
}

pe_sent pe_http_multi_cancel(pe_http *http) {
  (void)curl_multi_remove_handle(http->multi, http->easy);
  pe_http_pool_settle(http->pool, &http->reached);
  return http->requests > 0 ? PE_SENT_MAYBE : PE_SENT_NO;
}

void pe_http_multi_wait(pe_http_multi *multi, int64_t nanoseconds) {
  /* Rounded up: to wake before the time only to sleep again costs more. */
  int64_t timeout = nanoseconds / PE_MILLISECOND + (nanoseconds % PE_MILLISECOND > 0);
  struct curl_waitfd bell = {.fd = pe_bell_descriptor(&multi->bell), .events = CURL_WAIT_POLLIN};
  int ready = 0;
  CURLMcode result = curl_multi_poll(multi->multi, &bell, 1, timeout < INT_MAX ? (int)timeout : INT_MAX, &ready);
  if (bell.revents != 0) pe_bell_silence(&multi->bell);
  if (result != CURLM_OK)
    pe_clock_sleep(PE_MILLISECOND); /* out of memory: it did not wait, and we must not spin */
  else if (multi->running >= MANY_RUNNING && ready * FEW < multi->running)
    pe_clock_sleep(GATHER);
}

void pe_http_multi_wake(pe_http_multi *multi) {
  pe_bell_ring(&multi->bell);
}

void pe_http_multi_finish_by(pe_http_multi *multi, int64_t time) {
  __atomic_store_n(&multi->finish_by, time, __ATOMIC_RELAXED);
}
