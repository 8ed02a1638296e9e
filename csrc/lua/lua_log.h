/* The client's log function: called on the caller's thread, from any call of the client, at most once a second for each
 * kind of line. */
#ifndef PE_LUA_LOG_H
#define PE_LUA_LOG_H

#include "lua/lua_self.h"

/* Whether there is a log function, and it is called for that kind. */
bool pe_lua_log_takes(const pe_lua_self *self, pe_log_kind kind);

/* Calls the log function of the client at index 1 unless it was called for that kind within the last second. What it
 * raises is dropped, memory errors included: a broken log must not cost a reply, nor an event that was taken. Returns
 * whether it was called. */
bool pe_lua_log(lua_State *L, pe_lua_self *self, pe_log_kind kind, const char *level, const char *message);

/* Logs that a call refused its event, a line a second for each code; but not that before_send kept it back. The
 * `count` values that the call returns are on top: nil, message, code, detail. Returns count. */
int pe_lua_log_refused(lua_State *L, pe_lua_self *self, pe_error error, int count);

/* Logs a post that failed, or took more than one attempt. `code`: what it ended with, NULL where it was delivered;
 * `message` says more, or is "". */
void pe_lua_log_post(lua_State *L, pe_lua_self *self, int attempts, const char *code, const char *message);

/* Logs what the sender met since the last call: that it is held or cools down and why, that it goes on, events that
 * came to no good; how the spool is, and files of it that are not as they should be. Costs a test when there is nothing
 * new. */
void pe_lua_log_news(lua_State *L, pe_lua_self *self);

#endif
