/* What goes over the wire, as libcurl itself tells it: for those who want to see a request and its reply, and for a
 * rehearsal, in which nothing leaves the machine. The thread of the handle. */
#ifndef PE_HTTP_TRACE_H
#define PE_HTTP_TRACE_H

#include <stdbool.h>

#include "http/http.h"

enum { PE_HTTP_TRACE_CEILING = 1024 * 1024 };

typedef struct pe_http_trace {
  bool is_rehearsal;
  pe_buffer text; /* requests and replies in the order in which they went, an empty line between them */
  bool has_input; /* the last that was written came from the peer */
  int other;      /* of a rehearsal: the peer's socket; -1: none */
  struct curl_slist *nowhere;
} pe_http_trace;

/* Makes an empty one. NULL when memory is out. Any thread. */
pe_http_trace *pe_http_trace_new(void);

/* After the handle that writes into it is freed. NULL is legal. */
void pe_http_trace_free(pe_http_trace *trace);

/* From now on writes down what the handle sends and receives into *trace, which is borrowed until the handle ends; what
 * there is no room for is left out. In a rehearsal it posts to nobody: requests go as far as a socket of this
 * process on the loopback, without TLS, without a proxy, and no name is looked up; what stands in them is what the
 * webhook would get. Returns PE_OK or PE_NO_MEMORY. */
pe_error pe_http_trace_start(pe_http *http, pe_http_trace *trace);

/* Puts "***" in the place of the credentials in what was written so far. */
void pe_http_trace_hide(const pe_http *http, pe_http_trace *trace);

#endif
