#include "lua/lua_marker.h"

#include <string.h>

/* Under these names modules have what stands for something: lua-cjson of OpenResty, dkjson, rapidjson, lyaml, ... */
static const char *const ARRAYS[] = {"empty_array", "array_mt", NULL};
static const char *const EMPTY_ARRAYS[] = {"empty_array_mt", NULL};
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

pe_lua_marker pe_lua_marker_said(lua_State *L, int index) {
  pe_lua_marker marker;
  luaL_checkstack(L, 4, "event");
  if (!lua_istable(L, index) || !lua_getmetatable(L, index)) return PE_MARKER_NONE;
  marker = read_metatable(L, lua_gettop(L));
  lua_pop(L, 1);
  return marker;
}

/* ---- what the loaded modules have ---- */

/* Where a marker was found: package.loaded[module][field]. */
typedef struct place {
  pe_lua_marker marker;
  const char *module; /* NULL: its key is no text */
  const char *field;
} place;

/* Is shown a marker, on top of the stack, which it leaves as it is. */
typedef void (*visitor)(lua_State *L, const place *at, void *user);

static void show_fields(lua_State *L, int module, const char *const *names, place at, visitor visit, void *user) {
  for (; *names; names++) {
    at.field = *names;
    push_field(L, module, *names);
    visit(L, &at, user);
    lua_pop(L, 1);
  }
}

static void show_all(lua_State *L, visitor visit, void *user) {
  int top = lua_gettop(L);
  int loaded = top + 1, key = top + 2, module = top + 3;

  luaL_checkstack(L, 8, "event");
  lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
  if (!lua_istable(L, loaded)) lua_settop(L, top);
  if (lua_gettop(L) == top) return;
  for (lua_pushnil(L); lua_next(L, loaded); lua_settop(L, key)) {
    const char *name = lua_type(L, key) == LUA_TSTRING ? lua_tostring(L, key) : NULL;
    if (!lua_istable(L, module)) continue;
    show_fields(L, module, ARRAYS, (place){PE_MARKER_ARRAY, name, NULL}, visit, user);
    show_fields(L, module, EMPTY_ARRAYS, (place){PE_MARKER_EMPTY_ARRAY, name, NULL}, visit, user);
    show_fields(L, module, OTHERS, (place){PE_MARKER_FOREIGN, name, NULL}, visit, user);
  }
  lua_settop(L, top);
}

/* What is known of the value at `index`; NULL: no module has it. */
static const struct pe_lua_known_marker *find(lua_State *L, const pe_lua_markers *markers, int index) {
  const void *at = lua_topointer(L, index);
  int type = lua_type(L, index);

  for (int i = 0; i < markers->count; i++)
    if (markers->list[i].at == at && markers->list[i].type == type) return &markers->list[i];
  return NULL;
}

/* nil is at NULL, and so is lua-cjson's null, which is no marker but null. */
static void note(lua_State *L, const place *at, void *user) {
  pe_lua_markers *markers = user;
  const void *value = lua_topointer(L, -1);
  if (!value || markers->count == PE_MARKERS_MAX || find(L, markers, -1)) return;
  markers->list[markers->count++] =
      (struct pe_lua_known_marker){value, lua_type(L, -1), at->marker, at->module, at->field};
}

void pe_lua_markers_init(pe_lua_markers *markers) {
  markers->looked = false;
  markers->count = 0; /* what is in the list is left as it is: most events ask about nothing */
}

static const struct pe_lua_known_marker *look_for(lua_State *L, pe_lua_markers *markers, int index) {
  luaL_checkstack(L, 8, "event");
  if (!markers->looked) show_all(L, note, markers);
  markers->looked = true;
  return find(L, markers, index);
}

pe_lua_marker pe_lua_marker_of(lua_State *L, pe_lua_markers *markers, int index) {
  const struct pe_lua_known_marker *known = look_for(L, markers, index);
  pe_lua_marker marker;

  if (known) return known->marker;
  if (!lua_istable(L, index) || !lua_getmetatable(L, index)) return PE_MARKER_NONE;
  marker = read_metatable(L, lua_gettop(L));
  known = find(L, markers, -1);
  if (marker == PE_MARKER_NONE && known && pe_lua_marker_is_array(known->marker)) marker = known->marker;
  lua_pop(L, 1);
  return marker;
}

void pe_lua_marker_push_name(lua_State *L, pe_lua_markers *markers, int index) {
  const struct pe_lua_known_marker *known = look_for(L, markers, index);
  if (known && known->module)
    lua_pushfstring(L, "%s.%s", known->module, known->field);
  else
    lua_pushliteral(L, "a value of another library");
}

static void keep(lua_State *L, const place *at, void *user) {
  const int *list = user;
  (void)at;
  if (!lua_istable(L, -1)) return;
  lua_pushvalue(L, -1);
  lua_pushboolean(L, 1);
  lua_rawset(L, *list);
}

int pe_lua_marker_list(lua_State *L) {
  int list = lua_gettop(L) + 1;
  lua_newtable(L);
  show_all(L, keep, &list);
  return 1;
}
