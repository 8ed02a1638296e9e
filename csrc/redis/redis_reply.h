/* Redis's replies, read from the bytes of a connection. hiredis, here alone; of it the reader of the protocol is used,
 * and not its sockets: those wait. One thread at a time. */
#ifndef PE_REDIS_REPLY_H
#define PE_REDIS_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct pe_redis_reader pe_redis_reader;
typedef struct pe_redis_reply pe_redis_reply;

typedef enum pe_redis_kind {
  PE_REDIS_NOTHING,
  PE_REDIS_TEXT,
  PE_REDIS_NUMBER,
  PE_REDIS_LIST,
  PE_REDIS_ERROR /* its text says which */
} pe_redis_kind;

/* The version of hiredis; NULL: this build has none. */
const char *pe_redis_version(void);

/* Returns NULL when memory is out, and in a build without hiredis. */
pe_redis_reader *pe_redis_reader_new(void);
void pe_redis_reader_free(pe_redis_reader *reader); /* NULL is legal */

/* Bytes have come. Returns PE_OK or PE_NO_MEMORY. */
pe_error pe_redis_reader_feed(pe_redis_reader *reader, const char *bytes, size_t size);

/* Takes the next reply out, which the caller frees. Returns PE_OK and sets *reply, NULL where it has not come whole; or
 * PE_BAD_REPLY: this is no Redis, or memory is out, and the reader is of no more use. */
pe_error pe_redis_reader_next(pe_redis_reader *reader, pe_redis_reply **reply);

void pe_redis_reply_free(pe_redis_reply *reply); /* NULL is legal */

pe_redis_kind pe_redis_reply_kind(const pe_redis_reply *reply);

/* Of a text or an error; lives as long as the reply. */
const char *pe_redis_reply_text(const pe_redis_reply *reply, size_t *size);
int64_t pe_redis_reply_number(const pe_redis_reply *reply);

/* Of a list: how many there are, and one of them, which is the list's. */
size_t pe_redis_reply_count(const pe_redis_reply *reply);
const pe_redis_reply *pe_redis_reply_at(const pe_redis_reply *reply, size_t index);

#endif
