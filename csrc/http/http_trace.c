#include "http/http_trace.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/http_handle.h"

/* The request begins to be sent, so the connection stands: from here on the peer has nothing to say, but reads on. */
static void say_nothing(pe_http_trace *trace) {
  int made = accept(trace->other, NULL, NULL);

  if (made >= 0) (void)shutdown(made, SHUT_WR);
  (void)close(trace->other);
  trace->other = made;
}

static int on_debug(CURL *easy, curl_infotype kind, char *bytes, size_t size, void *user) {
  pe_http_trace *trace = user;
  bool is_input = kind == CURLINFO_HEADER_IN || kind == CURLINFO_DATA_IN;

  (void)easy;
  if (!is_input && kind != CURLINFO_HEADER_OUT && kind != CURLINFO_DATA_OUT) return 0;
  if (is_input != trace->has_input) (void)pe_buffer_append(&trace->text, "\r\n\r\n", 4);
  trace->has_input = is_input;
  (void)pe_buffer_append(&trace->text, bytes, size);
  if (trace->is_rehearsal && kind == CURLINFO_HEADER_OUT && trace->other >= 0) say_nothing(trace);
  return 0;
}

/* ---- rehearsal ---- */

/* A socket that listens on this machine, on a port of its own, takes the place of the webhook's. */
static curl_socket_t open_rehearsal(void *user, curlsocktype purpose, struct curl_sockaddr *address) {
  pe_http_trace *trace = user;
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof here;

  (void)purpose;
  if (trace->other >= 0) (void)close(trace->other);
  trace->other = socket(AF_INET, SOCK_STREAM, 0);
  if (trace->other < 0 || bind(trace->other, (struct sockaddr *)&here, size) != 0) return CURL_SOCKET_BAD;
  if (listen(trace->other, 1) != 0 || getsockname(trace->other, (struct sockaddr *)&here, &size) != 0)
    return CURL_SOCKET_BAD;
  memcpy(&address->addr, &here, sizeof here);
  address->addrlen = sizeof here;
  return socket(AF_INET, SOCK_STREAM, 0);
}

/* https without TLS: the same request. The port of https is not written into it, so it must not be told. */
static bool undress(CURLU *url) {
  char *port = NULL;
  bool is_told = curl_url_get(url, CURLUPART_PORT, &port, CURLU_NO_DEFAULT_PORT) == CURLUE_OK;

  curl_free(port);
  if (!is_told && curl_url_set(url, CURLUPART_PORT, NULL, 0)) return false;
  return curl_url_set(url, CURLUPART_SCHEME, "http", 0) == CURLUE_OK;
}

static CURLcode set_rehearsal(pe_http *http, pe_http_trace *trace) {
  CURL *easy = http->easy;
  CURLcode result = CURLE_OUT_OF_MEMORY;

  trace->nowhere = curl_slist_append(NULL, "::127.0.0.1:9");
  if (trace->nowhere && undress(http->url)) result = CURLE_OK;
  SET(CURLOPT_CURLU, http->url);
  SET(CURLOPT_CONNECT_TO, trace->nowhere);
  SET(CURLOPT_PROXY, "");
  SET(CURLOPT_OPENSOCKETFUNCTION, open_rehearsal);
  SET(CURLOPT_OPENSOCKETDATA, trace);
  return result;
}

/* ---- for its user ---- */

pe_http_trace *pe_http_trace_new(void) {
  pe_http_trace *made = calloc(1, sizeof *made);
  if (!made) return NULL;
  made->other = -1;
  pe_buffer_init(&made->text, PE_HTTP_TRACE_CEILING);
  return made;
}

void pe_http_trace_free(pe_http_trace *trace) {
  if (!trace) return;
  if (trace->other >= 0) (void)close(trace->other);
  curl_slist_free_all(trace->nowhere);
  pe_buffer_cleanup(&trace->text);
  free(trace);
}

pe_error pe_http_trace_start(pe_http *http, pe_http_trace *trace) {
  CURL *easy = http->easy;
  CURLcode result = trace->is_rehearsal ? set_rehearsal(http, trace) : CURLE_OK;

  SET(CURLOPT_DEBUGFUNCTION, on_debug);
  SET(CURLOPT_DEBUGDATA, trace);
  SET(CURLOPT_VERBOSE, 1L);
  return result == CURLE_OK ? PE_OK : PE_NO_MEMORY;
}

void pe_http_trace_hide(const pe_http *http, pe_http_trace *trace) {
  trace->text.size = pe_http_hide(http, trace->text.data, trace->text.size);
}
