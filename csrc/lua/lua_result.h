/* What became of an event -> what Lua gets: a reply table, or nil, message, code, detail; or a result's table. The
 * owner's thread. */
#ifndef PE_LUA_RESULT_H
#define PE_LUA_RESULT_H

#include "delivery/client.h"
#include "lua/lua_compat.h"

/* Pushes the reply table of a post (its error is PE_OK) and returns 1. `id` is the absolute index of the event's
 * id, text or nil. */
int pe_lua_push_reply(lua_State *L, const pe_post_result *result, int id);

/* Pushes the reply table of an event that was kept or dropped by the client's mode; returns 1. */
int pe_lua_push_own_reply(lua_State *L, const char *message, int id);

/* Pushes nil, message, code, detail and returns 4. */
int pe_lua_push_failure(lua_State *L, const pe_post_result *result, int id);

/* Pushes the table of a tracked event's result; `spools`: of a client with a spool. */
void pe_lua_push_result(lua_State *L, const pe_result *result, bool spools);

/* Pushes true, and returns 1; or, with some events `remaining`, nil, message, "timeout", { remaining =, kept = }, and
 * returns 4. `kept`: how many of them are on disk; `why`: what last went wrong, or "". */
int pe_lua_push_remaining(lua_State *L, uint64_t remaining, uint64_t kept, const char *why);

/* Pushes nil, message, code, detail for what was refused before any attempt: detail is { sent = false, arrived = false
 * } and, where `problems` is not 0, the list at that absolute index, whose messages make the message. */
int pe_lua_push_refusal(lua_State *L, pe_error error, int problems);

#endif
