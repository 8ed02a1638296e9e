/* Peers that wait for their reply, or for its next bytes, while the others are served: suspended, each until its time,
 * or until it has gone. Part of sandbox_httpd.c, which is the only one to include it.
 *
 * libmicrohttpd does not look at a suspended connection, so that nobody else tells when its peer goes. They are among
 * the peers that the bound counts, and among the quietest. */
#ifndef PE_SANDBOX_WAITS_H
#define PE_SANDBOX_WAITS_H

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <time.h>

#include "sandbox/sandbox_peers.h"

static const double WAITS_LOOK = 0.5; /* seconds between two looks at who has gone */
static const double WAITS_SHORT = 5;  /* so short a wait is waited for: who closed its half may want the reply */

static double waits_now(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now); /* the clock is there, and so is the address */
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Called inside a callback of libmicrohttpd for the peer, which then returns without having done anything. `due`: when
 * it is called again; 0: not before the peer has gone. */
static void waits_begin(sandbox_peers *peers, sandbox_peer *peer, double due) {
  double look_at = waits_now() + WAITS_LOOK;

  if (peer->sent_away) return;
  peer->due = due;
  peer->suspended = true;
  if (peer->reply.awaits) peers->awaiting++;
  MHD_suspend_connection(peer->connection);
  if (due > 0 && due < look_at) look_at = due;
  if (peers->look_at <= 0 || look_at < peers->look_at) peers->look_at = look_at;
}

static bool has_gone(const sandbox_peer *peer) {
  char byte;
  ssize_t count = recv(peer->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return count == 0 || (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

/* Ends the peer's wait where it is over. Returns when to look at it again; 0: it does not wait. */
static double look_at_one(sandbox_peers *peers, sandbox_peer *peer, double now) {
  if (!peer->suspended) return 0;
  if (peer->due > 0 && peer->due <= now) {
    peers_resume(peers, peer);
    return 0;
  }
  if ((peer->due <= 0 || peer->due > now + WAITS_SHORT) && has_gone(peer)) {
    peers_send_away(peers, peer);
    return 0;
  }
  return peer->due > 0 && peer->due < now + WAITS_LOOK ? peer->due : now + WAITS_LOOK;
}

/* Ends the waits that are over. Returns how many seconds from `now` it is to be called again; below 0: nobody waits. A
 * thousand may wait: they are not looked at each time that somebody else has something to say. */
static double waits_look(sandbox_peers *peers, double now) {
  if (peers->look_at > 0 && peers->look_at <= now) {
    sandbox_peer *peer = peers->quietest;
    peers->look_at = 0;
    while (peer) {
      sandbox_peer *busier = peer->busier;
      double at = look_at_one(peers, peer, now);
      if (at > 0 && (peers->look_at <= 0 || at < peers->look_at)) peers->look_at = at;
      peer = busier;
    }
  }
  return peers->look_at > 0 ? peers->look_at - now : -1;
}

/* There is news for those that wait for it. */
static void waits_tell(sandbox_peers *peers) {
  for (sandbox_peer *peer = peers->quietest; peer && peers->awaiting > 0; peer = peer->busier)
    if (peer->suspended && peer->reply.awaits) {
      peer->reply.stale = true;
      peers_resume(peers, peer);
    }
}

/* Before the daemon stops: libmicrohttpd aborts the process where a connection is suspended then. */
static void waits_end_all(sandbox_peers *peers) {
  for (sandbox_peer *peer = peers->quietest; peer; peer = peer->busier)
    peers_resume(peers, peer);
}

#endif
