#include "redis/redis_wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include "base/descriptor.h"

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* SO_NOSIGPIPE does it there */
#endif

static int new_socket(int family) {
  int made = socket(family, SOCK_STREAM, 0);
  if (made >= 0 && !pe_descriptor_prepare(made)) {
    (void)close(made);
    return -1;
  }
#ifdef SO_NOSIGPIPE
  if (made >= 0) (void)setsockopt(made, SOL_SOCKET, SO_NOSIGPIPE, &(int){1}, sizeof(int));
#endif
  return made;
}

int pe_redis_wire_connect(pe_redis_wire *wire, const struct sockaddr *address, socklen_t size) {
  pe_redis_wire_close(wire);
  wire->socket = new_socket(address->sa_family);
  if (wire->socket < 0) return errno;
  if (address->sa_family != AF_UNIX) { /* either missing does no harm */
    (void)setsockopt(wire->socket, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    (void)setsockopt(wire->socket, SOL_SOCKET, SO_KEEPALIVE, &(int){1}, sizeof(int));
  }
  if (connect(wire->socket, address, size) == 0 || errno == EINPROGRESS) return 0;
  return errno;
}

bool pe_redis_wire_is_decided(const pe_redis_wire *wire, int *number) {
  struct pollfd each = {.fd = wire->socket, .events = POLLOUT};
  socklen_t size = sizeof *number;

  if (poll(&each, 1, 0) <= 0) return false;
  *number = 0;
  if (getsockopt(wire->socket, SOL_SOCKET, SO_ERROR, number, &size) != 0) *number = errno;
  return true;
}

pe_error pe_redis_wire_secure(pe_redis_wire *wire, const pe_redis_tls_config *config, const char *host,
                              const char **why) {
  return pe_redis_tls_new(config, host, wire->socket, &wire->tls, why);
}

ssize_t pe_redis_wire_send(pe_redis_wire *wire, const char *bytes, size_t size) {
  if (wire->tls) return pe_redis_tls_send(wire->tls, bytes, size);
  return send(wire->socket, bytes, size, MSG_NOSIGNAL);
}

ssize_t pe_redis_wire_receive(pe_redis_wire *wire, char *bytes, size_t size) {
  if (wire->tls) return pe_redis_tls_receive(wire->tls, bytes, size);
  return recv(wire->socket, bytes, size, 0);
}

void pe_redis_wire_close(pe_redis_wire *wire) {
  pe_redis_tls_free(wire->tls);
  wire->tls = NULL;
  if (wire->socket >= 0) (void)close(wire->socket);
  wire->socket = -1;
}
