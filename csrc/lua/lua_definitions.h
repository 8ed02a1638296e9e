/* The class postevent.definitions: a userdata around compiled definitions. One Lua state. */
#ifndef PE_LUA_DEFINITIONS_H
#define PE_LUA_DEFINITIONS_H

#include "event/definition.h"
#include "lua/lua_compat.h"

/* Registers the class. */
void pe_lua_definitions_register(lua_State *L);

/* core.compile(events) -> definitions, skipped. `events` is what postevent/definitions/ makes of a source:
 *   { { name =, published =, attributes = { { name =, type =, required =, sensitive =, regex =, values = } } } }
 * with `type` one of "text", "customer", "mobile", "email", "double", "integer", "boolean", "enum", "date", "any".
 * `skipped` is a list of the patterns that were not compiled: { event =, attribute =, why = }. Raises when out of
 * memory. */
int pe_lua_definitions_compile(lua_State *L);

/* The definitions at `index`, or NULL where there are none. They live as long as that value. */
const pe_definitions *pe_lua_to_definitions(lua_State *L, int index);

#endif
