/* The problems of one event, as Lua reads them: a list of { attribute, rule, message }, made at the first problem.
 * The owner's thread. */
#ifndef PE_LUA_PROBLEMS_H
#define PE_LUA_PROBLEMS_H

#include <stddef.h>

#include "event/rule.h"
#include "lua/lua_compat.h"

/* Adds a problem to the list at the absolute stack index `list`, which holds nil until the first and is in the order of
 * the attributes' names. The message is the attribute, a colon and `explanation`. The stack is as before. */
void pe_lua_problems_add(lua_State *L, int list, const char *attribute, size_t size, pe_rule rule,
                         const char *explanation);

/* Pushes the list's messages as one line: "age: missing; hotel_name: missing". */
void pe_lua_problems_push_message(lua_State *L, int list);

#endif
