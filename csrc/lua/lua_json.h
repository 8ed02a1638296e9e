/* A value on the Lua stack -> JSON. Tables are read raw. The owner's thread. */
#ifndef PE_LUA_JSON_H
#define PE_LUA_JSON_H

#include <stdbool.h>

#include "base/buffer.h"
#include "event/rule.h"
#include "lua/lua_compat.h"
#include "lua/lua_marker.h"

enum { PE_EVENT_MAX_DEPTH = 32 }; /* nested tables of one attribute */

enum {
  PE_JSON_REPAIR = 1, /* a text inside that is not UTF-8 is written as lua_names.h repairs it */
  PE_JSON_BRIEF = 2   /* nobody will be told why: words that cost something are not looked for */
};

/* Appends the value at the absolute `index`. Returns PE_RULE_NONE; or the rule that refuses it, with *why set to words
 * that follow "age: ", kept alive by the stack. PE_RULE_TOO_LARGE and PE_RULE_NO_MEMORY come from the buffer. When it
 * is not PE_RULE_NONE, `out` may hold a part of the value and the stack may have grown: the caller cuts both back.
 * `how` is made of these flags. `markers` serve all values of one event. */
pe_rule pe_lua_json_write(lua_State *L, int index, pe_buffer *out, unsigned how, pe_lua_markers *markers,
                          const char **why);

/* Whether the value at `index` is written in brackets: a table with elements, or what says of itself that it is an
 * array. */
bool pe_lua_json_is_array(lua_State *L, pe_lua_markers *markers, int index);

/* Appends a text, with the same results. */
pe_rule pe_lua_json_write_text(pe_buffer *out, const char *text, size_t size);

/* The words for a rule of pe_lua_json_write_text. */
const char *pe_lua_json_explain(pe_rule rule);

#endif
