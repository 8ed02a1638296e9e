/* TLS over the socket of a connection to Redis, by OpenSSL: it says hello, checks the other's certificate and name, and
 * moves bytes, as far as that goes now. hiredis's own TLS (hiredis_ssl) checks no name, keeps the reason of a failure
 * to itself, and writes so that a connection that broke raises SIGPIPE. Optional at build time; one thread at a time.
 */
#ifndef PE_REDIS_TLS_H
#define PE_REDIS_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

typedef struct pe_redis_pem {
  const char *data;
  size_t size; /* 0: none */
} pe_redis_pem;

/* Who is trusted, and who we are: borrowed. */
typedef struct pe_redis_tls_config {
  pe_redis_pem authorities; /* none: the system's */
  pe_redis_pem certificate, key;
  const char *key_password; /* NULL: none */
  bool verify;
} pe_redis_tls_config;

typedef struct pe_redis_tls pe_redis_tls;

typedef enum pe_redis_hello { PE_REDIS_HELLO_WAITS, PE_REDIS_HELLO_DONE, PE_REDIS_HELLO_FAILED } pe_redis_hello;

/* Whether this build has it. */
bool pe_redis_tls_is_there(void);

/* Makes one for a connected socket, which stays the caller's, to a host by that name or address. Returns PE_OK and sets
 * *tls; or PE_NO_MEMORY, or PE_TLS with *why (static text). A socket of -1 tries the configuration. */
pe_error pe_redis_tls_new(const pe_redis_tls_config *config, const char *host, int socket, pe_redis_tls **tls,
                          const char **why);

/* Sends nothing. NULL is legal. */
void pe_redis_tls_free(pe_redis_tls *tls);

/* Moves on until both know each other. */
pe_redis_hello pe_redis_tls_greet(pe_redis_tls *tls);

/* As send and recv on the socket, EAGAIN included; EPROTO where TLS itself failed, and pe_redis_tls_why says how. What
 * could not be sent comes again at the next call, perhaps with more behind it. */
ssize_t pe_redis_tls_send(pe_redis_tls *tls, const char *bytes, size_t size);
ssize_t pe_redis_tls_receive(pe_redis_tls *tls, char *bytes, size_t size);

/* Whether it waits until the socket can be written to. */
bool pe_redis_tls_writes(const pe_redis_tls *tls);

/* What was wrong. Lives as long as it. */
const char *pe_redis_tls_why(const pe_redis_tls *tls);

#endif
