/* The class postevent.client: a userdata around one pe_client. One thread, one Lua state. */
#ifndef PE_LUA_CLIENT_H
#define PE_LUA_CLIENT_H

#include "lua_compat.h"

/* Registers the class; pushes its table of methods, which Lua completes. */
void pe_lua_client_register(lua_State *L);

/* core.new(settings) -> client. `settings` was checked and completed by postevent/options.lua, which lists its fields.
 * Raises where the C libraries cannot do what they ask. */
int pe_lua_client_new(lua_State *L);

#endif
