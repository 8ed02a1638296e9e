/* What the client adds to an event: its time, its id; and what is missing then. The owner's thread. */
#ifndef PE_LUA_COMPLETE_H
#define PE_LUA_COMPLETE_H

#include "lua/lua_writer.h"

/* Before the first attribute: whether the event gets an id where it has none. */
void pe_lua_complete_choose_id(pe_lua_writer *w);

/* After the last: writes the time and the id where they are absent and wanted. */
void pe_lua_complete_write(pe_lua_writer *w);

/* In the end: a problem for each attribute that the definition requires and nobody gave. */
void pe_lua_complete_check(pe_lua_writer *w);

#endif
