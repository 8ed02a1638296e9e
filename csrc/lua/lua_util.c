#include "lua/lua_util.h"

#include <math.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "event/json_writer.h"

bool pe_lua_field_boolean(lua_State *L, int table, const char *name) {
  bool value;
  lua_getfield(L, table, name);
  value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

/* What stands at `index` as a message quotes it; pushes what it has to make for that. */
static const char *push_given(lua_State *L, int index) {
  size_t size;
  const char *text;
  switch (lua_type(L, index)) {
  case LUA_TSTRING:
    text = lua_tolstring(L, index, &size);
    pe_lua_push_printable(L, text, size);
    return lua_pushfstring(L, "\"%s\"", lua_tostring(L, -1));
  case LUA_TNUMBER: lua_pushvalue(L, index); return lua_tostring(L, -1);
  case LUA_TBOOLEAN: return lua_toboolean(L, index) ? "true" : "false";
  case LUA_TNIL:
  case LUA_TNONE: return luaL_typename(L, index); /* "no value" */
  default: return lua_pushfstring(L, "a %s", luaL_typename(L, index));
  }
}

/* Of an event no text is quoted: it is somebody's. */
void pe_lua_check_event(lua_State *L, int argument, const char *method) {
  int type = lua_type(L, argument);
  const char *given = type == LUA_TSTRING ? "text" : NULL;
  if (type == LUA_TTABLE) return;
  if (!given) given = push_given(L, argument);
  (void)luaL_error(L, "%s: event: expected a table of attributes, got %s", method, given);
}

lua_Number pe_lua_opt_number(lua_State *L, int argument, const char *name, lua_Number most, lua_Number otherwise) {
  lua_Number value = lua_tonumber(L, argument);
  if (lua_isnoneornil(L, argument)) return otherwise;
  if (!lua_isnumber(L, argument) || !(value >= 0 && value <= most)) {
    const char *given = push_given(L, argument);
    const char *range = most < HUGE_VAL ? lua_pushfstring(L, " from 0 to %d", (int)most) : ", 0 or more";
    (void)luaL_error(L, "%s: expected a number%s, got %s", name, range, given);
  }
  return value;
}

int64_t pe_lua_opt_seconds(lua_State *L, int argument, const char *name, double otherwise) {
  const double year = 366 * 86400.0;
  double seconds = (double)pe_lua_opt_number(L, argument, name, (lua_Number)year, (lua_Number)otherwise);
  return (int64_t)(seconds * (double)PE_SECOND);
}

bool pe_lua_is_null(lua_State *L, int index) {
  return lua_islightuserdata(L, index) && !lua_touserdata(L, index);
}

bool pe_lua_push_number(lua_State *L, int index) {
  char bytes[64];
  pe_buffer text = {bytes, 0, sizeof bytes, sizeof bytes}; /* on the stack: it never grows */
  pe_error error;
#if LUA_VERSION_NUM >= 503
  if (lua_isinteger(L, index))
    error = pe_json_write_integer(&text, (int64_t)lua_tointeger(L, index));
  else
#endif
    error = pe_json_write_number(&text, (double)lua_tonumber(L, index));
  if (error == PE_OK) lua_pushlstring(L, bytes, text.size);
  return error == PE_OK;
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
