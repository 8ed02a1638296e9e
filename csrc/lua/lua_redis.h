/* A connection to Redis as the command's Lua has it, and how it waits: for connections, for results, for the end.
 * Nothing here is for a program of the user's. One thread. */
#ifndef PE_LUA_REDIS_H
#define PE_LUA_REDIS_H

#include "lua/lua_compat.h"

/* Registers the classes, and pushes the table of functions:
 *   open(url, connect_timeout, timeout) -> link; or nil, why
 *     link:open(), link:close()
 *     link:state() -> "off", "busy" or "ready", and of the first why (a message and a code)
 *     link:send(word, ...) -> whether the command was taken: the link is ready
 *     link:run() -> moves on as far as it goes
 *     link:next() -> nothing: none has come; or true and a reply (text, number, list; false for none); or false and the
 *       text of an error
 *     link:explain(command, text of an error) -> a message, a code, whether somebody has to mend it
 *   wait(seconds, link or client, ...) -> sleeps until one of them has something, or the program is to end
 *   catch() -> from here on SIGTERM and SIGINT are what `stopping` tells of; whether that worked
 *   stopping() -> whether one of them came
 *   now() -> seconds on the monotonic clock
 *   notify(text) -> tells systemd, where it listens (NOTIFY_SOCKET)
 *   allow(client, attempts) -> lets so many attempts more begin; how many may now
 *   silence(client, silent) -> whether none may begin
 *   gate(client) -> for how many seconds yet the platform has asked for silence
 *   hand_over(client, body, id, name, age) -> as client:track, of an event that is written already; `age` in seconds
 *   next_delivered(client) -> the ticket of the next result, where that is "delivered"; else nothing, and it stays the
 *     next of client:results() */
void pe_lua_redis_register(lua_State *L);

#endif
