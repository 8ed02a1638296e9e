/* What the platform's rules and the definition say of an event that is being written: the problems of its name and of
 * the attribute in hand. The owner's thread; may raise Lua's memory error. */
#ifndef PE_LUA_JUDGE_H
#define PE_LUA_JUDGE_H

#include <stddef.h>

#include "event/definition.h"
#include "event/rule.h"
#include "lua/lua_writer.h"

/* Finds the definition of the event's name, which is in hand; that there is none is noted, unless it is allowed. */
void pe_lua_judge_find_definition(pe_lua_writer *w, const char *name, size_t size);

/* Notes a problem with the attribute in hand; `attribute` and `value` explain it. */
void pe_lua_judge_add_problem(pe_lua_writer *w, const pe_attribute *attribute, pe_rule rule, const pe_value *value);

/* Checks what was written: first as one of those that every event may have (`standard`, or NULL), then by the
 * definition, where it is at `place` (`attribute`, or NULL). One problem of an attribute is noted. */
void pe_lua_judge_written(pe_lua_writer *w, const pe_attribute *standard, const pe_attribute *attribute, size_t place,
                          const pe_value *value);

/* Notes it where the attribute in hand is an empty text that the client replaces, and the definition asks for one with
 * something in it (`attribute`, or NULL): who is only warned gets an id all the same. */
void pe_lua_judge_replaced(pe_lua_writer *w, const pe_attribute *attribute, const pe_value *value);

#endif
