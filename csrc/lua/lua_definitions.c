#include "lua/lua_definitions.h"

#include <stdlib.h>
#include <string.h>

#include "lua/lua_util.h"

static const char CLASS[] = "postevent.core.definitions";

/* The userdata; `attribute` is what is being read, so that an error of Lua leaks nothing. */
typedef struct lua_definitions {
  pe_definitions *definitions;
  pe_attribute attribute; /* its `values` array and `regex` are owned, the texts are Lua's */
} lua_definitions;

static void drop_attribute(lua_definitions *self) {
  free(self->attribute.values);
  pe_regex_free(self->attribute.regex);
  memset(&self->attribute, 0, sizeof self->attribute);
}

static int definitions_gc(lua_State *L) {
  lua_definitions *self = luaL_checkudata(L, 1, CLASS);
  drop_attribute(self);
  pe_definitions_free(self->definitions);
  self->definitions = NULL;
  return 0;
}

/* table[name] as a text that the table keeps alive; empty where it is nil. */
static pe_text field_text(lua_State *L, int table, const char *name) {
  pe_text text = {"", 0};
  lua_getfield(L, table, name);
  if (lua_type(L, -1) == LUA_TSTRING) text.bytes = lua_tolstring(L, -1, &text.size);
  lua_pop(L, 1);
  return text;
}

static pe_type read_type(lua_State *L, int attribute) {
  static const char *const names[] = {
      [PE_TYPE_TEXT] = "text",       [PE_TYPE_CUSTOMER] = "customer", [PE_TYPE_MOBILE] = "mobile",
      [PE_TYPE_EMAIL] = "email",     [PE_TYPE_DOUBLE] = "double",     [PE_TYPE_INTEGER] = "integer",
      [PE_TYPE_BOOLEAN] = "boolean", [PE_TYPE_ENUM] = "enum",         [PE_TYPE_DATE] = "date",
      [PE_TYPE_ANY] = "any"};
  const char *type = field_text(L, attribute, "type").bytes;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i] && strcmp(names[i], type) == 0) return (pe_type)i;
  return PE_TYPE_ANY;
}

static void read_values(lua_State *L, int attribute, pe_attribute *out) {
  size_t count;

  lua_getfield(L, attribute, "values");
  count = lua_istable(L, -1) ? pe_lua_rawlen(L, -1) : 0;
  if (count > 0) {
    out->values = calloc(count, sizeof *out->values);
    if (!out->values) luaL_error(L, "not enough memory");
    for (; out->value_count < count; out->value_count++) {
      pe_text *value = &out->values[out->value_count];
      lua_rawgeti(L, -1, (int)out->value_count + 1);
      value->bytes = lua_tolstring(L, -1, &value->size);
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
}

/* Compiles the attribute's pattern, or adds it to the list at `skipped`. */
static void read_regex(lua_State *L, int event, int attribute, int skipped, pe_attribute *out) {
  pe_text pattern = field_text(L, attribute, "regex");
  const char *why = NULL;
  char text[120];

  if (pattern.size == 0) return;
  out->regex = pe_regex_new(pattern.bytes, pattern.size, text, &why);
  if (out->regex) return;
  if (!why) luaL_error(L, "not enough memory");
  lua_createtable(L, 0, 3);
  lua_getfield(L, event, "name");
  lua_setfield(L, -2, "event");
  lua_getfield(L, attribute, "name");
  lua_setfield(L, -2, "attribute");
  pe_lua_set_string(L, "why", why, strlen(why));
  lua_rawseti(L, skipped, (int)pe_lua_rawlen(L, skipped) + 1);
}

static void add_attribute(lua_State *L, lua_definitions *self, pe_definition *definition, int event, int skipped) {
  pe_attribute *attribute = &self->attribute;
  int index = lua_gettop(L);
  pe_error error;

  attribute->name = field_text(L, index, "name");
  attribute->type = read_type(L, index);
  attribute->required = pe_lua_field_boolean(L, index, "required");
  attribute->sensitive = pe_lua_field_boolean(L, index, "sensitive");
  read_values(L, index, attribute);
  read_regex(L, event, index, skipped, attribute);
  error = pe_definition_add(definition, attribute);
  attribute->regex = NULL; /* taken over */
  if (error == PE_TOO_LARGE)
    luaL_error(L, "event %s: it has more than %d attributes", field_text(L, event, "name").bytes, PE_MAX_ATTRIBUTES);
  if (error) luaL_error(L, "not enough memory");
  drop_attribute(self);
}

static void add_event(lua_State *L, lua_definitions *self, int skipped) {
  int event = lua_gettop(L);
  pe_definition *definition =
      pe_definitions_add(self->definitions, field_text(L, event, "name"), pe_lua_field_boolean(L, event, "published"));

  if (!definition) luaL_error(L, "not enough memory");
  lua_getfield(L, event, "attributes");
  for (int i = 1; i <= (int)pe_lua_rawlen(L, event + 1); i++) {
    lua_rawgeti(L, event + 1, i);
    add_attribute(L, self, definition, event, skipped);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

int pe_lua_definitions_compile(lua_State *L) {
  enum { EVENTS = 1, SELF, SKIPPED };
  lua_definitions *self;

  luaL_checktype(L, EVENTS, LUA_TTABLE);
  lua_settop(L, EVENTS);
  self = lua_newuserdata(L, sizeof *self); /* empty first: from here on __gc meets a safe object */
  memset(self, 0, sizeof *self);
  luaL_getmetatable(L, CLASS);
  lua_setmetatable(L, SELF);
  lua_newtable(L);
  self->definitions = pe_definitions_new();
  if (!self->definitions) return luaL_error(L, "not enough memory");
  for (int i = 1; i <= (int)pe_lua_rawlen(L, EVENTS); i++) {
    lua_rawgeti(L, EVENTS, i);
    add_event(L, self, SKIPPED);
    lua_pop(L, 1);
  }
  if (pe_definitions_finish(self->definitions) != PE_OK) return luaL_error(L, "not enough memory");
  return 2;
}

const pe_definitions *pe_lua_to_definitions(lua_State *L, int index) {
  const lua_definitions *self = pe_lua_testudata(L, index, CLASS);
  return self ? self->definitions : NULL;
}

void pe_lua_definitions_register(lua_State *L) {
  luaL_newmetatable(L, CLASS);
  lua_pushcfunction(L, definitions_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
}
