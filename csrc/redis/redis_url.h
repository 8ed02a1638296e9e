/* Where a Redis is, and as whom: redis://user:password@host:port/database, rediss:// for the same over TLS,
 * unix:///path/to/socket?db=database. Owns no memory; any thread. */
#ifndef PE_REDIS_URL_H
#define PE_REDIS_URL_H

#include <stdbool.h>

typedef struct pe_redis_url {
  bool tls;
  bool loopback;  /* this machine, a socket of the file system included */
  char host[256]; /* a name or an address, IPv6 without its brackets; "": it is a socket */
  int port;
  char path[108]; /* of the socket; "": it is none */
  char user[256]; /* "": the default one */
  char password[1024];
  bool has_password;
  int database;
  char text[300]; /* where it is, for people: no user, no password */
} pe_redis_url;

/* Reads `text`. Returns NULL and fills *url; or what is wrong, in words that follow the option's name: static storage.
 */
const char *pe_redis_url_read(const char *text, pe_redis_url *url);

#endif
