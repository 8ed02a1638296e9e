/* The methods of a client that tell what became of events: results, flush. */
#ifndef PE_LUA_ACCOUNT_H
#define PE_LUA_ACCOUNT_H

#include <stdint.h>

#include "lua/lua_compat.h"
#include "lua/lua_self.h"

/* Sets them in the table on top. */
void pe_lua_account_set_methods(lua_State *L);

/* What flush and close return: as pe_lua_push_remaining. */
int pe_lua_account_push_remaining(lua_State *L, pe_lua_self *self, uint64_t remaining);

#endif
