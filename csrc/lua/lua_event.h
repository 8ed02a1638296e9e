/* A table of attributes on the Lua stack -> the JSON body, completed and checked, in one pass. The table is read raw
 * and the caller's is never changed; for a valid event no table is made. The owner's thread. */
#ifndef PE_LUA_EVENT_H
#define PE_LUA_EVENT_H

#include <stdbool.h>

#include "base/buffer.h"
#include "event/definition.h"
#include "lua/lua_compat.h"
#include "lua/lua_rules.h"

/* The running C function has the text "event_name" as this upvalue. */
enum { PE_EVENT_NAME_UPVALUE = 1 };

/* Writes the event at `event` (a table), completed by the table at `common` (0: none), to the empty buffer `body`.
 * Both indexes are absolute. With `own` the table is ours (a copy): what is filled in is stored in it, too.
 * PE_OK: pushes two values: the event's id as text, or nil; the list of problems that are only warned about, or nil.
 *   Sets *definition to the event's, or NULL.
 * PE_INVALID_EVENT, PE_TOO_LARGE: pushes one value: the list of problems, each { attribute, rule, message }.
 * PE_NO_MEMORY: pushes nothing.
 * May raise Lua's memory error; `body` stays the caller's. */
pe_error pe_lua_event_write(lua_State *L, int event, int common, const pe_lua_event_rules *rules, bool own,
                            pe_buffer *body, const pe_definition **definition);

#endif
