#include "lua/lua_json.h"

#include <stdbool.h>

#include "event/json_writer.h"
#include "lua/lua_util.h"

typedef struct writer {
  lua_State *L;
  pe_buffer *out;
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

static pe_rule refuse_type(writer *w, int type) {
  lua_pushfstring(w->L, "a %s cannot be sent", lua_typename(w->L, type));
  w->why = lua_tostring(w->L, -1); /* left on the stack: it lives as long as the caller's frame */
  return PE_RULE_UNSENDABLE;
}

static pe_rule write_value(writer *w, int index, int depth);

static pe_rule write_text(writer *w, int index) {
  size_t size;
  const char *text = lua_tolstring(w->L, index, &size);
  return pe_lua_json_write_text(w->out, text, size);
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

static pe_rule write_key(writer *w, int key, bool first) {
  pe_rule rule = PE_RULE_NONE;
  int type = lua_type(w->L, key);

  if (type == LUA_TNUMBER) return refuse(w, PE_RULE_UNSENDABLE, HOLE);
  if (type != LUA_TSTRING) return PE_RULE_NAME;
  if (!first) rule = write_byte(w, ',');
  if (rule == PE_RULE_NONE) rule = write_text(w, key);
  return rule != PE_RULE_NONE ? rule : write_byte(w, ':');
}

static pe_rule write_object(writer *w, int table, int depth) {
  lua_State *L = w->L;
  pe_rule rule = write_byte(w, '{');
  bool first = true;

  if (rule != PE_RULE_NONE) return rule;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
    int value = lua_gettop(L);
    rule = write_key(w, value - 1, first);
    if (rule == PE_RULE_NONE) rule = write_value(w, value, depth);
    if (rule != PE_RULE_NONE) return rule;
    first = false;
  }
  return write_byte(w, '}');
}

static pe_rule write_table(writer *w, int table, int depth) {
  size_t size = pe_lua_rawlen(w->L, table);
  if (depth >= PE_EVENT_MAX_DEPTH) return PE_RULE_DEPTH;
  luaL_checkstack(w->L, 8, "event");
  return size > 0 ? write_array(w, table, size, depth + 1) : write_object(w, table, depth + 1);
}

/* Leaves the stack as it was when all is well; on a problem the caller cuts it back. */
static pe_rule write_value(writer *w, int index, int depth) {
  lua_State *L = w->L;
  int type = lua_type(L, index);
  switch (type) {
  case LUA_TSTRING: return write_text(w, index);
  case LUA_TNUMBER: return write_number(w, index);
  case LUA_TBOOLEAN:
    return rule_of(lua_toboolean(L, index) ? PE_BUFFER_LITERAL(w->out, "true") : PE_BUFFER_LITERAL(w->out, "false"),
                   PE_RULE_NONE);
  case LUA_TTABLE: return write_table(w, index, depth);
  case LUA_TLIGHTUSERDATA:
    if (pe_lua_is_null(L, index)) return rule_of(PE_BUFFER_LITERAL(w->out, "null"), PE_RULE_NONE);
    return refuse_type(w, type);
  default: return refuse_type(w, type);
  }
}

pe_rule pe_lua_json_write(lua_State *L, int index, pe_buffer *out, const char **why) {
  writer w = {.L = L, .out = out};
  pe_rule rule = write_value(&w, index, 0);
  *why = w.why ? w.why : pe_lua_json_explain(rule);
  return rule;
}
