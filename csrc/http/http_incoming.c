/* What comes back of a post, piece by piece: kept as far as the bounds go; and whether it came to its end. The thread
 * of the handle. */
#include <string.h>

#include "base/ascii.h"
#include "http/http_handle.h"

enum { HEADER_CEILING = 64 * 1024 }; /* bytes of reply headers that are read */

size_t pe_http_on_body(char *bytes, size_t size, size_t count, void *user) {
  pe_http *http = user;
  pe_error error = pe_buffer_append(&http->result->body, bytes, size * count);
  http->incoming.body_lost = error == PE_NO_MEMORY;
  return error == PE_OK ? size * count : 0;
}

static bool begins_with(const char *bytes, size_t size, const char *word) {
  size_t length = strlen(word);
  return size >= length && pe_ascii_begins(bytes, word, length);
}

/* A line of the headers. There may be several heads, a proxy's and those of 1xx; and lines behind the body (RFC 9112,
 * 7.1.2). */
static void read_line(pe_http_incoming *incoming, const char *line, size_t size) {
  if (begins_with(line, size, "HTTP/")) incoming->head_is_whole = incoming->is_framed = false;
  if (begins_with(line, size, "content-length:") || begins_with(line, size, "transfer-encoding:"))
    incoming->is_framed = true;
  if (size > 0 && (line[0] == '\r' || line[0] == '\n')) incoming->head_is_whole = true;
}

size_t pe_http_on_header(char *bytes, size_t size, size_t count, void *user) {
  pe_http_incoming *incoming = &((pe_http *)user)->incoming;
  incoming->header_bytes += size * count;
  incoming->headers_too_long = incoming->header_bytes > HEADER_CEILING;
  if (incoming->headers_too_long) return 0;
  read_line(incoming, bytes, size * count);
  return size * count;
}

/* Without a length the end of the connection is that of the body (RFC 9112, 6.3), wherever it comes. The platform's
 * body is an object, and is never empty. */
static bool may_be_cut(const pe_http_incoming *incoming, const pe_http_result *result) {
  enum { NO_CONTENT = 204 };
  const pe_buffer *body = &result->body;
  if (incoming->is_framed || result->http_status == NO_CONTENT) return false;
  return body->size == 0 || body->data[0] == '{';
}

bool pe_http_is_cut(const pe_http *http, CURLcode result) {
  if (result == CURLE_PARTIAL_FILE) return true;
  return result == CURLE_OK && (!http->incoming.head_is_whole || may_be_cut(&http->incoming, http->result));
}
