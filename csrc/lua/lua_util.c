#include "lua/lua_util.h"

#include <string.h>

#include "base/clock.h"

bool pe_lua_field_boolean(lua_State *L, int table, const char *name) {
  bool value;
  lua_getfield(L, table, name);
  value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

int64_t pe_lua_opt_seconds(lua_State *L, int argument, double otherwise) {
  const double year = 366 * 86400.0;
  double seconds = (double)luaL_optnumber(L, argument, (lua_Number)otherwise);
  luaL_argcheck(L, seconds >= 0 && seconds <= year, argument, "expected a number of seconds, 0 or more");
  return (int64_t)(seconds * (double)PE_SECOND);
}

bool pe_lua_is_null(lua_State *L, int index) {
  return lua_islightuserdata(L, index) && !lua_touserdata(L, index);
}

void pe_lua_push_printable(lua_State *L, const char *text, size_t size) {
  enum { MAX_SIZE = 64 };
  char printable[MAX_SIZE + 3];
  size_t shown = size < MAX_SIZE ? size : MAX_SIZE;

  for (size_t i = 0; i < shown; i++)
    printable[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
  if (shown < size) {
    memcpy(printable + shown, "...", 3);
    shown += 3;
  }
  lua_pushlstring(L, printable, shown);
}

void pe_lua_set_string(lua_State *L, const char *name, const char *text, size_t size) {
  lua_pushlstring(L, text, size);
  lua_setfield(L, -2, name);
}

void pe_lua_set_number(lua_State *L, const char *name, double value) {
  lua_pushnumber(L, (lua_Number)value);
  lua_setfield(L, -2, name);
}

void pe_lua_push_integer(lua_State *L, int64_t value) {
#if LUA_VERSION_NUM >= 503
  if (value == (int64_t)(lua_Integer)value) { /* not of 32 bits (LUA_32BITS), or it fits */
    lua_pushinteger(L, (lua_Integer)value);
    return;
  }
#endif
  lua_pushnumber(L, (lua_Number)value);
}

void pe_lua_set_integer(lua_State *L, const char *name, int64_t value) {
  pe_lua_push_integer(L, value);
  lua_setfield(L, -2, name);
}
