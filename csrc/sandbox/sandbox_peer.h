/* One connection: from when it is accepted until libmicrohttpd has done with it. Part of sandbox_httpd.c, which is the
 * only one to include it. */
#ifndef PE_SANDBOX_PEER_H
#define PE_SANDBOX_PEER_H

#include <microhttpd.h>
#include <stdbool.h>
#include <string.h>

#include "sandbox/sandbox_body.h"

/* What a request is answered with, and what goes wrong on the way. */
typedef struct sandbox_reply {
  struct MHD_Response *response; /* owned; NULL before the handler has answered */
  unsigned status;
  double delay; /* seconds from the request's end to the reply */
  bool stall;   /* there is none, ever */
  bool drop;    /* the connection is closed in its place */
  bool awaits;  /* news ends the delay */
  bool stale;   /* there was news: the handler is to be asked anew */
} sandbox_reply;

typedef struct sandbox_peer {
  struct sandbox_peer *quieter, *busier;
  struct MHD_Connection *connection;
  int fd;
  bool sent_away; /* in the list no more */
  sandbox_body body;
  sandbox_reply reply; /* of the request in hand */
  bool suspended;      /* libmicrohttpd neither reads nor writes here, until peers_resume */
  double due;          /* when it is to be resumed, by waits_now; 0: never by itself */
} sandbox_peer;

static void peer_drop_reply(sandbox_peer *peer) {
  if (peer->reply.response) MHD_destroy_response(peer->reply.response); /* a queued one is libmicrohttpd's, too */
  memset(&peer->reply, 0, sizeof peer->reply);
}

#endif
