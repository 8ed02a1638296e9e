/* What became of a post -> what Lua gets: a reply table, or nil, message, code, detail. The owner's thread. */
#ifndef PE_LUA_RESULT_H
#define PE_LUA_RESULT_H

#include "client.h"
#include "lua_compat.h"

/* Pushes the reply table of a post (result->error is PE_OK) and returns 1. `id` is the absolute index of the event's
 * id, text or nil. */
int pe_lua_push_reply(lua_State *L, const pe_post_result *result, int id);

/* Pushes the reply table of an event that was kept or dropped by the client's mode; returns 1. */
int pe_lua_push_own_reply(lua_State *L, const char *message, int id);

/* Pushes nil, message, code, detail and returns 4. */
int pe_lua_push_failure(lua_State *L, const pe_post_result *result, int id);

/* The same for what was refused before any attempt: detail is { sent = false } and, where `problems` is not 0, the
 * list at that absolute index, whose messages make the message. */
int pe_lua_push_refusal(lua_State *L, pe_error error, int problems);

#endif
