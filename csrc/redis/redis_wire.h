/* The socket of a connection to Redis, with TLS over it or without. Nothing here waits; one thread at a time. */
#ifndef PE_REDIS_WIRE_H
#define PE_REDIS_WIRE_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "redis/redis_tls.h"

typedef struct pe_redis_wire {
  int socket;        /* -1: none */
  pe_redis_tls *tls; /* NULL: none */
} pe_redis_wire;

/* Begins to connect; what it was connected to before is closed. Returns 0 where that is under way or done, else an
 * errno. */
int pe_redis_wire_connect(pe_redis_wire *wire, const struct sockaddr *address, socklen_t size);

/* Whether that came to an end; then *number is 0, or an errno. */
bool pe_redis_wire_is_decided(const pe_redis_wire *wire, int *number);

/* Of one that is connected: from here on all goes through TLS, of which pe_redis_tls_greet is the beginning. Returns as
 * pe_redis_tls_new. */
pe_error pe_redis_wire_secure(pe_redis_wire *wire, const pe_redis_tls_config *config, const char *host,
                              const char **why);

/* As send and recv. EPROTO: TLS failed, and wire->tls knows why. */
ssize_t pe_redis_wire_send(pe_redis_wire *wire, const char *bytes, size_t size);
ssize_t pe_redis_wire_receive(pe_redis_wire *wire, char *bytes, size_t size);

/* Sends nothing more, and may be called in a forked child. */
void pe_redis_wire_close(pe_redis_wire *wire);

#endif
