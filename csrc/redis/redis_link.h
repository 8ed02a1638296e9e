/* One connection to a Redis that never waits: it connects, says who we are, sends what is in its buffer and reads the
 * replies, as far as that goes now. Whoever has it polls. One thread at a time. */
#ifndef PE_REDIS_LINK_H
#define PE_REDIS_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "redis/redis_reply.h"
#include "redis/redis_tls.h"
#include "redis/redis_trouble.h"
#include "redis/redis_url.h"

typedef struct pe_redis_link pe_redis_link;

typedef struct pe_redis_link_config {
  pe_redis_url url;
  pe_redis_hide hide;      /* for what that Redis says; borrowed for as long as the link is used */
  pe_redis_tls_config tls; /* of rediss:// */
  int64_t connect_timeout; /* nanoseconds until it can be used: name, connection, TLS, password */
  int64_t timeout;         /* nanoseconds without a byte while a reply is due */
} pe_redis_link_config;

typedef enum pe_redis_state {
  PE_REDIS_OFF,  /* not connected; pe_redis_link_trouble says why, where it was */
  PE_REDIS_BUSY, /* connecting */
  PE_REDIS_READY /* commands can be sent */
} pe_redis_state;

/* What to poll for. A descriptor of -1 is none. */
typedef struct pe_redis_interest {
  int descriptor;
  bool reads, writes;
  int64_t by; /* by when to look again (monotonic), whatever happens; INT64_MAX: never */
} pe_redis_interest;

/* Makes one that is off. Returns PE_OK and sets *link, which the caller frees; or PE_NO_MEMORY. */
pe_error pe_redis_link_new(const pe_redis_link_config *config, pe_redis_link **link);
void pe_redis_link_free(pe_redis_link *link); /* NULL is legal */

/* Begins to connect one that is off. */
void pe_redis_link_open(pe_redis_link *link, int64_t now);

/* Moves on as far as it goes. What breaks the connection leaves it off. */
void pe_redis_link_run(pe_redis_link *link, int64_t now);

pe_redis_state pe_redis_link_state(const pe_redis_link *link);
pe_redis_interest pe_redis_link_interest(const pe_redis_link *link);

/* Reads the text of an error that it answered a command with, as pe_redis_trouble_read. */
void pe_redis_link_explain(const pe_redis_link *link, const char *command, const char *text, size_t size,
                           pe_redis_trouble *trouble);

/* Why it is off, the last time. */
const pe_redis_trouble *pe_redis_link_trouble(const pe_redis_link *link);

/* Of one that is ready: commands are appended to this buffer; pe_redis_link_expect says how many those were. The next
 * run sends them. */
pe_buffer *pe_redis_link_out(pe_redis_link *link);
void pe_redis_link_expect(pe_redis_link *link, size_t commands, int64_t now);

/* How many bytes were not sent yet. */
size_t pe_redis_link_unsent(const pe_redis_link *link);

/* How many bytes were sent, on all connections in turn: of what is appended now, the last one goes as number sent +
 * unsent. A command that has not left whole was not carried out, and will not be once the connection is closed. */
uint64_t pe_redis_link_sent(const pe_redis_link *link);

/* How many replies are due. */
size_t pe_redis_link_due(const pe_redis_link *link);

/* The next reply, which the caller frees; NULL: none has come whole. */
pe_redis_reply *pe_redis_link_next(pe_redis_link *link, int64_t now);

/* Closes the connection; `trouble`, which may be its own, says why (NULL: nothing is wrong). Unread replies are gone.
 */
void pe_redis_link_close(pe_redis_link *link, const pe_redis_trouble *trouble);

/* Closes it in a forked child: the connection stays the parent's. */
void pe_redis_link_abandon(pe_redis_link *link);

/* Sleeps until the link can move on, the bell's descriptor (-1: none) can be read, or at most so many nanoseconds.
 * Returns whether the bell's can. */
bool pe_redis_link_wait(const pe_redis_link *link, int bell, int64_t nanoseconds);

#endif
