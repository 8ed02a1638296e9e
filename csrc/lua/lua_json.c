#include "lua/lua_json.h"

#include <stdbool.h>

#include "event/json_writer.h"
#include "lua/lua_names.h"
#include "lua/lua_util.h"

typedef struct writer {
  lua_State *L;
  pe_buffer *out;
  unsigned how; /* flags of lua_json.h */
  pe_lua_markers *markers;
  const char *why; /* where the plain words of the rule do not do */
} writer;

const char *pe_lua_json_explain(pe_rule rule) {
  switch (rule) {
  case PE_RULE_UTF8: return "not UTF-8";
  case PE_RULE_NOT_FINITE: return "expected a finite number";
  case PE_RULE_DEPTH: return "tables nest too deeply, or a table contains itself";
  case PE_RULE_TOO_LARGE: return "does not fit, the event is larger than max_event_bytes";
  case PE_RULE_NAME: return "every name inside must be text";
  default: return "cannot be sent";
  }
}

/* What the JSON writer or the buffer says; PE_INVALID_EVENT means `rule`. */
static pe_rule rule_of(pe_error error, pe_rule rule) {
  switch (error) {
  case PE_OK: return PE_RULE_NONE;
  case PE_TOO_LARGE: return PE_RULE_TOO_LARGE;
  case PE_NO_MEMORY: return PE_RULE_NO_MEMORY;
  default: return rule;
  }
}

pe_rule pe_lua_json_write_text(pe_buffer *out, const char *text, size_t size) {
  return rule_of(pe_json_write_string(out, text, size), PE_RULE_UTF8);
}

static pe_rule refuse(writer *w, pe_rule rule, const char *why) {
  w->why = why;
  return rule;
}

/* What stands for something to another library, its null, is named where a loaded module has it. The words stay on the
 * stack: they live as long as the caller's frame. */
static pe_rule refuse_foreign(writer *w, int index) {
  if (w->how & PE_JSON_BRIEF) return PE_RULE_UNSENDABLE;
  luaL_checkstack(w->L, 8, "event");
  pe_lua_marker_push_name(w->L, w->markers, index);
  lua_pushfstring(w->L, "%s cannot be sent; null is cjson.null", lua_tostring(w->L, -1));
  w->why = lua_tostring(w->L, -1);
  return PE_RULE_UNSENDABLE;
}

static pe_rule refuse_type(writer *w, int index) {
  if (w->how & PE_JSON_BRIEF) return PE_RULE_UNSENDABLE;
  if (pe_lua_marker_of(w->L, w->markers, index) == PE_MARKER_FOREIGN) return refuse_foreign(w, index);
  lua_pushfstring(w->L, "a %s cannot be sent", luaL_typename(w->L, index));
  w->why = lua_tostring(w->L, -1);
  return PE_RULE_UNSENDABLE;
}

static pe_rule write_value(writer *w, int index, int depth);

static pe_rule write_text(writer *w, int index) {
  size_t start = w->out->size;
  size_t size;
  const char *text = lua_tolstring(w->L, index, &size);
  pe_rule rule = pe_lua_json_write_text(w->out, text, size);

  if (rule != PE_RULE_UTF8 || !(w->how & PE_JSON_REPAIR)) return rule;
  w->out->size = start;
  pe_lua_names_push_repaired(w->L, index);
  text = lua_tolstring(w->L, -1, &size);
  rule = pe_lua_json_write_text(w->out, text, size);
  lua_pop(w->L, 1);
  return rule;
}

static pe_rule write_byte(writer *w, char byte) {
  return rule_of(pe_buffer_append_byte(w->out, byte), PE_RULE_NONE);
}

static pe_rule write_number(writer *w, int index) {
#if LUA_VERSION_NUM >= 503
  if (lua_isinteger(w->L, index))
    return rule_of(pe_json_write_integer(w->out, (int64_t)lua_tointeger(w->L, index)), PE_RULE_NONE);
#endif
  return rule_of(pe_json_write_number(w->out, (double)lua_tonumber(w->L, index)), PE_RULE_NOT_FINITE);
}

