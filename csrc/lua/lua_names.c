#include "lua/lua_names.h"

#include "event/utf8.h"

/* How many bytes at `s` are one character; 0: they are none. */
static size_t character(const unsigned char *s, const unsigned char *end) {
  return *s < 0x80 ? 1 : pe_utf8_length(s, (size_t)(end - s));
}

static bool is_utf8(lua_State *L, int index) {
  size_t size, taken = 1;
  const unsigned char *s = (const unsigned char *)lua_tolstring(L, index, &size);
  const unsigned char *end = s + size;

  for (; s < end && taken > 0; s += taken)
    taken = character(s, end);
  return taken > 0;
}

static void add_repaired(luaL_Buffer *out, const unsigned char *s, size_t size) {
  const unsigned char *end = s + size;
  while (s < end) {
    size_t whole = character(s, end);
    if (whole > 0)
      luaL_addlstring(out, (const char *)s, whole);
    else
      luaL_addlstring(out, PE_UTF8_REPLACEMENT, sizeof PE_UTF8_REPLACEMENT - 1);
    s += whole > 0 ? whole : pe_utf8_broken(s, (size_t)(end - s));
  }
}

void pe_lua_names_push_repaired(lua_State *L, int index) {
  size_t size;
  const char *text = lua_tolstring(L, index, &size);
  luaL_Buffer repaired;

  luaL_checkstack(L, LUA_MINSTACK, "event");
  luaL_buffinit(L, &repaired);
  add_repaired(&repaired, (const unsigned char *)text, size);
  luaL_pushresult(&repaired);
}

/* Whether the table has the name on top of the stack. */
static bool has(lua_State *L, int table) {
  bool found;
  if (!lua_istable(L, table)) return false;
  lua_pushvalue(L, -1);
  lua_rawget(L, table);
  found = !lua_isnil(L, -1);
  lua_pop(L, 1);
  return found;
}

/* names[the name on top of the stack] = the one at `key` */
static void remember(lua_State *L, int names, int key) {
  if (lua_isnil(L, names)) {
    lua_newtable(L);
    lua_replace(L, names);
  }
  lua_pushvalue(L, -1);
  lua_pushvalue(L, key);
  lua_rawset(L, names);
}

bool pe_lua_names_push(lua_State *L, int table, int other, int key, int names) {
  if (is_utf8(L, key)) {
    lua_pushvalue(L, key);
    return !has(L, names);
  }
  pe_lua_names_push_repaired(L, key);
  if (has(L, names) || has(L, table) || (other != 0 && has(L, other))) return false;
  remember(L, names, key);
  return true;
}

void pe_lua_names_settle(lua_State *L, int table, int names) {
  if (lua_isnil(L, names)) return;
  for (lua_pushnil(L); lua_next(L, names); lua_pop(L, 1)) {
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawget(L, table);
    lua_rawset(L, table);
    lua_pushvalue(L, -1);
    lua_pushnil(L);
    lua_rawset(L, table);
  }
}
