/* A reply whose body does not come as it should: in drops, or not to its end. Part of sandbox_httpd.c, which is the
 * only one to include it. */
#ifndef PE_SANDBOX_PACE_H
#define PE_SANDBOX_PACE_H

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/sandbox_waits.h"

enum { DROPS_A_SECOND = 10 }; /* at most: beyond that rate the drops grow */

/* What libmicrohttpd's response owns. */
typedef struct sandbox_pace {
  sandbox_peers *peers;
  sandbox_peer *peer; /* lives longer than its response is read */
  double rate;        /* bytes a second; 0: at once */
  double next;        /* when the next drop may go */
  size_t end;         /* where the body ends, or breaks off */
  char body[];
} sandbox_pace;

/* How many bytes may go now; 0: the peer was suspended until there are some. */
static size_t pace_drop(sandbox_pace *pace, size_t left) {
  size_t drop = (size_t)(pace->rate / DROPS_A_SECOND) + 1;
  double now = waits_now();

  if (pace->rate <= 0) return left;
  if (now < pace->next) {
    waits_begin(pace->peers, pace->peer, pace->next);
    return 0;
  }
  pace->next = now + (double)drop / pace->rate;
  return drop < left ? drop : left;
}

static ssize_t pace_read(void *data, uint64_t position, char *out, size_t room) {
  sandbox_pace *pace = data;
  size_t size;

  if (position >= pace->end || pace->peer->sent_away) return MHD_CONTENT_READER_END_WITH_ERROR;
  size = pace_drop(pace, pace->end - (size_t)position);
  if (size > room) size = room;
  memcpy(out, pace->body + position, size);
  return (ssize_t)size;
}

/* A response of these bytes, of which `rate` come in a second (0: all at once), and of which only the first half comes
 * where `half` is set, then the end of the connection. NULL when memory is out. */
static struct MHD_Response *pace_response(sandbox_peers *peers, sandbox_peer *peer, const char *body, size_t size,
                                          double rate, bool half) {
  struct MHD_Response *response;
  sandbox_pace *pace = malloc(sizeof *pace + size);
  size_t promised = half && size == 0 ? 1 : size; /* there must be something to miss */

  if (!pace) return NULL;
  *pace = (sandbox_pace){.peers = peers, .peer = peer, .rate = rate, .end = half ? size / 2 : size};
  memcpy(pace->body, body, size);
  response = MHD_create_response_from_callback(promised, 1024, pace_read, pace, free);
  if (!response) free(pace);
  return response;
}

#endif
