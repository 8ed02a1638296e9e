/* What a URL may be, for the checks of the options. Any thread. */
#ifndef PE_HTTP_URL_H
#define PE_HTTP_URL_H

#include <stdbool.h>

/* What it says. */
typedef struct pe_http_url {
  bool tls;      /* https */
  bool loopback; /* the host is this machine */
  char host[256];
} pe_http_url;

/* Reads an http or https URL as libcurl does. Returns NULL, or why it is not acceptable (static text, which does not
 * quote the URL: it may hold a secret). Credentials and fragments in it are refused. Any thread. */
const char *pe_http_check_url(const char *url, pe_http_url *parsed);

/* The same for a proxy: http, https, socks4, socks4a, socks5 or socks5h; credentials are allowed. */
const char *pe_http_check_proxy(const char *url, pe_http_url *parsed);

#endif
