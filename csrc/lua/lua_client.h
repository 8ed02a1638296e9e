/* The class postevent.client: the life of a client, and the methods of all its files put together. One thread, one Lua
 * state. */
#ifndef PE_LUA_CLIENT_H
#define PE_LUA_CLIENT_H

#include "lua/lua_compat.h"

/* Registers the class; pushes its table of methods, which Lua completes. */
void pe_lua_client_register(lua_State *L);

/* core.new(settings) -> client. `settings` is what postevent/options/ makes. Raises as pe_lua_settings_read, and where
 * the C libraries cannot do what the settings ask. */
int pe_lua_client_new(lua_State *L);

/* core.destination(value) -> the setting of that name, where the value is a client, closed or not; otherwise nil. */
int pe_lua_client_destination(lua_State *L);

#endif
