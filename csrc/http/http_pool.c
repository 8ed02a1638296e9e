#include "http/http_pool.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct pe_http_connection {
  curl_socket_t socket;
  bool *reached;  /* borrowed; NULL: nobody asks any more */
  int local_port; /* 0: its ends are not known yet */
  char local_ip[INET6_ADDRSTRLEN], peer_ip[INET6_ADDRSTRLEN];
} connection;

typedef union address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} address;

/* Writes the IP and returns the port; 0 for what has none. */
static int read_address(const address *from, char ip[INET6_ADDRSTRLEN]) {
  bool is_v4 = from->any.sa_family == AF_INET;
  const void *bytes = is_v4 ? (const void *)&from->v4.sin_addr : (const void *)&from->v6.sin6_addr;

  if (!is_v4 && from->any.sa_family != AF_INET6) return 0;
  if (!inet_ntop(from->any.sa_family, bytes, ip, INET6_ADDRSTRLEN)) return 0;
  return ntohs(is_v4 ? from->v4.sin_port : from->v6.sin6_port);
}

/* Asks the system for the ends of a connection; one that is not made yet has only one. */
static void learn_ends(connection *self) {
  address local, peer;
  socklen_t local_size = sizeof local;
  socklen_t peer_size = sizeof peer;

  if (getsockname(self->socket, &local.any, &local_size) != 0) return;
  if (getpeername(self->socket, &peer.any, &peer_size) != 0) return;
  if (read_address(&peer, self->peer_ip) > 0) self->local_port = read_address(&local, self->local_ip);
}

static bool has_ends(const connection *self, pe_http_ends ends) {
  return self->local_port == ends.local_port && strcmp(self->local_ip, ends.local_ip) == 0 &&
         strcmp(self->peer_ip, ends.peer_ip) == 0;
}

static connection *find(pe_http_pool *pool, pe_http_ends ends) {
  if (ends.local_port <= 0 || !ends.local_ip || !ends.peer_ip) return NULL; /* a transfer without a connection */
  for (size_t i = 0; i < pool->count; i++) {
    connection *candidate = &pool->connections[i];
    if (candidate->local_port == 0) learn_ends(candidate);
    if (has_ends(candidate, ends)) return candidate;
  }
  return NULL;
}

void pe_http_pool_cleanup(pe_http_pool *pool) {
  free(pool->connections);
  memset(pool, 0, sizeof *pool);
}

void pe_http_pool_opened(pe_http_pool *pool, curl_socket_t socket, bool *reached) {
  if (pool->count == pool->capacity) {
    size_t capacity = pool->capacity * 2 + 8;
    connection *connections = realloc(pool->connections, capacity * sizeof *connections);
    if (!connections) return;
    pool->connections = connections;
    pool->capacity = capacity;
  }
  pool->connections[pool->count++] = (connection){.socket = socket, .reached = reached};
}

/* Tells whoever asks whether the peer accepted. */
static void tell(connection *self) {
  address peer;
  socklen_t size = sizeof peer;
  if (self->reached && getpeername(self->socket, &peer.any, &size) == 0) *self->reached = true;
  self->reached = NULL;
}

void pe_http_pool_settle(pe_http_pool *pool, const bool *reached) {
  for (size_t i = 0; i < pool->count; i++)
    if (pool->connections[i].reached == reached) tell(&pool->connections[i]);
}

int pe_http_pool_close(void *user, curl_socket_t socket) {
  pe_http_pool *pool = user;
  for (size_t i = 0; i < pool->count; i++) {
    if (pool->connections[i].socket != socket) continue;
    tell(&pool->connections[i]);
    pool->connections[i] = pool->connections[--pool->count];
    break;
  }
  return close(socket);
}

bool pe_http_pool_is_stale(pe_http_pool *pool, pe_http_ends ends) {
  const connection *reused = find(pool, ends);
  return reused && pe_http_has_input(reused->socket);
}

bool pe_http_pool_has_input(const pe_http_pool *pool) {
  for (size_t i = 0; i < pool->count; i++)
    if (pe_http_has_input(pool->connections[i].socket)) return true;
  return false;
}

bool pe_http_has_input(curl_socket_t socket) {
  struct pollfd idle = {.fd = socket, .events = POLLIN};
  return poll(&idle, 1, 0) > 0;
}
