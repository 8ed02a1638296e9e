/* The class postevent.core.waker: a pe_waker as a userdata, for postevent/resty/waker.lua. */
#ifndef PE_LUA_WAKER_H
#define PE_LUA_WAKER_H

#include "delivery/waker.h"
#include "lua/lua_compat.h"

/* Registers the class. */
void pe_lua_waker_register(lua_State *L);

/* core.waker() -> waker; or nil: memory is out */
int pe_lua_waker_new(lua_State *L);

/* The waker at `index`, borrowed from the userdata; raises where there is none. */
pe_waker *pe_lua_check_waker(lua_State *L, int index);

#endif
