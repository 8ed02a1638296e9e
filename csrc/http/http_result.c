/* What the end of a transfer means: was the event sent, is there a reply, and if not, why ("design.md", Was it sent?).
 * The thread of the handle. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/descriptor.h"
#include "http/http_handle.h"

static bool is_tls_failure(CURLcode result) {
  switch (result) {
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_CRL_BADFILE:
  case CURLE_SSL_ISSUER_ERROR:
  case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
  case CURLE_SSL_INVALIDCERTSTATUS:
  case CURLE_SSL_CLIENTCERT:
  case CURLE_SSL_ENGINE_NOTFOUND:
  case CURLE_SSL_ENGINE_SETFAILED:
  case CURLE_SSL_ENGINE_INITFAILED:
  case CURLE_USE_SSL_FAILED: return true;
  default: return false;
  }
}

/* The client's key cannot be used: wrong password, or no key. A current libcurl (8.22) has this code for it, and with
 * GnuTLS only the text tells. */
static bool is_key_failure(const pe_http *http, CURLcode result) {
  bool is_gnutls = result == CURLE_SSL_CONNECT_ERROR && strstr(http->detail, "encrypted key file");
  return http->uses_tls && (result == CURLE_BAD_FUNCTION_ARGUMENT || is_gnutls);
}

/* With TLS 1.3 a client's handshake ends before the server has judged its certificate; the refusal arrives as an
 * alert (RFC 8446, 6.2) in place of the first reply. Only the text tells it from a broken connection; GnuTLS' does not
 * say which alert it was. */
static bool is_certificate_alert(const pe_http *http, CURLcode result) {
  if (result != CURLE_RECV_ERROR && result != CURLE_SEND_ERROR) return false;
  if (http->incoming.header_bytes > 0 || !http->is_first) return false;
  if (strstr(http->detail, "TLS fatal alert")) return true;
  return strstr(http->detail, "alert") && (strstr(http->detail, "certificate") || strstr(http->detail, "unknown ca"));
}

static bool is_timeout(const pe_http *http, CURLcode result) {
  return result == CURLE_OPERATION_TIMEDOUT || (result == CURLE_ABORTED_BY_CALLBACK && http->requests < 2);
}

/* Whether the transfer ended for want of a descriptor, which libcurl says in a word of many meanings. */
static bool lacks_descriptors(const pe_http *http, CURLcode result) {
  if (http->requests > 0) return false;
  if (http->no_descriptors) return true;
  switch (result) {
  case CURLE_OUT_OF_MEMORY:
  case CURLE_FAILED_INIT:
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_RESOLVE_PROXY:
  case CURLE_COULDNT_CONNECT: return pe_descriptors_are_scarce();
  default: return false;
  }
}

