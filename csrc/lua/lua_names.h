/* Text that is not UTF-8, repaired: U+FFFD for each piece that is no character. Two names of one object may be the same
 * then, and JSON has a name once. The owner's thread. */
#ifndef PE_LUA_NAMES_H
#define PE_LUA_NAMES_H

#include <stdbool.h>

#include "lua/lua_compat.h"

/* What is said of a name that is free no more. */
#define PE_NAME_TWICE "there twice, since what is not UTF-8 is replaced"

/* Pushes the text at the absolute `index`, repaired. */
void pe_lua_names_push_repaired(lua_State *L, int index);

/* Pushes the name at `key` as it is sent: itself, or repaired. All indexes are absolute. Returns false where another
 * name of `table` is the same then, or one of the table at `other` (0: none). `names` is the index of what is
 * remembered for it, from one name of the table to the next: nil at first. May raise Lua's memory error. */
bool pe_lua_names_push(lua_State *L, int table, int other, int key, int names);

/* Gives what has a repaired name in `table` that name there. Not while the table is traversed. */
void pe_lua_names_settle(lua_State *L, int table, int names);

#endif
