#include "lua/lua_result.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/random.h"
#include "lua/lua_problems.h"
#include "lua/lua_util.h"

static double seconds(int64_t nanoseconds) {
  return (double)nanoseconds / (double)PE_SECOND;
}

/* t.status = { code, message }, t.requestId: as documented (platform.md, Post Event). */
static void set_document(lua_State *L, const pe_reply *reply) {
  lua_createtable(L, 0, 2);
  if (reply->has_status) pe_lua_set_integer(L, "code", reply->status_code);
  if (reply->message) pe_lua_set_string(L, "message", reply->message, reply->message_size);
  lua_setfield(L, -2, "status");
  if (reply->request_id) pe_lua_set_string(L, "requestId", reply->request_id, reply->request_id_size);
}

static void set_id(lua_State *L, int id) {
  lua_pushvalue(L, id);
  lua_setfield(L, -2, "event_id");
}

int pe_lua_push_reply(lua_State *L, const pe_post_result *result, int id) {
  lua_createtable(L, 0, 6);
  set_document(L, &result->last.reply);
  pe_lua_set_integer(L, "http_status", result->last.transfer.http_status);
  pe_lua_set_integer(L, "attempts", result->attempts);
  pe_lua_set_number(L, "elapsed", seconds(result->elapsed));
  set_id(L, id);
  return 1;
}

int pe_lua_push_own_reply(lua_State *L, const char *message, int id) {
  char request_id[PE_UUID_LENGTH + 1];
  pe_post_result result;

  pe_random_uuid7(request_id, pe_clock_wall());
  memset(&result, 0, sizeof result);
  result.last.transfer.http_status = 200;
  result.last.reply.has_status = true;
  result.last.reply.status_code = 1100;
  result.last.reply.message = message;
  result.last.reply.message_size = strlen(message);
  result.last.reply.request_id = request_id;
  result.last.reply.request_id_size = PE_UUID_LENGTH;
  return pe_lua_push_reply(L, &result, id);
}

static void push_sent(lua_State *L, pe_sent sent) {
  if (sent == PE_SENT_MAYBE)
    lua_pushliteral(L, "maybe");
  else
    lua_pushboolean(L, sent == PE_SENT_YES);
}

/* t.arrived: false, or "maybe" */
static void set_arrived(lua_State *L, bool perhaps) {
  push_sent(L, perhaps ? PE_SENT_MAYBE : PE_SENT_NO);
  lua_setfield(L, -2, "arrived");
}

/* "the platform refused this event (HTTP 400, 7308: Invalid customer ID passed.)". `trouble`: "" when a reply came. */
static void push_message(lua_State *L, pe_error error, const char *trouble, long http_status, const pe_reply *reply) {
  char status[64];
  int size;

  if (trouble[0] != '\0') {
    lua_pushstring(L, trouble);
    return;
  }
  size = snprintf(status, sizeof status, "HTTP %ld", http_status);
  if (reply->has_status)
    (void)snprintf(status + size, sizeof status - (size_t)size, ", %lld", (long long)reply->status_code);
  if (reply->message)
    pe_lua_push_printable(L, reply->message, reply->message_size);
  else
    lua_pushliteral(L, "");
  lua_pushfstring(L, "%s (%s%s%s)", pe_error_text_of(error, http_status), status, reply->message ? ": " : "",
                  lua_tostring(L, -1));
  lua_remove(L, -2);
}

/* t.reply, as far as the reply says anything. */
static void set_reply(lua_State *L, const pe_reply *reply) {
  if (!reply->has_status && !reply->message) return;
  lua_createtable(L, 0, 2);
  set_document(L, reply);
  lua_setfield(L, -2, "reply");
}

