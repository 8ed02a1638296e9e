#include "delivery/relay_command.h"

#include "base/clock.h"
#include "redis/redis_command.h"

/* Whether there is room is asked and used in one step, into which no other producer falls. Redis 7.0 and older do not
 * say which command of a script the user may not call. */
#define ADD_IF_ROOM                                                                                                    \
  "local function ask(...) "                                                                                           \
  "local reply = redis.pcall(...) "                                                                                    \
  "local why = type(reply) == 'table' and reply.err "                                                                  \
  "if why and (why:find('run this command', 1, true) or why:find('no permissions to run', 1, true)) then "             \
  "return redis.error_reply('NOPERM this user may not call ' .. (...)) end "                                           \
  "return reply end "                                                                                                  \
  "local length = ask('XLEN', KEYS[1]) "                                                                               \
  "if type(length) ~= 'number' then return length end "                                                                \
  "if length >= tonumber(ARGV[1]) then return false end "                                                              \
  "return ask('XADD', KEYS[1], '*', 'body', ARGV[2], 'id', ARGV[3], 'name', ARGV[4], 'age', ARGV[5])"

enum { WAIT_MOST_MS = 1000, ADD_WORDS = 11, ADD_IF_ROOM_WORDS = 9 };

static bool asks_for_room(const pe_relay_config *config) {
  return config->max_length > 0 && !config->drops_oldest;
}

static pe_error write_head(const pe_relay_config *config, pe_buffer *out) {
  pe_error error = pe_redis_begin(out, asks_for_room(config) ? ADD_IF_ROOM_WORDS : ADD_WORDS);
  if (asks_for_room(config)) {
    if (error == PE_OK) error = pe_redis_text(out, "EVAL");
    if (error == PE_OK) error = pe_redis_text(out, ADD_IF_ROOM);
    if (error == PE_OK) error = pe_redis_text(out, "1");
    if (error == PE_OK) error = pe_redis_text(out, config->stream);
    if (error == PE_OK) error = pe_redis_number(out, config->max_length);
    return error;
  }
  if (error == PE_OK) error = pe_redis_text(out, "XADD");
  if (error == PE_OK) error = pe_redis_text(out, config->stream);
  return error == PE_OK ? pe_redis_text(out, "*") : error;
}

/* A field; the script has the names itself. */
static pe_error write_field(const pe_relay_config *config, pe_buffer *out, const char *name, const char *bytes,
                            size_t size) {
  pe_error error = asks_for_room(config) ? PE_OK : pe_redis_text(out, name);
  return error == PE_OK ? pe_redis_word(out, bytes, size) : error;
}

pe_error pe_relay_write_event(const pe_relay_config *config, pe_buffer *out, const pe_record *record, int64_t age) {
  pe_error error = write_head(config, out);
  if (error == PE_OK) error = write_field(config, out, "body", pe_record_body(record), record->body_size);
  if (error == PE_OK) error = write_field(config, out, "id", pe_record_id(record), record->id_size);
  if (error == PE_OK) error = write_field(config, out, "name", pe_record_name(record), record->name_size);
  if (error == PE_OK && !asks_for_room(config)) error = pe_redis_text(out, "age");
  return error == PE_OK ? pe_redis_number(out, age > 0 ? age / PE_MILLISECOND : 0) : error;
}

pe_error pe_relay_write_trim(const pe_relay_config *config, pe_buffer *out) {
  pe_error error = pe_redis_begin(out, 4);
  if (error == PE_OK) error = pe_redis_text(out, "XTRIM");
  if (error == PE_OK) error = pe_redis_text(out, config->stream);
  if (error == PE_OK) error = pe_redis_text(out, "MAXLEN");
  return error == PE_OK ? pe_redis_number(out, config->max_length) : error;
}

pe_error pe_relay_write_wait(const pe_relay_config *config, pe_buffer *out) {
  int64_t half = config->link.timeout / 2 / PE_MILLISECOND; /* an answer is due before the connection is given up */
  pe_error error = pe_redis_begin(out, 3);
  if (error == PE_OK) error = pe_redis_text(out, "WAIT");
  if (error == PE_OK) error = pe_redis_number(out, config->wait_replicas);
  return error == PE_OK ? pe_redis_number(out, half < WAIT_MOST_MS ? half + 1 : WAIT_MOST_MS) : error;
}
