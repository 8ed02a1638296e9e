/* The counters, as Lua reads them: those of one client, or the sum of many processes'. */
#ifndef PE_LUA_STATS_H
#define PE_LUA_STATS_H

#include "lua/lua_compat.h"

/* Sets the methods of a client, stats and _counters, in the table on top. */
void pe_lua_stats_set_methods(lua_State *L);

/* core.sum(list) -> the stats of all processes whose counters, the strings of client:_counters(), are listed. */
int pe_lua_stats_sum(lua_State *L);

/* core.total(list, ended) -> such a string: their sum; with `ended`, of processes that are no more. */
int pe_lua_stats_total(lua_State *L);

#endif
