/* A journal's file as Lua has it: see lua_command.h, whose last part this is. */
#ifndef PE_LUA_JOURNAL_H
#define PE_LUA_JOURNAL_H

#include "lua/lua_compat.h"

/* command.journal */
int pe_lua_journal_open(lua_State *L);

/* command.witness, command.delivered */
int pe_lua_journal_witness(lua_State *L);
int pe_lua_journal_delivered(lua_State *L);

/* Makes the class. */
void pe_lua_journal_register(lua_State *L);

#endif
