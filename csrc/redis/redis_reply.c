#include "redis/redis_reply.h"

#ifdef PE_HAVE_HIREDIS

#include <hiredis/hiredis.h>

#define TEXT_OF(number)  #number
#define VERSION(a, b, c) TEXT_OF(a) "." TEXT_OF(b) "." TEXT_OF(c)

/* A pe_redis_reader and a pe_redis_reply are hiredis's own. */
static redisReader *raw(pe_redis_reader *reader) {
  return (redisReader *)reader;
}

static const redisReply *look(const pe_redis_reply *reply) {
  return (const redisReply *)reply;
}

const char *pe_redis_version(void) {
  return VERSION(HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
}

pe_redis_reader *pe_redis_reader_new(void) {
  return (pe_redis_reader *)redisReaderCreate();
}

void pe_redis_reader_free(pe_redis_reader *reader) {
  if (reader) redisReaderFree(raw(reader));
}

pe_error pe_redis_reader_feed(pe_redis_reader *reader, const char *bytes, size_t size) {
  return redisReaderFeed(raw(reader), bytes, size) == REDIS_OK ? PE_OK : PE_NO_MEMORY;
}

pe_error pe_redis_reader_next(pe_redis_reader *reader, pe_redis_reply **reply) {
  void *found = NULL;
  *reply = NULL;
  if (redisReaderGetReply(raw(reader), &found) != REDIS_OK) return PE_BAD_REPLY;
  *reply = found;
  return PE_OK;
}

void pe_redis_reply_free(pe_redis_reply *reply) {
  if (reply) freeReplyObject(reply);
}

pe_redis_kind pe_redis_reply_kind(const pe_redis_reply *reply) {
  switch (look(reply)->type) {
  case REDIS_REPLY_STATUS:
  case REDIS_REPLY_STRING: return PE_REDIS_TEXT;
  case REDIS_REPLY_INTEGER: return PE_REDIS_NUMBER;
  case REDIS_REPLY_ARRAY: return PE_REDIS_LIST;
  case REDIS_REPLY_ERROR: return PE_REDIS_ERROR;
  default: return PE_REDIS_NOTHING;
  }
}

const char *pe_redis_reply_text(const pe_redis_reply *reply, size_t *size) {
  *size = (size_t)look(reply)->len;
  return look(reply)->str;
}

int64_t pe_redis_reply_number(const pe_redis_reply *reply) {
  return look(reply)->integer;
}

size_t pe_redis_reply_count(const pe_redis_reply *reply) {
  return look(reply)->elements;
}

const pe_redis_reply *pe_redis_reply_at(const pe_redis_reply *reply, size_t index) {
  return (const pe_redis_reply *)look(reply)->element[index];
}

#else /* a build without it: there is no reader, and the rest is never called */

#pragma GCC diagnostic ignored "-Wunused-parameter"

const char *pe_redis_version(void) {
  return NULL;
}
pe_redis_reader *pe_redis_reader_new(void) {
  return NULL;
}
void pe_redis_reader_free(pe_redis_reader *reader) {}
pe_error pe_redis_reader_feed(pe_redis_reader *reader, const char *bytes, size_t size) {
  return PE_NO_MEMORY;
}
pe_error pe_redis_reader_next(pe_redis_reader *reader, pe_redis_reply **reply) {
  return PE_BAD_REPLY;
}
void pe_redis_reply_free(pe_redis_reply *reply) {}
pe_redis_kind pe_redis_reply_kind(const pe_redis_reply *reply) {
  return PE_REDIS_NOTHING;
}
const char *pe_redis_reply_text(const pe_redis_reply *reply, size_t *size) {
  *size = 0;
  return "";
}
int64_t pe_redis_reply_number(const pe_redis_reply *reply) {
  return 0;
}
size_t pe_redis_reply_count(const pe_redis_reply *reply) {
  return 0;
}
const pe_redis_reply *pe_redis_reply_at(const pe_redis_reply *reply, size_t index) {
  return NULL;
}

#endif
