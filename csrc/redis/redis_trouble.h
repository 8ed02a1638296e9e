/* What an error of Redis's means, and the words for it. Pure; any thread. */
#ifndef PE_REDIS_TROUBLE_H
#define PE_REDIS_TROUBLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "redis/redis_url.h"

enum { PE_REDIS_MESSAGE = 320 };

typedef struct pe_redis_trouble {
  pe_error error;
  bool holds;      /* somebody has to mend it: the password, the rights, the address. Otherwise it passes */
  bool reconnects; /* another connection may lead elsewhere: a replica, or a Redis that has forgotten us */
  char message[PE_REDIS_MESSAGE];
} pe_redis_trouble;

/* How the password is hidden in what Redis says: `hide` puts *** in its place and returns the new size, which is not
 * larger. `secrets` is borrowed. NULL: there is nothing to hide. */
typedef struct pe_redis_hide {
  size_t (*hide)(const void *secrets, char *text, size_t size);
  const void *secrets;
} pe_redis_hide;

/* Reads the text of an error that `command` ("XADD") was answered with by the Redis of that url. Where memory is out,
 * nothing of the text is quoted. */
void pe_redis_trouble_read(pe_redis_trouble *trouble, const pe_redis_url *url, pe_redis_hide hide, const char *command,
                           const char *text, size_t size);

/* Fills it for a connection that could not be made, or broke: `why` says how. */
void pe_redis_trouble_set(pe_redis_trouble *trouble, const pe_redis_url *url, pe_error error, const char *why);

#endif