int pe_lua_push_failure(lua_State *L, const pe_post_result *result, int id) {
  const pe_attempt *last = &result->last;
  long http_status = last->transfer.http_status;

  lua_pushnil(L);
  push_message(L, last->error, last->transfer.message, http_status, &last->reply);
  lua_pushstring(L, pe_error_name(last->error));
  lua_createtable(L, 0, 8);
  push_sent(L, last->transfer.sent);
  lua_setfield(L, -2, "sent");
  set_arrived(L, pe_attempt_may_have_arrived(last));
  pe_lua_set_integer(L, "attempts", result->attempts);
  pe_lua_set_number(L, "elapsed", seconds(result->elapsed));
  set_id(L, id);
  if (http_status > 0) pe_lua_set_integer(L, "http_status", http_status);
  if (last->retry_after > 0) pe_lua_set_number(L, "retry_after", seconds(last->retry_after));
  set_reply(L, &last->reply);
  return 4;
}

/* Why an event was dropped. */
static const char *dropped_text(pe_error code) {
  return code == PE_QUEUE_FULL ? "the queue was full, and a newer one took its place" : pe_error_text(code);
}

/* What a result says for people: of what was delivered nothing. */
static void push_result_message(lua_State *L, const pe_result *result, bool spools) {
  switch (result->outcome) {
  case PE_DELIVERED:
  case PE_RELAYED: lua_pushnil(L); break;
  case PE_EXPIRED:
    lua_pushfstring(L, "the event grew older than %s.max_age before it could be delivered", spools ? "spool" : "retry");
    break;
  case PE_DROPPED: lua_pushfstring(L, "the event was dropped: %s", dropped_text(result->code)); break;
  default: push_message(L, result->code, result->trouble, result->http_status, &result->reply); break;
  }
}

void pe_lua_push_result(lua_State *L, const pe_result *result, bool spools) {
  const char *outcome = pe_outcome_name(result->outcome);

  lua_createtable(L, 0, 10);
  if (result->ticket > 0) {
    pe_lua_set_integer(L, "ticket", (int64_t)result->ticket);
  } else {
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "restored");
  }
  if (result->id_size > 0) pe_lua_set_string(L, "event_id", result->id, result->id_size);
  if (result->name_size > 0) pe_lua_set_string(L, "event_name", result->name, result->name_size);
  pe_lua_set_string(L, "outcome", outcome, strlen(outcome));
  if (result->code != PE_OK) {
    const char *code = pe_error_name(result->code);
    pe_lua_set_string(L, "code", code, strlen(code));
  }
  push_result_message(L, result, spools);
  lua_setfield(L, -2, "message");
  if (result->http_status > 0) pe_lua_set_integer(L, "http_status", result->http_status);
  pe_lua_set_integer(L, "attempts", result->attempts);
  pe_lua_set_number(L, "latency", seconds(result->latency));
  set_reply(L, &result->reply);
}

int pe_lua_push_remaining(lua_State *L, uint64_t remaining, uint64_t kept, const char *why) {
  if (remaining == 0) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushnil(L);
  lua_pushfstring(L, "time ran out; events without an outcome: %d", (int)remaining);
  if (kept > 0) lua_pushfstring(L, ", on disk %d of them", (int)kept);
  if (why[0]) lua_pushfstring(L, "; the last error: %s", why);
  lua_concat(L, 1 + (kept > 0) + (why[0] != '\0'));
  lua_pushstring(L, pe_error_name(PE_TIMEOUT));
  lua_createtable(L, 0, 2);
  pe_lua_set_integer(L, "remaining", (int64_t)remaining);
  if (kept > 0) pe_lua_set_integer(L, "kept", (int64_t)kept);
  return 4;
}

/* What could not be had: a thread's bell and sockets are descriptors. */
static const char *refusal_text(pe_error error) {
  return error == PE_NO_MEMORY && pe_descriptors_are_scarce() ? PE_NO_DESCRIPTORS : pe_error_text(error);
}

int pe_lua_push_refusal(lua_State *L, pe_error error, int problems) {
  lua_pushnil(L);
  if (problems != 0)
    pe_lua_problems_push_message(L, problems);
  else
    lua_pushstring(L, refusal_text(error));
  lua_pushstring(L, pe_error_name(error));
  lua_createtable(L, 0, 3);
  push_sent(L, PE_SENT_NO);
  lua_setfield(L, -2, "sent");
  set_arrived(L, false);
  if (problems != 0) {
    lua_pushvalue(L, problems);
    lua_setfield(L, -2, "problems");
  }
  return 4;
}
