/* A table of attributes on the Lua stack -> the JSON body, checked, in one pass. The table is read raw and the
 * caller's is never changed; for a valid event no Lua string and no table is made. The owner's thread. */
#ifndef PE_LUA_EVENT_H
#define PE_LUA_EVENT_H

#include <stdbool.h>

#include "buffer.h"
#include "lua_compat.h"

enum { PE_EVENT_MAX_DEPTH = 32 }; /* nested tables of one attribute */

/* How events are completed; immutable after the client was made. */
typedef struct pe_lua_event_rules {
  bool stamp;       /* write eventDateTime where it is absent */
  bool fill_id;     /* write the id attribute where it is absent */
  char id_name[64]; /* the id attribute; "" for none */
} pe_lua_event_rules;

/* Writes the event at `event` (a table), completed by the table at `common` (0: none), to the empty buffer `body`.
 * Both indexes are absolute. With `own` the table is ours (a copy): what is filled in is stored in it, too.
 * PE_OK: pushes one value: the event's id as text, or nil.
 * PE_INVALID_EVENT, PE_TOO_LARGE: pushes one value: the list of problems, each { attribute, rule, message }.
 * PE_NO_MEMORY: pushes nothing.
 * May raise Lua's memory error; `body` stays the caller's. */
pe_error pe_lua_event_write(lua_State *L, int event, int common, const pe_lua_event_rules *rules, bool own,
                            pe_buffer *body);

/* Pushes the problems of the list at `problems` as one line: "age: missing; hotel_name: missing". */
void pe_lua_event_push_message(lua_State *L, int problems);

#endif
