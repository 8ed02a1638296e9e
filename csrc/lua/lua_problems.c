#include "lua/lua_problems.h"

#include <stdbool.h>
#include <string.h>

#include "lua/lua_util.h"

/* Whether the problem on top of the stack is of an attribute behind this one in the alphabet. */
static bool is_behind(lua_State *L, const char *attribute, size_t size) {
  size_t other_size;
  const char *other;
  int order;

  lua_getfield(L, -1, "attribute");
  other = lua_tolstring(L, -1, &other_size);
  order = memcmp(other, attribute, other_size < size ? other_size : size);
  lua_pop(L, 1);
  return order > 0 || (order == 0 && other_size > size);
}

/* Puts the problem on top of the stack in its place, and pops it: in the order of the attributes' names, since that of
 * a Lua table changes from run to run. */
static void insert(lua_State *L, int list, const char *attribute, size_t size) {
  int place = (int)pe_lua_rawlen(L, list) + 1;
  for (; place > 1; place--) {
    bool behind;
    lua_rawgeti(L, list, place - 1);
    behind = is_behind(L, attribute, size);
    if (behind)
      lua_rawseti(L, list, place);
    else
      lua_pop(L, 1);
    if (!behind) break;
  }
  lua_rawseti(L, list, place);
}

void pe_lua_problems_add(lua_State *L, int list, const char *attribute, size_t size, pe_rule rule,
                         const char *explanation) {
  const char *name = pe_rule_name(rule);

  luaL_checkstack(L, 6, "event");
  if (lua_isnil(L, list)) {
    lua_newtable(L);
    lua_replace(L, list);
  }
  lua_createtable(L, 0, 3);
  pe_lua_set_string(L, "attribute", attribute, size);
  pe_lua_set_string(L, "rule", name, strlen(name));
  pe_lua_push_printable(L, attribute, size);
  lua_pushfstring(L, "%s: %s", lua_tostring(L, -1), explanation);
  lua_setfield(L, -3, "message");
  lua_pop(L, 1);
  insert(L, list, attribute, size);
}

void pe_lua_problems_push_message(lua_State *L, int list) {
  luaL_Buffer buffer;
  int count = (int)pe_lua_rawlen(L, list);

  luaL_buffinit(L, &buffer);
  for (int i = 1; i <= count; i++) {
    if (i > 1) luaL_addlstring(&buffer, "; ", 2);
    lua_rawgeti(L, list, i);
    lua_getfield(L, -1, "message");
    lua_remove(L, -2);
    luaL_addvalue(&buffer);
  }
  luaL_pushresult(&buffer);
}