static pe_error classify_unsent(const pe_http *http, CURLcode result, pe_http_result *out) {
  long proxy_status = 0;

  if (http->no_descriptors) return PE_UNREACHABLE;
  if (result == CURLE_OUT_OF_MEMORY) return PE_NO_MEMORY;
  if (is_tls_failure(result) || is_key_failure(http, result)) return PE_TLS;
  (void)curl_easy_getinfo(http->easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
  if (proxy_status == 407) {
    out->http_status = proxy_status;
    return PE_UNAUTHORIZED;
  }
  return is_timeout(http, result) && http->reached ? PE_TIMEOUT : PE_UNREACHABLE;
}

static pe_error classify_sent(const pe_http *http, CURLcode result, const pe_http_result *out) {
  if (is_timeout(http, result)) return PE_TIMEOUT;
  if (pe_curl_is_too_large(result)) return PE_BAD_REPLY;
  switch (result) {
  case CURLE_PARTIAL_FILE:
  case CURLE_WRITE_ERROR:
  case CURLE_BAD_CONTENT_ENCODING: /* a reply came, but its body is of no use */
    if (http->incoming.headers_too_long) return PE_BAD_REPLY;
    if (http->incoming.body_lost) return PE_INTERRUPTED; /* for want of memory: it may have been a good one */
    return out->http_status > 0 ? PE_OK : PE_INTERRUPTED;
  case CURLE_UNSUPPORTED_PROTOCOL: /* "Received HTTP/0.9 when not allowed": what came is not HTTP */
  case CURLE_WEIRD_SERVER_REPLY: return PE_BAD_REPLY;
  default: return is_certificate_alert(http, result) ? PE_TLS : PE_INTERRUPTED;
  }
}

/* ---- for people ---- */

/* What happened, where libcurl's words say too little; NULL: they will do. */
static const char *cause(const pe_http *http, CURLcode result) {
  bool sent = http->requests > 0;
  if (http->requests > 1) return "the kept-alive connection was closed under the request";
  if (http->no_descriptors) return PE_NO_DESCRIPTORS;
  if (result == CURLE_SSL_CERTPROBLEM || is_key_failure(http, result)) return http->key_trouble;
  if (http->incoming.headers_too_long) return "the reply's headers are longer than 64 KiB";
  if (sent && pe_curl_is_too_large(result)) return "a line of the reply's headers is longer than 100 KiB";
  if (sent && result == CURLE_OUT_OF_MEMORY && http->result->http_status > 0)
    return "out of memory, or a line of the reply's headers is longer than 100 KiB";
  return NULL;
}

static bool says_one_of(const pe_http *http, const char *const *words) {
  while (*words && !strstr(http->detail, *words))
    words++;
  return *words != NULL;
}

/* Whether the other side of a TLS handshake spoke no TLS, as OpenSSL and GnuTLS put it. It answered in plain text; or
 * it went away, and what it said was lost with the connection: which of the two is a matter of who was quicker. */
static bool met_no_tls(const pe_http *http, CURLcode result) {
  static const char *const plain[] = {"wrong version number",  "packet length too long", "http request",
                                      "unexpected TLS packet", "record layer failure",   NULL};
  static const char *const gone[] = {"SSL_ERROR_SYSCALL", "unexpected eof",    "Recv failure",
                                     "Send failure",      "improperly termin", "non-properly termi",
                                     "pull function",     "push function",     NULL};
  return says_one_of(http, plain) || (result == CURLE_SSL_CONNECT_ERROR && says_one_of(http, gone));
}

/* Whether a connection was there, and then nothing came of TLS. */
static bool met_silence(const pe_http *http, CURLcode result) {
  return is_timeout(http, result) && http->reached && http->requests == 0 && http->uses_tls &&
         !strstr(http->detail, "roxy");
}

/* Whether what was asked in plain text may speak TLS: it answered something that is no HTTP, or went away without a
 * byte, and has never answered before. */
static bool met_tls(const pe_http *http, CURLcode result) {
  bool is_garbage = result == CURLE_UNSUPPORTED_PROTOCOL || result == CURLE_WEIRD_SERVER_REPLY;
  bool is_gone = result == CURLE_GOT_NOTHING || result == CURLE_RECV_ERROR;
  if (http->uses_tls || http->requests == 0) return false;
  return is_garbage || (is_gone && http->incoming.header_bytes == 0 && !http->was_answered);
}

/* Whether a proxy answered CONNECT as a server does that knows no such thing. */
static bool met_no_proxy(const pe_http *http) {
  long status = 0;
  if (!strstr(http->detail, "CONNECT")) return false;
  (void)curl_easy_getinfo(http->easy, CURLINFO_HTTP_CONNECTCODE, &status);
  return status == 0 || status == 400 || status == 404 || status == 405 || status == 501;
}

/* Whom a certificate that was refused may belong to, where the proxy speaks TLS, too: before that has answered, to it.
 * What fails inside its connection loses its reason on the way out: libcurl 7.88 says "SSL_ERROR_SYSCALL" of all. */
static const char *hint_of_certificate(const pe_http *http, CURLcode result) {
  bool is_refused = result == CURLE_PEER_FAILED_VERIFICATION;
  long status = 0;

  if (!http->meets_tls_proxy) return NULL;
  (void)curl_easy_getinfo(http->easy, CURLINFO_HTTP_CONNECTCODE, &status);
  if (is_refused && status == 0) return " (is that the proxy's certificate?)";
  if (status == 0 || !(is_refused || result == CURLE_SSL_CONNECT_ERROR)) return NULL;
  return " (is that the host's certificate, or does it speak no TLS?)";
}

/* What to look at first; "": nothing comes to mind. */
static const char *hint(const pe_http *http, CURLcode result) {
  const char *of_certificate = hint_of_certificate(http, result);
  if (of_certificate) return of_certificate;
  if (met_no_tls(http, result) || met_silence(http, result))
    return " (does this port, or the proxy, speak http and not https?)";
  if (met_tls(http, result)) return " (does this port speak https and not http?)";
  if (result == CURLE_PROXY) return " (is that a SOCKS proxy?)";
  return http->requests == 0 && met_no_proxy(http) ? " (is that a proxy?)" : "";
}

/* libcurl's text may quote the peer, so control characters go. */
static void explain(const pe_http *http, CURLcode result, pe_http_result *out) {
  const char *detail = http->detail[0] != '\0' ? http->detail : curl_easy_strerror(result);
  const char *known = cause(http, result);

  (void)snprintf(out->message, sizeof out->message, "%s: %s%s", pe_error_text_of(out->error, out->http_status),
                 known ? known : detail, known ? "" : hint(http, result));
  out->message[pe_secrets_hide(out->secrets, out->message, strlen(out->message))] = '\0';
  for (char *c = out->message; *c != '\0'; c++)
    if ((unsigned char)*c < ' ' || (unsigned char)*c > '~') *c = ' ';
}

/* As far as it came. */
static void read_head(const pe_http *http, pe_http_result *out) {
  curl_off_t retry_after = 0;

  (void)curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &out->http_status);
  (void)curl_easy_getinfo(http->easy, CURLINFO_RETRY_AFTER, &retry_after); /* seconds or a date (RFC 9110, 10.2.3) */
  if (retry_after > 0) out->retry_after = retry_after < INT64_MAX / PE_SECOND ? retry_after * PE_SECOND : INT64_MAX;
}

static void read_reply(pe_http *http, CURLcode result, pe_http_result *out) {
  http->was_answered = true;
  out->sent = PE_SENT_YES;
  out->body_is_usable = result == CURLE_OK;
  out->body_is_cut = pe_http_is_cut(http, result);
}

static void read_result(pe_http *http, CURLcode result, pe_http_result *out) {
  http->no_descriptors = lacks_descriptors(http, result);
  if (http->requests == 0) {
    out->error = classify_unsent(http, result, out);
  } else {
    read_head(http, out);
    out->sent = PE_SENT_MAYBE;
    out->error = result == CURLE_OK ? PE_OK : classify_sent(http, result, out);
  }
  if (http->requests > 0 && out->error == PE_OK)
    read_reply(http, result, out);
  else
    explain(http, result, out);
}

void pe_http_end(pe_http *http, CURLcode result) {
  pe_http_pool_settle(http->pool, &http->reached);
  http->result->secrets = http->secrets ? http->secrets : http->others;
  read_result(http, result, http->result);
  http->tls_failed = http->result->error == PE_TLS;
  pe_http_authorities_settle(http);
}
