/* The class postevent.core.reader: a pe_reader as a userdata, for postevent/cli/platform.lua. The owner's thread. */
#ifndef PE_LUA_READER_H
#define PE_LUA_READER_H

#include "lua/lua_compat.h"

/* Registers the class. */
void pe_lua_reader_register(lua_State *L);

/* core.reader(settings) -> reader: of the host of settings.url; the settings are a client's. Raises where one is
 * missing or cannot be used. */
int pe_lua_reader_new(lua_State *L);

#endif
