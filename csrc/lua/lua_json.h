/* A value on the Lua stack -> JSON. Tables are read raw. The owner's thread. */
#ifndef PE_LUA_JSON_H
#define PE_LUA_JSON_H

#include "base/buffer.h"
#include "event/rule.h"
#include "lua/lua_compat.h"

enum { PE_EVENT_MAX_DEPTH = 32 }; /* nested tables of one attribute */

/* Appends the value at the absolute `index`. Returns PE_RULE_NONE; or the rule that refuses it, with *why set to words
 * that follow "age: ", kept alive by the stack. PE_RULE_TOO_LARGE and PE_RULE_NO_MEMORY come from the buffer. When it
 * is not PE_RULE_NONE, `out` may hold a part of the value and the stack may have grown: the caller cuts both back. */
pe_rule pe_lua_json_write(lua_State *L, int index, pe_buffer *out, const char **why);

/* Appends a text, with the same results. */
pe_rule pe_lua_json_write_text(pe_buffer *out, const char *text, size_t size);

/* The words for a rule of pe_lua_json_write_text. */
const char *pe_lua_json_explain(pe_rule rule);

#endif
