#include "lua_event.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "json_writer.h"
#include "lua_util.h"
#include "random.h"

static const char EVENT_NAME[] = "event_name";
static const char EVENT_TIME[] = "eventDateTime";

/* One pass over one event. */
typedef struct writer {
  lua_State *L;
  pe_buffer *out;
  const char *attribute; /* the one being written; a Lua string that the stack keeps */
  size_t attribute_size;
  int own_event; /* stack index of the event where it is ours to complete; 0: it is the caller's */
  int problems;  /* stack index of the list; holds nil until there is a problem */
  bool too_large;
  bool no_memory;
} writer;

/* ---- problems ---- */

/* Adds { attribute, rule, message } to the list, which is made at the first problem. */
static void add_problem(writer *w, const char *rule, const char *explanation) {
  lua_State *L = w->L;

  luaL_checkstack(L, 6, "event");
  if (lua_isnil(L, w->problems)) {
    lua_newtable(L);
    lua_replace(L, w->problems);
  }
  lua_createtable(L, 0, 3);
  pe_lua_set_string(L, "attribute", w->attribute, w->attribute_size);
  pe_lua_set_string(L, "rule", rule, strlen(rule));
  pe_lua_push_printable(L, w->attribute, w->attribute_size);
  lua_pushfstring(L, "%s: %s", lua_tostring(L, -1), explanation);
  lua_setfield(L, -3, "message");
  lua_pop(L, 1);
  lua_rawseti(L, w->problems, (int)pe_lua_rawlen(L, w->problems) + 1);
}

/* A value that the JSON writer refused with `error`: PE_INVALID_EVENT means `rule`. Returns whether all is well. */
static bool note(writer *w, pe_error error, const char *rule, const char *explanation) {
  switch (error) {
  case PE_OK: return true;
  case PE_TOO_LARGE:
    w->too_large = true;
    add_problem(w, "too_large", "does not fit, the event is larger than max_event_bytes");
    break;
  case PE_NO_MEMORY: w->no_memory = true; break;
  default: add_problem(w, rule, explanation);
  }
  return false;
}

static bool refuse_type(writer *w, int type) {
  char explanation[64];
  (void)snprintf(explanation, sizeof explanation, "a %s cannot be sent", lua_typename(w->L, type));
  add_problem(w, "type", explanation);
  return false;
}

/* ---- values ---- */

static bool write_value(writer *w, int index, int depth);

static bool write_text(writer *w, int index) {
  size_t size;
  const char *text = lua_tolstring(w->L, index, &size);
  return note(w, pe_json_write_string(w->out, text, size), "utf8", "not UTF-8");
}

static bool write_byte(writer *w, char byte) {
  return note(w, pe_buffer_append_byte(w->out, byte), NULL, NULL);
}

static bool write_number(writer *w, int index) {
  static const char explanation[] = "expected a finite number";
  pe_error error;
#if LUA_VERSION_NUM >= 503
  if (lua_isinteger(w->L, index))
    error = pe_json_write_integer(w->out, (int64_t)lua_tointeger(w->L, index));
  else
#endif
    error = pe_json_write_number(w->out, (double)lua_tonumber(w->L, index));
  return note(w, error, "not_finite", explanation);
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

static bool write_array(writer *w, int table, size_t size, int depth) {
  lua_State *L = w->L;
  if (!is_array(L, table, size)) {
    add_problem(w, "type", "an array with a hole or with names cannot be sent");
    return false;
  }
  if (!write_byte(w, '[')) return false;
  for (size_t i = 1; i <= size; i++) {
    bool written;
    if (i > 1 && !write_byte(w, ',')) return false;
    lua_rawgeti(L, table, (int)i);
    written = write_value(w, lua_gettop(L), depth);
    lua_pop(L, 1);
    if (!written) return false;
  }
  return write_byte(w, ']');
}

static bool check_key(writer *w, int key) {
  int type = lua_type(w->L, key);
  if (type == LUA_TSTRING) return true;
  if (type == LUA_TNUMBER)
    add_problem(w, "type", "an array with a hole or with names cannot be sent");
  else
    add_problem(w, "name", "every name inside must be text");
  return false;
}

static bool write_object(writer *w, int table, int depth) {
  lua_State *L = w->L;
  bool first = true;

  if (!write_byte(w, '{')) return false;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
    int value = lua_gettop(L);
    if (!check_key(w, value - 1) || (!first && !write_byte(w, ',')) || !write_text(w, value - 1) ||
        !write_byte(w, ':') || !write_value(w, value, depth)) {
      lua_pop(L, 2);
      return false;
    }
    first = false;
  }
  return write_byte(w, '}');
}

