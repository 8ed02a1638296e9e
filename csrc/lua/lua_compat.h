/* The differences between Lua 5.1, 5.2, 5.3, 5.4 and LuaJIT, and nothing else. */
#ifndef PE_LUA_COMPAT_H
#define PE_LUA_COMPAT_H

#include <lauxlib.h>
#include <lua.h>

#if LUA_VERSION_NUM < 502
/* In 5.1 a userdata's environment plays the part of the user value; both hold a table here. */
#define pe_lua_getuservalue(L, index) lua_getfenv((L), (index))
#define pe_lua_setuservalue(L, index) ((void)lua_setfenv((L), (index)))
#define pe_lua_rawlen(L, index)       lua_objlen((L), (index))
#define pe_lua_setfuncs(L, functions) luaL_register((L), NULL, (functions))
#define pe_lua_checkversion(L)        ((void)(L)) /* elsewhere: raises where the core was built for another Lua */
#elif LUA_VERSION_NUM < 504
#define pe_lua_getuservalue(L, index) lua_getuservalue((L), (index))
#define pe_lua_setuservalue(L, index) lua_setuservalue((L), (index))
#define pe_lua_rawlen(L, index)       lua_rawlen((L), (index))
#define pe_lua_setfuncs(L, functions) luaL_setfuncs((L), (functions), 0)
#define pe_lua_checkversion(L)        luaL_checkversion(L)
#else
#define pe_lua_getuservalue(L, index) ((void)lua_getiuservalue((L), (index), 1))
#define pe_lua_setuservalue(L, index) ((void)lua_setiuservalue((L), (index), 1))
#define pe_lua_rawlen(L, index)       lua_rawlen((L), (index))
#define pe_lua_setfuncs(L, functions) luaL_setfuncs((L), (functions), 0)
#define pe_lua_checkversion(L)        luaL_checkversion(L)
#endif

/* The userdata at `index` where it is of the class of that name, or NULL: Lua 5.1 has no luaL_testudata. */
static inline void *pe_lua_testudata(lua_State *L, int index, const char *name) {
  void *userdata = lua_touserdata(L, index);
  int is_one;
  if (!userdata || !lua_getmetatable(L, index)) return NULL;
  luaL_getmetatable(L, name);
  is_one = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return is_one ? userdata : NULL;
}

/* Whether the running function may yield. Lua 5.1 and 5.2 do not tell, and nobody asks there. */
#if LUA_VERSION_NUM >= 503 || (defined(__has_include) && __has_include(<luajit.h>))
#define pe_lua_isyieldable(L) lua_isyieldable(L)
#else
#define pe_lua_isyieldable(L) ((void)(L), 0)
#endif

/* Exported from a shared object whose other symbols are hidden. */
#define PE_EXPORT __attribute__((visibility("default")))

#endif
