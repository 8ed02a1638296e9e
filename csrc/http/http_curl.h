/* libcurl, and what comes and goes with its versions: each option that not all of them have stands here, with the one
 * that brought it, and nowhere else. Where the libcurl in use is older than the headers, it goes without. */
#ifndef PE_HTTP_CURL_H
#define PE_HTTP_CURL_H

#include <curl/curl.h>
#include <stdbool.h>

#if LIBCURL_VERSION_NUM < 0x075000
#error "postevent needs libcurl 7.80 or newer: an older one does not say when a request begins (CURLOPT_PREREQFUNCTION)"
#endif

/* How a URL is read, when it is checked and when it is used: its path is sent as it stands, dots and all. */
enum { PE_HTTP_URL_FLAGS = CURLU_PATH_AS_IS };

static inline CURLcode pe_curl_if_known(CURLcode result) {
  return result == CURLE_UNKNOWN_OPTION ? CURLE_OK : result;
}

/* 7.85: names in place of bits. */
static inline CURLcode pe_curl_set_protocols(CURL *easy) {
#if LIBCURL_VERSION_NUM >= 0x075500
  return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
  return curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

/* 7.87: a name server that never answers holds up neither a time-out nor a close. */
static inline CURLcode pe_curl_set_quick_exit(CURL *easy) {
#if LIBCURL_VERSION_NUM >= 0x075700
  return pe_curl_if_known(curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L));
#else
  (void)easy;
  return CURLE_OK;
#endif
}

/* 7.87: for how many seconds the authorities that libcurl read are kept. */
static inline CURLcode pe_curl_set_ca_cache(CURL *easy, long seconds) {
#if LIBCURL_VERSION_NUM >= 0x075700
  return pe_curl_if_known(curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, seconds));
#else
  (void)easy, (void)seconds;
  return CURLE_OK;
#endif
}

/* 8.6: a code of its own for a line or headers that are longer than libcurl takes; before, "out of memory". */
static inline bool pe_curl_is_too_large(CURLcode result) {
#if LIBCURL_VERSION_NUM >= 0x080600
  return result == CURLE_TOO_LARGE;
#else
  (void)result;
  return false;
#endif
}

/* 8.20: the threads that look names up are the multi handle's, and so is the wish not to wait for them. */
static inline CURLMcode pe_curl_multi_set_quick_exit(CURLM *multi) {
#if LIBCURL_VERSION_NUM >= 0x081400
  CURLMcode result = curl_multi_setopt(multi, CURLMOPT_QUICK_EXIT, 1L);
  return result == CURLM_UNKNOWN_OPTION ? CURLM_OK : result;
#else
  (void)multi;
  return CURLM_OK;
#endif
}

#endif
