/* What is known of the connections that a pool of libcurl's keeps, for what libcurl does not ask: whether one that is
 * idle may be used again. They stay libcurl's. The thread of the pool. */
#ifndef PE_HTTP_POOL_H
#define PE_HTTP_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/http_curl.h"

struct pe_http_connection;

/* Zeroed: empty. */
typedef struct pe_http_pool {
  struct pe_http_connection *connections; /* owned */
  size_t count, capacity;
} pe_http_pool;

/* The two ends of a connection, by which libcurl names it to a transfer. A local port alone is no name: connections to
 * two addresses of one host can share it. The peer's port is the same for all of a pool: one endpoint, one proxy. */
typedef struct pe_http_ends {
  const char *local_ip, *peer_ip; /* borrowed; as inet_ntop writes them */
  int local_port;
} pe_http_ends;

/* Frees what is known; closes nothing. */
void pe_http_pool_cleanup(pe_http_pool *pool);

/* A socket was opened for a connection. *reached, which is borrowed until it is settled, becomes true if the peer
 * accepts it. Without memory it is not remembered, never said to be stale, and *reached stays as it is. */
void pe_http_pool_opened(pe_http_pool *pool, curl_socket_t socket, bool *reached);

/* The transfer is over that asked for `reached`: it says now what is true, and is not touched any more. libcurl itself
 * tells it of a connection that is ready for a request, TLS included; up to 7.88 also of others. */
void pe_http_pool_settle(pe_http_pool *pool, const bool *reached);

/* Closes the socket and forgets it: libcurl's CURLOPT_CLOSESOCKETFUNCTION, `pool` its data. */
int pe_http_pool_close(void *pool, curl_socket_t socket);

/* Whether the connection, which was used before, must not be used again. */
bool pe_http_pool_is_stale(pe_http_pool *pool, pe_http_ends ends);

/* Whether that is so for one of them; all are idle. */
bool pe_http_pool_has_input(const pe_http_pool *pool);

/* Whether something can be read from an idle connection: its end, or bytes that nobody asked for. libcurl 7.88 would
 * take these for the next reply: the 408 with which a balancer leaves, or worse. */
bool pe_http_has_input(curl_socket_t socket);

#endif
