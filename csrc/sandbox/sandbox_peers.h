/* The connections, the quietest first, and the bodies that arrive on them. Two bounds hold for all together: how many
 * there are, and the bytes of bodies that are not complete. Beyond either the quietest is sent away, so that whoever
 * says nothing, or stops half-way, keeps nobody out. Part of sandbox_httpd.c, which is the only one to include it.
 *
 * Owns: the bodies. Does not own: the sockets, which libmicrohttpd closes; to send one away is to shut it down. */
#ifndef PE_SANDBOX_PEERS_H
#define PE_SANDBOX_PEERS_H

#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>

#include "sandbox/sandbox_peer.h"

enum {
  MOST_PEERS = 1000, /* select has room for them, too, where there is no epoll */
  OTHER_FILES = 24,  /* descriptors that are no connections */
  LEAVING = 16       /* connections that were sent away and are not closed yet */
};

typedef struct sandbox_peers {
  sandbox_peer *quietest, *busiest;
  size_t count, max_count;
  size_t bytes, max_bytes; /* of all bodies */
  double look_at;          /* when waits_look is to look at those that wait; 0: there are none */
  size_t awaiting;         /* of those that are suspended, how many wait for news */
  bool resumed;            /* something is to be done without a wait, which libmicrohttpd does not say */
} sandbox_peers;

/* As many connections as there are descriptors for. */
static size_t peers_possible(void) {
  struct rlimit files;

  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= MOST_PEERS + LEAVING + OTHER_FILES) return MOST_PEERS;
  return files.rlim_cur > LEAVING + OTHER_FILES ? (size_t)files.rlim_cur - LEAVING - OTHER_FILES : 1;
}

static void peers_unlink(sandbox_peers *peers, sandbox_peer *peer) {
  *(peer->quieter ? &peer->quieter->busier : &peers->quietest) = peer->busier;
  *(peer->busier ? &peer->busier->quieter : &peers->busiest) = peer->quieter;
  peer->quieter = peer->busier = NULL;
  peers->count--;
}

static void peers_link(sandbox_peers *peers, sandbox_peer *peer) {
  peer->quieter = peers->busiest;
  *(peers->busiest ? &peers->busiest->busier : &peers->quietest) = peer;
  peers->busiest = peer;
  peers->count++;
}

/* The peer has just said something. */
static void peers_touch(sandbox_peers *peers, sandbox_peer *peer) {
  if (peer->sent_away) return;
  peers_unlink(peers, peer);
  peers_link(peers, peer);
}

static void peers_drop_body(sandbox_peers *peers, sandbox_peer *peer) {
  peers->bytes -= peer->body.capacity;
  body_cleanup(&peer->body);
}

/* libmicrohttpd calls again what it suspended, in its next run. Legal where nothing is suspended. */
static void peers_resume(sandbox_peers *peers, sandbox_peer *peer) {
  if (!peer->suspended) return;
  peer->suspended = false;
  if (peer->reply.awaits) peers->awaiting--;
  peers->resumed = true;
  MHD_resume_connection(peer->connection);
}

static void peers_send_away(sandbox_peers *peers, sandbox_peer *peer) {
  peers_unlink(peers, peer);
  peers_drop_body(peers, peer);
  peer->sent_away = true;
  (void)shutdown(peer->fd, SHUT_RDWR); /* libmicrohttpd reads the end and closes; it fails where the peer has gone */
  peers_resume(peers, peer);
}

/* Returns NULL when memory is out. */
static sandbox_peer *peers_add(sandbox_peers *peers, struct MHD_Connection *connection) {
  sandbox_peer *peer = calloc(1, sizeof *peer);

  if (!peer) return NULL;
  peer->connection = connection;
  peer->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
  peers_link(peers, peer);
  while (peers->count > peers->max_count)
    peers_send_away(peers, peers->quietest);
  return peer;
}

static void peers_remove(sandbox_peers *peers, sandbox_peer *peer) {
  if (!peer) return;
  peers_drop_body(peers, peer);
  peer_drop_reply(peer);
  if (!peer->sent_away) peers_unlink(peers, peer);
  free(peer);
}

/* Sends away who is quiet and holds bytes, until there is room for as many more. `peer`, whose they will be, stays: the
 * bound is above the ceiling of one body. */
static void peers_make_room(sandbox_peers *peers, const sandbox_peer *peer, size_t more) {
  sandbox_peer *other = peers->quietest;
  while (other && peers->bytes + more > peers->max_bytes) {
    sandbox_peer *busier = other->busier;
    if (other != peer && other->body.capacity > 0) peers_send_away(peers, other);
    other = busier;
  }
}

/* Appends to the peer's body. False: memory is out, or it was sent away. */
static bool peers_receive(sandbox_peers *peers, sandbox_peer *peer, const char *bytes, size_t size) {
  size_t before = peer->body.capacity;
  bool appended;

  if (peer->sent_away) return false;
  peers_touch(peers, peer);
  peers_make_room(peers, peer, body_growth(&peer->body, size));
  appended = body_append(&peer->body, bytes, size);
  peers->bytes = peers->bytes - before + peer->body.capacity;
  return appended;
}

#endif
