/* The methods of a client that are the way of an event: post, track, encode, recorded. */
#ifndef PE_LUA_DELIVER_H
#define PE_LUA_DELIVER_H

#include "lua/lua_compat.h"

/* Sets them in the table on top. */
void pe_lua_deliver_set_methods(lua_State *L);

#endif
