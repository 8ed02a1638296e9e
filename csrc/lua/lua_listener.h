/* The port of a command's metrics as Lua has it. */
#ifndef PE_LUA_LISTENER_H
#define PE_LUA_LISTENER_H

#include "command/listener.h"
#include "lua/lua_compat.h"

/* listen(host, port) -> a listener; or nil, why
 *   listener:run() -> moves on; whether somebody waits for the page
 *   listener:answer(page) -> gives it to all who wait
 *   listener:port() */
int pe_lua_listener_open(lua_State *L);

/* The one at `index`; NULL: that is none. */
const pe_listener *pe_lua_listener_test(lua_State *L, int index);

/* Makes the class. */
void pe_lua_listener_register(lua_State *L);

#endif
