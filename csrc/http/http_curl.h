/* libcurl, and what comes and goes with its versions: each option that not all of them have stands here, with the one
 * that brought it, and nowhere else. What the libcurl in use can do decides, whatever the headers know: a program may
 * be built with one and run with another. */
#ifndef PE_HTTP_CURL_H
#define PE_HTTP_CURL_H

#include <curl/curl.h>
#include <stdbool.h>

#if LIBCURL_VERSION_NUM < 0x075000
#error "postevent needs libcurl 7.80 or newer: an older one does not say when a request begins (CURLOPT_PREREQFUNCTION)"
#endif

/* By libcurl's numbers, which never change, since older headers lack the names and newer ones warn of them. */
enum {
  PE_CURL_PROTOCOLS = CURLOPTTYPE_LONG + 181,            /* gone to sleep with 7.85 */
  PE_CURL_PROTOCOLS_STR = CURLOPTTYPE_STRINGPOINT + 318, /* 7.85 */
  PE_CURL_CA_CACHE_TIMEOUT = CURLOPTTYPE_LONG + 321,     /* 7.87 */
  PE_CURL_QUICK_EXIT = CURLOPTTYPE_LONG + 322,           /* 7.87 */
  PE_CURL_MULTI_QUICK_EXIT = CURLOPTTYPE_LONG + 21,      /* 8.20 */
  PE_CURL_CA_FILE = CURLINFO_STRING + 61,                /* 7.84 */
  PE_CURL_CA_PATH = CURLINFO_STRING + 62,                /* 7.84 */
  PE_CURL_TOO_LARGE = 100                                /* 8.6 */
};

/* How a URL is read, when it is checked and when it is used: its path is sent as it stands, dots and all. */
enum { PE_HTTP_URL_FLAGS = CURLU_PATH_AS_IS };

/* Sets what an older libcurl goes without. */
static inline CURLcode pe_curl_set_if_known(CURL *easy, int option, long value) {
  CURLcode result = curl_easy_setopt(easy, (CURLoption)option, value);
  return result == CURLE_UNKNOWN_OPTION ? CURLE_OK : result;
}

/* Names in place of bits. */
static inline CURLcode pe_curl_set_protocols(CURL *easy) {
  CURLcode result = curl_easy_setopt(easy, (CURLoption)PE_CURL_PROTOCOLS_STR, "http,https");
  if (result != CURLE_UNKNOWN_OPTION) return result;
  return curl_easy_setopt(easy, (CURLoption)PE_CURL_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
}

/* A name server that never answers holds up neither a time-out nor a close. */
static inline CURLcode pe_curl_set_quick_exit(CURL *easy) {
  return pe_curl_set_if_known(easy, PE_CURL_QUICK_EXIT, 1L);
}

/* The threads that look names up may be the multi handle's, and then so is the wish not to wait for them. */
static inline CURLMcode pe_curl_multi_set_quick_exit(CURLM *multi) {
  CURLMcode result = curl_multi_setopt(multi, (CURLMoption)PE_CURL_MULTI_QUICK_EXIT, 1L);
  return result == CURLM_UNKNOWN_OPTION ? CURLM_OK : result;
}

/* For how many seconds the authorities that libcurl read are kept. */
static inline CURLcode pe_curl_set_ca_cache(CURL *easy, long seconds) {
  return pe_curl_set_if_known(easy, PE_CURL_CA_CACHE_TIMEOUT, seconds);
}

/* Where this libcurl finds the system's authorities unless it is told otherwise (static text): `what` is
 * PE_CURL_CA_FILE or PE_CURL_CA_PATH. NULL: nowhere, or it does not say. */
static inline const char *pe_curl_default(CURL *easy, int what) {
  const char *where = NULL;
  CURLcode result = curl_easy_getinfo(easy, (CURLINFO)what, &where);
  return result == CURLE_OK ? where : NULL;
}

/* A line or headers that are longer than libcurl takes, where it has a code of its own for that; elsewhere it is "out
 * of memory". */
static inline bool pe_curl_is_too_large(CURLcode result) {
  return (int)result == PE_CURL_TOO_LARGE;
}

/* What libcurl says of a handle that could not be made. */
static inline const char *pe_curl_trouble(CURLcode result) {
  return result == CURLE_UNKNOWN_OPTION ? "the libcurl in use is older than 7.80" : curl_easy_strerror(result);
}

#endif