/* True when the keys of the table are 1 to `size` and no other. */
static bool is_array(lua_State *L, int table, size_t size) {
  size_t count = 0;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
    lua_Number key = lua_type(L, -2) == LUA_TNUMBER ? lua_tonumber(L, -2) : 0;
    if (!(key >= 1 && key <= (lua_Number)size) || key != (lua_Number)(size_t)key) {
      lua_pop(L, 2);
      return false;
    }
    count++;
  }
  return count == size;
}

static const char HOLE[] = "an array with a hole or with names cannot be sent";

static pe_rule write_array(writer *w, int table, size_t size, int depth) {
  pe_rule rule;

  /* Each element takes two bytes at least: a long array is not looked through to say that it does not fit. */
  if (size > (w->out->ceiling - w->out->size) / 2 + 1) return PE_RULE_TOO_LARGE;
  if (!is_array(w->L, table, size)) return refuse(w, PE_RULE_UNSENDABLE, HOLE);
  rule = write_byte(w, '[');
  for (size_t i = 1; i <= size && rule == PE_RULE_NONE; i++) {
    if (i > 1) rule = write_byte(w, ',');
    if (rule != PE_RULE_NONE) break;
    lua_rawgeti(w->L, table, (int)i);
    rule = write_value(w, lua_gettop(w->L), depth);
    if (rule == PE_RULE_NONE) lua_pop(w->L, 1);
  }
  return rule != PE_RULE_NONE ? rule : write_byte(w, ']');
}

/* Appends the name at `key` of `table`. `names`: those of the table that were repaired. */
static pe_rule write_name(writer *w, int table, int key, int names) {
  pe_rule rule;

  if (!(w->how & PE_JSON_REPAIR)) return write_text(w, key);
  if (!pe_lua_names_push(w->L, table, 0, key, names)) return refuse(w, PE_RULE_NAME, "a name inside is " PE_NAME_TWICE);
  rule = write_text(w, lua_gettop(w->L));
  lua_pop(w->L, 1);
  return rule;
}

static pe_rule write_key(writer *w, int table, int key, int names, bool first) {
  pe_rule rule = PE_RULE_NONE;
  int type = lua_type(w->L, key);

  if (type == LUA_TNUMBER) return refuse(w, PE_RULE_UNSENDABLE, HOLE);
  if (type != LUA_TSTRING) return PE_RULE_NAME;
  if (!first) rule = write_byte(w, ',');
  if (rule == PE_RULE_NONE) rule = write_name(w, table, key, names);
  return rule != PE_RULE_NONE ? rule : write_byte(w, ':');
}

static pe_rule write_object(writer *w, int table, int depth) {
  lua_State *L = w->L;
  pe_rule rule = write_byte(w, '{');
  bool first = true;
  int names;

  if (rule != PE_RULE_NONE) return rule;
  lua_pushnil(L);
  names = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
    int value = lua_gettop(L);
    rule = write_key(w, table, value - 1, names, first);
    if (rule == PE_RULE_NONE) rule = write_value(w, value, depth);
    if (rule != PE_RULE_NONE) return rule;
    first = false;
  }
  lua_pop(L, 1);
  return write_byte(w, '}');
}

static bool is_empty(lua_State *L, int table) {
  lua_pushnil(L);
  if (!lua_next(L, table)) return true;
  lua_pop(L, 2);
  return false;
}

bool pe_lua_json_is_array(lua_State *L, pe_lua_markers *markers, int index) {
  switch (lua_type(L, index)) {
  case LUA_TTABLE:
    if (pe_lua_rawlen(L, index) > 0) return true;
    return is_empty(L, index) && pe_lua_marker_is_array(pe_lua_marker_of(L, markers, index));
  case LUA_TLIGHTUSERDATA:
  case LUA_TUSERDATA: return pe_lua_marker_is_array(pe_lua_marker_of(L, markers, index));
  default: return false;
  }
}

