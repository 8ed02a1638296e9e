#include "lua_result.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "lua_problems.h"
#include "lua_util.h"
#include "random.h"

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
  set_document(L, &result->reply);
  pe_lua_set_integer(L, "http_status", result->http_status);
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
  result.http_status = 200;
  result.reply.has_status = true;
  result.reply.status_code = 1100;
  result.reply.message = message;
  result.reply.message_size = strlen(message);
  result.reply.request_id = request_id;
  result.reply.request_id_size = PE_UUID_LENGTH;
  return pe_lua_push_reply(L, &result, id);
}

static void push_sent(lua_State *L, pe_sent sent) {
  if (sent == PE_SENT_MAYBE)
    lua_pushliteral(L, "maybe");
  else
    lua_pushboolean(L, sent == PE_SENT_YES);
}

/* "the platform refused this event (HTTP 400, 7308 Invalid customer ID passed.)" */
static void push_message(lua_State *L, const pe_post_result *result) {
  const pe_reply *reply = &result->reply;
  char status[64];
  int size;

  if (result->transfer.message[0] != '\0') {
    lua_pushstring(L, result->transfer.message);
    return;
  }
  size = snprintf(status, sizeof status, "HTTP %ld", result->http_status);
  if (reply->has_status)
    (void)snprintf(status + size, sizeof status - (size_t)size, ", %lld", (long long)reply->status_code);
  if (reply->message)
    pe_lua_push_printable(L, reply->message, reply->message_size);
  else
    lua_pushliteral(L, "");
  lua_pushfstring(L, "%s (%s%s%s)", pe_error_text(result->error), status, reply->message ? ": " : "",
                  lua_tostring(L, -1));
  lua_remove(L, -2);
}

int pe_lua_push_failure(lua_State *L, const pe_post_result *result, int id) {
  lua_pushnil(L);
  push_message(L, result);
  lua_pushstring(L, pe_error_name(result->error));
  lua_createtable(L, 0, 7);
  push_sent(L, result->sent);
  lua_setfield(L, -2, "sent");
  pe_lua_set_integer(L, "attempts", result->attempts);
  pe_lua_set_number(L, "elapsed", seconds(result->elapsed));
  set_id(L, id);
  if (result->http_status > 0) pe_lua_set_integer(L, "http_status", result->http_status);
  if (result->retry_after > 0) pe_lua_set_number(L, "retry_after", seconds(result->retry_after));
  if (result->reply.has_status || result->reply.message) {
    lua_createtable(L, 0, 2);
    set_document(L, &result->reply);
    lua_setfield(L, -2, "reply");
  }
  return 4;
}

int pe_lua_push_refusal(lua_State *L, pe_error error, int problems) {
  lua_pushnil(L);
  if (problems != 0)
    pe_lua_problems_push_message(L, problems);
  else
    lua_pushstring(L, pe_error_text(error));
  lua_pushstring(L, pe_error_name(error));
  lua_createtable(L, 0, 2);
  push_sent(L, PE_SENT_NO);
  lua_setfield(L, -2, "sent");
  if (problems != 0) {
    lua_pushvalue(L, problems);
    lua_setfield(L, -2, "problems");
  }
  return 4;
}
