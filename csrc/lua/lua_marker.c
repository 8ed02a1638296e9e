#include "lua/lua_marker.h"

#include <string.h>

/* Under these names modules have what stands for something: lua-cjson of OpenResty, dkjson, rapidjson, lyaml, ... */
static const char *const ARRAYS[] = {"empty_array", "array_mt", "empty_array_mt", NULL};
static const char *const OTHERS[] = {"null", "NULL", "Null", "json_null", "undefined", NULL};

/* ---- what a metatable says ---- */

/* Pushes table[name], read raw. */
static void push_field(lua_State *L, int table, const char *name) {
  lua_pushstring(L, name);
  lua_rawget(L, table);
}

/* Whether the metatable's field is one of the words. */
static bool says(lua_State *L, int metatable, const char *field, const char *const *words) {
  const char *text;
  bool found = false;

  push_field(L, metatable, field);
  text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
  for (; *words && !found; words++)
    found = strcmp(text, *words) == 0;
  lua_pop(L, 1);
  return found;
}

static bool has(lua_State *L, int metatable, const char *field) {
  bool found;
  push_field(L, metatable, field);
  found = !lua_isnil(L, -1);
  lua_pop(L, 1);
  return found;
}

/* dkjson and rapidjson write __jsontype, Tarantool __serialize; __tojson writes JSON of its own, which we do not run.
 */
static pe_lua_marker read_metatable(lua_State *L, int metatable) {
  static const char *const arrays[] = {"array", "seq", "sequence", NULL};
  static const char *const objects[] = {"object", "map", "mapping", NULL};

  if (says(L, metatable, "__jsontype", arrays) || says(L, metatable, "__serialize", arrays)) return PE_MARKER_ARRAY;
  if (says(L, metatable, "__jsontype", objects) || says(L, metatable, "__serialize", objects)) return PE_MARKER_OBJECT;
  return has(L, metatable, "__tojson") || has(L, metatable, "__jsontype") ? PE_MARKER_FOREIGN : PE_MARKER_NONE;
}

/* ---- what the loaded modules have ---- */

/* The name under which the module has the value at `index`; NULL: it has it not. */
static const char *find_field(lua_State *L, int module, int index, const char *const *names) {
  for (; *names; names++) {
    bool same;
    push_field(L, module, *names);
    same = lua_rawequal(L, -1, index);
    lua_pop(L, 1);
    if (same) return *names;
  }
  return NULL;
}

/* Looks through package.loaded. Where a module has the value, pushes the module's name and returns the field's. */
static const char *find_module(lua_State *L, int index, const char *const *names) {
  int top = lua_gettop(L);
  int loaded = top + 1, key = top + 2, module = top + 3;

  luaL_checkstack(L, 6, "event");
  lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
  if (!lua_istable(L, loaded)) lua_settop(L, top);
  if (lua_gettop(L) == top) return NULL;
  for (lua_pushnil(L); lua_next(L, loaded); lua_settop(L, key)) {
    const char *field = lua_istable(L, module) ? find_field(L, module, index, names) : NULL;
    if (!field || lua_type(L, key) != LUA_TSTRING) continue;
    lua_settop(L, key);
    lua_remove(L, loaded);
    return field;
  }
  lua_settop(L, top);
  return NULL;
}

/* Whether a module has the value at `index` under one of the names. */
static bool is_known(lua_State *L, int index, const char *const *names) {
  int top = lua_gettop(L);
  bool known = find_module(L, index, names) != NULL;
  lua_settop(L, top);
  return known;
}

pe_lua_marker pe_lua_marker_of(lua_State *L, int index) {
  pe_lua_marker marker = PE_MARKER_NONE;

  luaL_checkstack(L, 8, "event");
  if (!lua_istable(L, index)) {
    if (is_known(L, index, ARRAYS)) return PE_MARKER_ARRAY;
    return is_known(L, index, OTHERS) ? PE_MARKER_FOREIGN : PE_MARKER_NONE;
  }
  if (!lua_getmetatable(L, index)) return PE_MARKER_NONE;
  marker = read_metatable(L, lua_gettop(L));
  if (marker == PE_MARKER_NONE && is_known(L, lua_gettop(L), ARRAYS)) marker = PE_MARKER_ARRAY;
  lua_pop(L, 1);
  if (marker == PE_MARKER_NONE && is_known(L, index, OTHERS)) marker = PE_MARKER_FOREIGN;
  return marker;
}

void pe_lua_marker_push_name(lua_State *L, int index) {
  const char *field = find_module(L, index, OTHERS);
  if (!field) {
    lua_pushliteral(L, "a value of another library");
    return;
  }
  lua_pushfstring(L, "%s.%s", lua_tostring(L, -1), field);
  lua_remove(L, -2);
}