static bool write_table(writer *w, int table, int depth) {
  size_t size = pe_lua_rawlen(w->L, table);
  if (depth >= PE_EVENT_MAX_DEPTH) {
    add_problem(w, "depth", "tables nest too deeply, or a table contains itself");
    return false;
  }
  luaL_checkstack(w->L, 8, "event");
  return size > 0 ? write_array(w, table, size, depth + 1) : write_object(w, table, depth + 1);
}

/* Appends the value at the absolute `index`. Returns false when there was a problem, which is noted; what was
 * appended up to then is cut off by write_attribute. */
static bool write_value(writer *w, int index, int depth) {
  lua_State *L = w->L;
  int type = lua_type(L, index);
  switch (type) {
  case LUA_TSTRING: return write_text(w, index);
  case LUA_TNUMBER: return write_number(w, index);
  case LUA_TBOOLEAN:
    return note(w, lua_toboolean(L, index) ? PE_BUFFER_LITERAL(w->out, "true") : PE_BUFFER_LITERAL(w->out, "false"),
                NULL, NULL);
  case LUA_TTABLE: return write_table(w, index, depth);
  case LUA_TLIGHTUSERDATA:
    if (pe_lua_is_null(L, index)) return note(w, PE_BUFFER_LITERAL(w->out, "null"), NULL, NULL);
    return refuse_type(w, type);
  default: return refuse_type(w, type);
  }
}

/* ---- attributes ---- */

/* Appends "name": in front of a value. */
static bool begin_attribute(writer *w) {
  if (w->out->size > 1 && !write_byte(w, ',')) return false;
  return note(w, pe_json_write_string(w->out, w->attribute, w->attribute_size), "utf8", "the name is not UTF-8") &&
         write_byte(w, ':');
}

/* Appends the attribute at the stack's `key` and `key` + 1; on a problem `out` is as it was before. */
static void write_attribute(writer *w, int key) {
  size_t start = w->out->size;
  w->attribute = lua_tolstring(w->L, key, &w->attribute_size);
  if (!begin_attribute(w) || !write_value(w, key + 1, 0)) w->out->size = start;
}

/* Appends a text attribute of our own making. */
static void write_own(writer *w, const char *name, const char *text) {
  size_t start = w->out->size;
  w->attribute = name;
  w->attribute_size = strlen(name);
  if (!begin_attribute(w) || !note(w, pe_json_write_string(w->out, text, strlen(text)), "utf8", "not UTF-8"))
    w->out->size = start;
  if (w->own_event == 0) return;
  lua_pushstring(w->L, name);
  lua_pushstring(w->L, text);
  lua_rawset(w->L, w->own_event);
}

/* Whether the value at the top, of the attribute at `key`, is a null that we replace by a stamp or an id. */
static bool is_replaced(writer *w, const pe_lua_event_rules *rules, int key) {
  const char *name;
  if (!pe_lua_is_null(w->L, key + 1)) return false;
  name = lua_tostring(w->L, key);
  return (rules->stamp && strcmp(name, EVENT_TIME) == 0) || (rules->fill_id && strcmp(name, rules->id_name) == 0);
}

/* The attribute's name is a number, a boolean, ...: its problem is named after the value that it shows as. */
static void refuse_name(writer *w, int key) {
  lua_pushvalue(w->L, key);
  if (!lua_tostring(w->L, -1)) {
    lua_pop(w->L, 1);
    lua_pushstring(w->L, luaL_typename(w->L, key));
  }
  w->attribute = lua_tolstring(w->L, -1, &w->attribute_size);
  add_problem(w, "name", "the name of an attribute must be text");
  lua_pop(w->L, 1);
}

/* Appends the attributes of `table` that `event` does not have itself (`event` 0: all of them). */
static void write_attributes(writer *w, const pe_lua_event_rules *rules, int table, int event) {
  lua_State *L = w->L;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
    int key = lua_gettop(L) - 1;
    bool shadowed = false;
    if (lua_type(L, key) != LUA_TSTRING) {
      refuse_name(w, key);
      continue;
    }
    if (event != 0) {
      lua_pushvalue(L, key);
      lua_rawget(L, event);
      shadowed = !lua_isnil(L, -1);
      lua_pop(L, 1);
    }
    if (!shadowed && !is_replaced(w, rules, key)) write_attribute(w, key);
    if (w->too_large || w->no_memory) {
      lua_pop(L, 2);
      return;
    }
  }
}

