/* With libcurl's own parser: what is checked is what is used. */
#include "http/http_url.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
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

/* What has no place in a URL. libcurl would pass some of it on, and read the rest by the program's locale. */
static const char *check_bytes(const char *text) {
  const char *authority = strstr(text, "://");
  for (const char *each = text; *each != '\0'; each++) {
    if ((unsigned char)*each > 0x7f)
      return "must be ASCII: percent-encode what is not, and write a host in its xn-- form";
    if (*each <= ' ' || *each == 0x7f) return "must not hold blanks or control characters";
  }
  /* libcurl takes one slash, or three, too */
  return authority && authority[3] != '/' ? NULL : "is not a URL: a scheme, ://, a host";
}

/* libcurl has turned every spelling of an IPv4 address into four decimal numbers; what is not one is a name. */
static bool is_loopback(const char *host) {
  static const unsigned char mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127};
  static const unsigned char own[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  char text[64] = "";
  unsigned char address[16];

  if (pe_ascii_is_same(host, "localhost")) return true;
  if (inet_pton(AF_INET, host, address) == 1) return address[0] == 127;
  if (sscanf(host, "[%63[^]]", text) != 1 || inet_pton(AF_INET6, text, address) != 1) return false;
  return memcmp(address, own, sizeof own) == 0 || memcmp(address, mapped, sizeof mapped) == 0;
}

static const char *check_parts(CURLU *url) {
  static const char *const schemes[] = {"http", "https", NULL};
  if (!part_is_one_of(url, CURLUPART_SCHEME, schemes)) return "must begin with https:// or http://";
  if (part_is_set(url, CURLUPART_USER) || part_is_set(url, CURLUPART_PASSWORD))
    return "must not hold a user or a password; give `user` and `password`, or `authorization`";
  return NULL;
}

static const char *read_host(CURLU *url, pe_http_url *parsed) {
  static const char *const https[] = {"https", NULL};
  static const char *const nowhere[] = {"0", NULL};
  char *host = NULL;
  const char *why = NULL;

  if (part_is_one_of(url, CURLUPART_PORT, nowhere)) return "must not have the port 0";
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
  const char *why = check_bytes(text);
  if (why) return why;
  switch (curl_url_set(url, CURLUPART_URL, text, PE_HTTP_URL_FLAGS | CURLU_NON_SUPPORT_SCHEME)) {
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
  if (!why && strchr(text, '#')) why = "must not have a fragment (#)";
  if (!why) why = read_host(url, parsed);
  curl_url_cleanup(url);
  return why;
}

/* libcurl, where it cannot decode them, leaves out not only them but the proxy. */
static bool part_is_readable(CURLU *url, CURLUPart part, CURLUcode absent) {
  char *text = NULL;
  CURLUcode result = curl_url_get(url, part, &text, CURLU_URLDECODE);
  curl_free(text);
  return result == CURLUE_OK || result == absent;
}

/* libcurl would say so at each post. */
static bool knows_tls_proxies(void) {
  return (curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTPS_PROXY) != 0;
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
  if (!why && !(part_is_readable(url, CURLUPART_USER, CURLUE_NO_USER) &&
                part_is_readable(url, CURLUPART_PASSWORD, CURLUE_NO_PASSWORD)))
    why = "has a user or a password with control characters";
  if (!why) why = read_host(url, parsed);
  if (!why && parsed->tls && !knows_tls_proxies())
    why = "begins with https://, and this libcurl was built without that for proxies (HTTPS-proxy)";
  curl_url_cleanup(url);
  return why;
}
