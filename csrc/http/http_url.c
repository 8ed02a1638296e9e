/* With libcurl's own parser: what is checked is what is used. */
#include "http/http_url.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "http/http_curl.h"

/* Out of memory counts as set: what is refused when it is there must not slip through. */
static bool part_is_set(CURLU *url, CURLUPart part) {
  char *text = NULL;
  CURLUcode result = curl_url_get(url, part, &text, 0);
  curl_free(text);
  return result == CURLUE_OK || result == CURLUE_OUT_OF_MEMORY;
}

static bool part_is_one_of(CURLU *url, CURLUPart part, const char *const *names) {
  char *text = NULL;
  bool found = false;
  if (curl_url_get(url, part, &text, 0) == CURLUE_OK)
    for (; *names && !found; names++)
      found = strcmp(text, *names) == 0;
  curl_free(text);
  return found;
}

/* Blank and control characters have no place in a URL; libcurl would pass some of them on. */
static bool has_blank(const char *url) {
  for (; *url != '\0'; url++)
    if ((unsigned char)*url <= ' ' || *url == 0x7f) return true;
  return false;
}

/* libcurl has turned every spelling of an IPv4 address into four decimal numbers; what is not one is a name. */
static bool is_loopback(const char *host) {
  unsigned char address[4];
  if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0) return true;
  return inet_pton(AF_INET, host, address) == 1 && address[0] == 127;
}

static const char *check_parts(CURLU *url) {
  static const char *const schemes[] = {"http", "https", NULL};
  if (!part_is_one_of(url, CURLUPART_SCHEME, schemes)) return "must begin with https:// or http://";
  if (part_is_set(url, CURLUPART_USER) || part_is_set(url, CURLUPART_PASSWORD))
    return "must not hold a user or a password; give `user` and `password`, or `authorization`";
  if (part_is_set(url, CURLUPART_FRAGMENT)) return "must not have a fragment (#)";
  return NULL;
}

static const char *read_host(CURLU *url, pe_http_url *parsed) {
  static const char *const https[] = {"https", NULL};
  char *host = NULL;
  const char *why = NULL;

  if (curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK || strlen(host) >= sizeof parsed->host) {
    why = "has no usable host";
  } else {
    (void)snprintf(parsed->host, sizeof parsed->host, "%s", host);
    parsed->tls = part_is_one_of(url, CURLUPART_SCHEME, https);
    parsed->loopback = is_loopback(host);
  }
  curl_free(host);
  return why;
}

static const char *parse(CURLU *url, const char *text) {
  if (has_blank(text)) return "must not hold blanks or control characters";
  switch (curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME)) {
  case CURLUE_OK: return NULL;
  case CURLUE_OUT_OF_MEMORY: return "out of memory";
  default: return "is not a URL";
  }
}

const char *pe_http_check_url(const char *text, pe_http_url *parsed) {
  CURLU *url = curl_url();
  const char *why = "out of memory";

  memset(parsed, 0, sizeof *parsed);
  if (!url) return why;
  why = parse(url, text);
  if (!why) why = check_parts(url);
  if (!why) why = read_host(url, parsed);
  curl_url_cleanup(url);
  return why;
}

const char *pe_http_check_proxy(const char *text, pe_http_url *parsed) {
  static const char *const schemes[] = {"http", "https", "socks4", "socks4a", "socks5", "socks5h", NULL};
  CURLU *url = curl_url();
  const char *why = "out of memory";

  memset(parsed, 0, sizeof *parsed);
  if (!url) return why;
  why = parse(url, text);
  if (!why && !part_is_one_of(url, CURLUPART_SCHEME, schemes))
    why = "is not a URL that begins with http://, https:// or socks5h://";
  if (!why) why = read_host(url, parsed);
  curl_url_cleanup(url);
  return why;
}