/* It may be an array, or another library's null. */
static pe_rule write_empty(writer *w, int table) {
  switch (pe_lua_marker_of(w->L, w->markers, table)) {
  case PE_MARKER_FOREIGN: return refuse_foreign(w, table);
  case PE_MARKER_ARRAY:
  case PE_MARKER_EMPTY_ARRAY: return rule_of(PE_BUFFER_LITERAL(w->out, "[]"), PE_RULE_NONE);
  default: return rule_of(PE_BUFFER_LITERAL(w->out, "{}"), PE_RULE_NONE);
  }
}

/* Whether a table that has something in it is what it says of itself. An array of lua-cjson's is known by identity, for
 * which one with items need not be looked at. */
static pe_rule check_marker(writer *w, int table, size_t size) {
  lua_State *L = w->L;
  pe_lua_marker marker;

  if (!lua_getmetatable(L, table)) return PE_RULE_NONE;
  lua_pop(L, 1);
  marker = size > 0 ? pe_lua_marker_said(L, table) : pe_lua_marker_of(L, w->markers, table);
  if (marker == PE_MARKER_FOREIGN) return refuse_foreign(w, table);
  if (marker == PE_MARKER_ARRAY && size == 0)
    return refuse(w, PE_RULE_UNSENDABLE, "a table with names that says it is an array cannot be sent");
  if (marker == PE_MARKER_OBJECT && size > 0)
    return refuse(w, PE_RULE_UNSENDABLE, "a table with items that says it is an object cannot be sent");
  return PE_RULE_NONE;
}

static pe_rule write_table(writer *w, int table, int depth) {
  size_t size = pe_lua_rawlen(w->L, table);
  pe_rule rule;

  if (depth >= PE_EVENT_MAX_DEPTH) return PE_RULE_DEPTH;
  luaL_checkstack(w->L, 8, "event");
  if (size == 0 && is_empty(w->L, table)) return write_empty(w, table);
  rule = check_marker(w, table, size);
  if (rule != PE_RULE_NONE) return rule;
  return size > 0 ? write_array(w, table, size, depth + 1) : write_object(w, table, depth + 1);
}

/* lua-cjson's empty array is one. */
static pe_rule write_userdata(writer *w, int index) {
  if (!pe_lua_marker_is_array(pe_lua_marker_of(w->L, w->markers, index))) return refuse_type(w, index);
  return rule_of(PE_BUFFER_LITERAL(w->out, "[]"), PE_RULE_NONE);
}

/* Leaves the stack as it was when all is well; on a problem the caller cuts it back. */
static pe_rule write_value(writer *w, int index, int depth) {
  lua_State *L = w->L;
  switch (lua_type(L, index)) {
  case LUA_TSTRING: return write_text(w, index);
  case LUA_TNUMBER: return write_number(w, index);
  case LUA_TBOOLEAN:
    return rule_of(lua_toboolean(L, index) ? PE_BUFFER_LITERAL(w->out, "true") : PE_BUFFER_LITERAL(w->out, "false"),
                   PE_RULE_NONE);
  case LUA_TTABLE: return write_table(w, index, depth);
  case LUA_TLIGHTUSERDATA:
    if (pe_lua_is_null(L, index)) return rule_of(PE_BUFFER_LITERAL(w->out, "null"), PE_RULE_NONE);
    return write_userdata(w, index);
  case LUA_TUSERDATA: return write_userdata(w, index);
  default: return refuse_type(w, index);
  }
}

pe_rule pe_lua_json_write(lua_State *L, int index, pe_buffer *out, unsigned how, pe_lua_markers *markers,
                          const char **why) {
  writer w = {.L = L, .out = out, .how = how, .markers = markers};
  pe_rule rule = write_value(&w, index, 0);
  *why = w.why ? w.why : pe_lua_json_explain(rule);
  return rule;
}