/* Pushes the attribute of the event, or of `common` where the event has none; null counts as absent (nil). */
static void push_attribute(lua_State *L, int event, int common, const char *name) {
  lua_pushstring(L, name);
  lua_rawget(L, event);
  if (lua_isnil(L, -1) && common != 0) {
    lua_pop(L, 1);
    lua_pushstring(L, name);
    lua_rawget(L, common);
  }
  if (pe_lua_is_null(L, -1)) {
    lua_pop(L, 1);
    lua_pushnil(L);
  }
}

static void check_event_name(writer *w, int event, int common) {
  lua_State *L = w->L;
  w->attribute = EVENT_NAME;
  w->attribute_size = sizeof EVENT_NAME - 1;
  push_attribute(L, event, common, EVENT_NAME);
  if (lua_isnil(L, -1) || (lua_type(L, -1) == LUA_TSTRING && pe_lua_rawlen(L, -1) == 0))
    add_problem(w, "missing", "missing");
  else if (lua_type(L, -1) != LUA_TSTRING)
    add_problem(w, "type", "expected text");
  lua_pop(L, 1);
}

static void write_stamp(writer *w, int event, int common) {
  char text[32];
  time_t now = (time_t)(pe_clock_wall() / PE_SECOND);
  struct tm utc;
  bool absent;

  push_attribute(w->L, event, common, EVENT_TIME);
  absent = lua_isnil(w->L, -1);
  lua_pop(w->L, 1);
  if (!absent || !gmtime_r(&now, &utc)) return;
  (void)strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &utc); /* digits only: no locale takes part */
  write_own(w, EVENT_TIME, text);
}

/* Pushes the event's id as text, made and written here where it is absent and wanted; or nil. */
static void write_id(writer *w, int event, int common, const pe_lua_event_rules *rules) {
  lua_State *L = w->L;
  char id[PE_UUID_LENGTH + 1];

  if (rules->id_name[0] == '\0') {
    lua_pushnil(L);
    return;
  }
  push_attribute(L, event, common, rules->id_name);
  if (lua_isnil(L, -1) && rules->fill_id) {
    pe_random_uuid7(id, pe_clock_wall());
    write_own(w, rules->id_name, id);
    lua_pop(L, 1);
    lua_pushstring(L, id);
  } else if (lua_type(L, -1) == LUA_TNUMBER) {
    (void)lua_tostring(L, -1);
  } else if (lua_type(L, -1) != LUA_TSTRING) {
    lua_pop(L, 1);
    lua_pushnil(L);
  }
}

pe_error pe_lua_event_write(lua_State *L, int event, int common, const pe_lua_event_rules *rules, bool own,
                            pe_buffer *body) {
  writer w = {.L = L, .out = body, .own_event = own ? event : 0};

  luaL_checkstack(L, 8, "event");
  lua_pushnil(L);
  w.problems = lua_gettop(L);
  check_event_name(&w, event, common);
  w.attribute = EVENT_NAME;
  w.attribute_size = sizeof EVENT_NAME - 1;
  if (write_byte(&w, '{')) write_attributes(&w, rules, event, 0);
  if (common != 0 && !w.too_large) write_attributes(&w, rules, common, event);
  if (rules->stamp && !w.too_large) write_stamp(&w, event, common);
  if (!w.too_large) write_id(&w, event, common, rules);
  if (!w.too_large) (void)write_byte(&w, '}');
  if (w.no_memory) {
    lua_settop(L, w.problems - 1);
    return PE_NO_MEMORY;
  }
  if (!lua_isnil(L, w.problems)) {
    lua_settop(L, w.problems);
    return w.too_large && pe_lua_rawlen(L, w.problems) == 1 ? PE_TOO_LARGE : PE_INVALID_EVENT;
  }
  lua_remove(L, w.problems);
  return PE_OK;
}

void pe_lua_event_push_message(lua_State *L, int problems) {
  luaL_Buffer buffer;
  int count = (int)pe_lua_rawlen(L, problems);

  luaL_buffinit(L, &buffer);
  for (int i = 1; i <= count; i++) {
    if (i > 1) luaL_addlstring(&buffer, "; ", 2);
    lua_rawgeti(L, problems, i);
    lua_getfield(L, -1, "message");
    lua_remove(L, -2);
    luaL_addvalue(&buffer);
  }
  luaL_pushresult(&buffer);
}
