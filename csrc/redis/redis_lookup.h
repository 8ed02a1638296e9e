/* The addresses of a host, looked up on a thread of its own: the system's look-up waits, up to half a minute where a
 * name server is silent. One that is an address already takes no thread. */
#ifndef PE_REDIS_LOOKUP_H
#define PE_REDIS_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/error.h"

enum { PE_REDIS_ADDRESSES = 4 };

typedef struct pe_redis_addresses {
  size_t count;
  struct pe_redis_address {
    struct sockaddr_storage address;
    socklen_t size;
  } each[PE_REDIS_ADDRESSES];
  int failure; /* of getaddrinfo, where there are none */
} pe_redis_addresses;

typedef struct pe_redis_lookup pe_redis_lookup;

/* Begins to look a host up. Returns PE_OK and sets *lookup, to be left by pe_redis_lookup_leave; or PE_NO_MEMORY. */
pe_error pe_redis_lookup_new(const char *host, int port, pe_redis_lookup **lookup);

/* Can be read once it is done. */
int pe_redis_lookup_descriptor(const pe_redis_lookup *lookup);

/* Whether it is; then *addresses is filled. */
bool pe_redis_lookup_done(pe_redis_lookup *lookup, pe_redis_addresses *addresses);

/* Frees it, whether it is done or not. Does not wait. NULL is legal. */
void pe_redis_lookup_leave(pe_redis_lookup *lookup);

#endif
