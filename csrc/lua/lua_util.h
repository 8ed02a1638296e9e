/* Small helpers of the Lua boundary: reading arguments, pushing numbers and printable names. */
#ifndef PE_LUA_UTIL_H
#define PE_LUA_UTIL_H

#include <stdbool.h>
#include <stdint.h>

#include "lua/lua_compat.h"

/* Whether table[name] is true in the sense of Lua. */
bool pe_lua_field_boolean(lua_State *L, int table, const char *name);

/* Raises, naming the method, where the argument is no table. */
void pe_lua_check_event(lua_State *L, int argument, const char *method);

/* The argument, or `otherwise` where it is absent. Raises, with `name` ("results: max") and what was given, unless it
 * is a number from 0 to `most` (HUGE_VAL: any), or a text that reads as one. */
lua_Number pe_lua_opt_number(lua_State *L, int argument, const char *name, lua_Number most, lua_Number otherwise);

/* The same of seconds, up to a year -> nanoseconds. */
int64_t pe_lua_opt_seconds(lua_State *L, int argument, const char *name, double otherwise);

/* True when the value is the `null` of lua-cjson (and of nginx): a light userdata that is NULL. */
bool pe_lua_is_null(lua_State *L, int index);

/* Pushes the number at `index` as text, as JSON has it: lua_tostring writes the locale's decimal point and 14 digits.
 * Returns true; or false, and pushed nothing: it is not finite. */
bool pe_lua_push_number(lua_State *L, int index);

/* Pushes `text` fit for a message: at most 64 bytes, control characters and bytes that are not UTF-8 as '?'. */
void pe_lua_push_printable(lua_State *L, const char *text, size_t size);

/* Pushes t[name] = value, for the table on top of the stack. */
void pe_lua_set_string(lua_State *L, const char *name, const char *text, size_t size);
void pe_lua_set_number(lua_State *L, const char *name, double value);
void pe_lua_set_integer(lua_State *L, const char *name, int64_t value);

/* Pushes an integer of Lua's own kind: exact where Lua has integers, a double elsewhere. */
void pe_lua_push_integer(lua_State *L, int64_t value);

#endif
