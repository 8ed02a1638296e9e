/* What is written to Redis for a relay. Each function appends a command, and returns what pe_buffer_append does. Any
 * thread. */
#ifndef PE_RELAY_COMMAND_H
#define PE_RELAY_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "http/http_tls.h"
#include "queue/record.h"
#include "redis/redis_link.h"

typedef struct pe_relay_config {
  pe_redis_link_config link;
  pe_http_tls_files files; /* of rediss://; borrowed until the client is made */
  const char *stream;      /* borrowed. NULL: there is no relay */
  int64_t max_length;      /* of the stream; 0: none */
  bool drops_oldest;       /* at that length; otherwise it takes no more, and events wait here */
  int wait_replicas;       /* so many have an event before it counts as relayed */
} pe_relay_config;

/* An entry of the stream: body, id, name, and how old the event is, in milliseconds. Redis answers with the entry's id;
 * or with nothing, where the stream is full and does not drop its oldest. `age`: nanoseconds. */
pe_error pe_relay_write_event(const pe_relay_config *config, pe_buffer *out, const pe_record *record, int64_t age);

/* Drops the oldest beyond max_length; Redis answers how many those were. */
pe_error pe_relay_write_trim(const pe_relay_config *config, pe_buffer *out);

/* Redis answers how many replicas have all that this connection wrote, after a second at most. */
pe_error pe_relay_write_wait(const pe_relay_config *config, pe_buffer *out);

#endif
