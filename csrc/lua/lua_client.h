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

/* core.facts(value) -> the setting of that name, where the value is a client, closed or not; otherwise nil. */
int pe_lua_client_facts(lua_State *L);

/* core.derive(methods) -> a class of clients with these methods, a table, and no others. */
int pe_lua_client_derive(lua_State *L);

/* core.become(client, class) -> the client, which is of a class that core.derive made from now on. */
int pe_lua_client_become(lua_State *L);

#endif
