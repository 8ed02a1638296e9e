/* What JSON libraries for Lua mean by a value that is no plain table, text or number: the empty array, a null of their
 * own. Only values that are rare are asked about. The owner's thread. */
#ifndef PE_LUA_MARKER_H
#define PE_LUA_MARKER_H

#include <stdbool.h>

#include "lua/lua_compat.h"

typedef enum pe_lua_marker {
  PE_MARKER_NONE,   /* it says nothing of itself */
  PE_MARKER_ARRAY,  /* an array, though it is empty */
  PE_MARKER_OBJECT, /* an object, though it is empty */
  PE_MARKER_FOREIGN /* a value that stands for something to another library, its null above all */
} pe_lua_marker;

/* What the value at `index` is, an empty table or no table. Calls no metamethod. */
pe_lua_marker pe_lua_marker_of(lua_State *L, int index);

/* Pushes where a loaded module has the value at `index`, "dkjson.null"; or "a value of another library". */
void pe_lua_marker_push_name(lua_State *L, int index);

#endif
