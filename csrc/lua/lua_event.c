#include "lua/lua_event.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "event/date.h"
#include "lua/lua_complete.h"
#include "lua/lua_json.h"
#include "lua/lua_judge.h"
#include "lua/lua_names.h"
#include "lua/lua_util.h"
#include "lua/lua_writer.h"

/* ---- one attribute ---- */

/* The value at `index` as the definition sees it. */
static void read_value(pe_lua_writer *w, int index, pe_value *value) {
  lua_State *L = w->L;

  switch (lua_type(L, index)) {
  case LUA_TSTRING:
    value->kind = PE_KIND_TEXT;
    value->text.bytes = lua_tolstring(L, index, &value->text.size);
    break;
  case LUA_TNUMBER:
    value->kind = PE_KIND_NUMBER;
    value->number = (double)lua_tonumber(L, index);
    break;
  case LUA_TBOOLEAN: value->kind = PE_KIND_BOOLEAN; break;
  case LUA_TTABLE: value->kind = pe_lua_json_is_array(L, w->markers, index) ? PE_KIND_ARRAY : PE_KIND_OBJECT; break;
  default:
    value->kind = PE_KIND_OTHER;
    if (pe_lua_is_null(L, index)) value->kind = PE_KIND_NULL;
    if (pe_lua_json_is_array(L, w->markers, index)) value->kind = PE_KIND_ARRAY;
  }
}

static bool is_id(const pe_lua_writer *w) {
  return w->name_size == w->id_name_size && w->name_size > 0 && memcmp(w->name, w->rules->id_name, w->name_size) == 0;
}

/* What is said of the event is what stands in its JSON. */
static void set_id(pe_lua_writer *w, const char *id, size_t size) {
  lua_pushlstring(w->L, id, size);
  lua_replace(w->L, w->id);
}

/* Whether no id is like it, though JSON could have it: what is said of the event would not be what was sent. */
static bool is_no_id(const pe_value *value) {
  return value->kind == PE_KIND_BOOLEAN || value->kind == PE_KIND_ARRAY || value->kind == PE_KIND_OBJECT;
}

/* The id was written as the last value, at `index`: text as it is, a number by its digits; null is none. */
static void note_id(pe_lua_writer *w, int index, const pe_value *value) {
  if (value->kind == PE_KIND_TEXT) {
    lua_pushvalue(w->L, index);
    lua_replace(w->L, w->id);
  }
  if (value->kind == PE_KIND_NUMBER) set_id(w, w->out->data + w->value, w->out->size - w->value);
}

/* Writes a number that stands for a date as the platform reads it; one that is none is refused, whatever the
 * validation: it is not what the platform takes for a date. */
static void write_time(pe_lua_writer *w, const pe_attribute *attribute, const pe_value *value) {
  const pe_attribute time = {.type = PE_TYPE_DATE, .sensitive = attribute && attribute->sensitive};
  char text[PE_DATE_SIZE + 1];

  if (fabs(value->number) < 1e15 && pe_date_write(text, (int64_t)value->number)) {
    pe_lua_writer_add_text(w, text);
    if (is_id(w)) set_id(w, text, strlen(text));
    return;
  }
  pe_lua_judge_add_problem(w, &time, PE_RULE_DATE, value);
  w->refused = true;
}

/* Appends the text at `key` + 1; *value is what was written. The event's name is not repaired: it is not what a visitor
 * sends. */
static pe_rule write_text(pe_lua_writer *w, int key, pe_value *value) {
  int index = key + 1;
  pe_rule rule = pe_lua_json_write_text(w->out, value->text.bytes, value->text.size);

  if (rule != PE_RULE_UTF8 || !w->rules->repair || pe_lua_writer_is_named(w, PE_EVENT_NAME, sizeof PE_EVENT_NAME - 1))
    return rule;
  w->out->size = w->value;
  pe_lua_names_push_repaired(w->L, index);
  lua_replace(w->L, index);
  value->text.bytes = lua_tolstring(w->L, index, &value->text.size);
  if (w->own_event != 0) {
    lua_pushvalue(w->L, key);
    lua_pushvalue(w->L, index);
    lua_rawset(w->L, w->own_event);
  }
  return pe_lua_json_write_text(w->out, value->text.bytes, value->text.size);
}

static unsigned how_to_write(const pe_lua_writer *w) {
  return (w->rules->repair ? PE_JSON_REPAIR : 0U) | (pe_lua_writer_tells(w) ? 0U : PE_JSON_BRIEF);
}

/* Appends "name": value, that at the stack's `key` + 1. Returns false on a problem that JSON has with it; `out` is then
 * as it was before. */
static bool write_json(pe_lua_writer *w, const pe_attribute *attribute, int key, pe_value *value) {
  size_t start = w->out->size;
  const char *why = NULL;
  pe_rule rule;
  int top;

  rule = pe_lua_writer_add_name(w, attribute);
  w->value = w->out->size;
  if (rule == PE_RULE_NONE && value->kind == PE_KIND_TEXT) {
    rule = write_text(w, key, value);
    if (rule == PE_RULE_NONE) return true;
    why = pe_lua_json_explain(rule);
  }
  top = lua_gettop(w->L);
  if (rule == PE_RULE_NONE)
    rule = pe_lua_json_write(w->L, key + 1, w->out, how_to_write(w), w->markers, &why);
  else if (!why)
    why = rule == PE_RULE_UTF8 ? "the name is not UTF-8" : pe_lua_json_explain(rule);
  if (rule == PE_RULE_NONE) return true;
  w->out->size = start;
  pe_lua_writer_add_problem(w, rule, why);
  lua_settop(w->L, top);
  return false;
}

/* Whether the attribute in hand is nothing, and a stamp or an id replaces it: a null, or a text that is empty as an id.
 * By that the platform would take all such events for one. */
static bool is_replaced(const pe_lua_writer *w, const pe_value *value, bool is_time) {
  bool is_null = value->kind == PE_KIND_NULL;
  bool is_empty = value->kind == PE_KIND_TEXT && value->text.size == 0;
  return (is_null && is_time && w->rules->stamp) || ((is_null || is_empty) && w->fill_id && is_id(w));
}

/* The definition's attribute of the name in hand; *place is its place there. */
static const pe_attribute *find_attribute(const pe_lua_writer *w, size_t *place) {
  return w->definition ? pe_definition_find(w->definition, w->name, w->name_size, place) : NULL;
}

/* The attribute in hand, at the stack's `key` and `key` + 1. `common`: it is one of the client's own, which go only
 * where the definition has them. What it leaves on the stack is the caller's to cut. */
static void write_attribute(pe_lua_writer *w, int key, bool common) {
  const pe_attribute *attribute, *standard;
  size_t place = PE_MAX_ATTRIBUTES;
  pe_value value;
  bool is_time;

  read_value(w, key + 1, &value);
  attribute = find_attribute(w, &place);
  standard = pe_definition_standard(w->name, w->name_size);
  if (!attribute && !standard && common && w->definition) return;
  is_time = pe_lua_writer_is_named(w, PE_EVENT_TIME, sizeof PE_EVENT_TIME - 1);
  if (is_replaced(w, &value, is_time)) {
    pe_lua_judge_replaced(w, attribute, &value);
    return;
  }
  if (is_id(w) && value.kind != PE_KIND_NULL) w->has_id = true;
  w->has_time = w->has_time || (is_time && value.kind != PE_KIND_NULL);
  if (attribute && pe_value_is_given(&value, attribute->required)) pe_seen_add(&w->seen, place);
  if (value.kind == PE_KIND_NUMBER && (is_time || (attribute && !standard && attribute->type == PE_TYPE_DATE))) {
    write_time(w, attribute, &value);
    return;
  }
  if (is_id(w) && is_no_id(&value)) {
    pe_lua_writer_add_problem(w, PE_RULE_UNSENDABLE, "expected text or a number: it is the event's id");
    return;
  }
  if (!write_json(w, attribute ? attribute : standard, key, &value)) return;
  if (is_id(w)) note_id(w, key + 1, &value);
  pe_lua_judge_written(w, standard, attribute, place, &value);
}

/* ---- all attributes ---- */

/* The attribute's name is a number, a boolean, ...: its problem is named after the value that it shows as. */
static void refuse_name(pe_lua_writer *w, int key) {
  if (lua_type(w->L, key) != LUA_TNUMBER || !pe_lua_push_number(w->L, key))
    lua_pushstring(w->L, luaL_typename(w->L, key));
  w->name = lua_tolstring(w->L, -1, &w->name_size);
  pe_lua_writer_add_problem(w, PE_RULE_NAME, "the name of an attribute must be text");
  lua_pop(w->L, 1);
  pe_lua_writer_set_name(w, PE_EVENT_NAME, sizeof PE_EVENT_NAME - 1); /* not a text that is gone */
}

/* Whether the event has an attribute of the name at `key` itself. */
static bool has_own(lua_State *L, int event, int key) {
  bool has;
  lua_pushvalue(L, key);
  lua_rawget(L, event);
  has = !lua_isnil(L, -1);
  lua_pop(L, 1);
  return has;
}

/* Takes the attribute at `key` of `table` in hand, by the name that it is sent under; a repaired one stays on the
 * stack. Returns false, and notes it, where that is the name of another one, be it the event's own. */
static bool take_name(pe_lua_writer *w, int table, int key, int event) {
  bool is_free = true;
  int name = key;

  if (w->rules->repair) {
    is_free = pe_lua_names_push(w->L, table, event, key, w->names);
    name = -1;
  }
  w->name = lua_tolstring(w->L, name, &w->name_size);
  if (!is_free) pe_lua_writer_add_problem(w, PE_RULE_NAME, PE_NAME_TWICE);
  return is_free;
}

/* Appends the attributes of `table`; of the common ones (`event` is not 0) those that the event does not have. */
static void write_attributes(pe_lua_writer *w, int table, int event) {
  lua_State *L = w->L;
  int key = lua_gettop(L) + 1;
  for (lua_pushnil(L); lua_next(L, table); lua_settop(L, key)) {
    if (lua_type(L, key) != LUA_TSTRING)
      refuse_name(w, key);
    else if ((event == 0 || !has_own(L, event, key)) && take_name(w, table, key, event))
      write_attribute(w, key, event != 0);
    if (w->too_large || w->no_memory) {
      lua_settop(L, key - 1);
      return;
    }
  }
}

/* ---- what every event has ---- */

/* Pushes the name of the event, or that of `common` where the event has none; null counts as absent (nil). The text
 * "event_name" is an upvalue: to look it up again costs as much as a mutex. */
static void push_event_name(lua_State *L, int event, int common) {
  lua_pushvalue(L, lua_upvalueindex(PE_EVENT_NAME_UPVALUE));
  lua_rawget(L, event);
  if (lua_isnil(L, -1) && common != 0) {
    lua_pop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(PE_EVENT_NAME_UPVALUE));
    lua_rawget(L, common);
  }
  if (pe_lua_is_null(L, -1)) {
    lua_pop(L, 1);
    lua_pushnil(L);
  }
}

/* "missing; is it what is called eventName here?": what the name of an event is called elsewhere, where it is text. */
static void add_unnamed(pe_lua_writer *w, int event) {
  static const char *const others[] = {"eventName", "EventName", "eventname", "event-name", "event.name",
                                       "event",     "Event",     "name",      "type",       "event_type"};
  const char *found = NULL;
  char text[64] = "missing";

  for (size_t i = 0; i < sizeof others / sizeof *others && !found; i++) {
    lua_pushstring(w->L, others[i]);
    lua_rawget(w->L, event);
    if (lua_type(w->L, -1) == LUA_TSTRING) found = others[i];
    lua_pop(w->L, 1);
  }
  if (found) (void)snprintf(text, sizeof text, "missing; is it what is called %s here?", found);
  pe_lua_writer_add_problem(w, PE_RULE_UNNAMED, text);
}

/* Reads the event's name, and finds its definition. */
static void begin_event(pe_lua_writer *w, int event, int common) {
  lua_State *L = w->L;
  size_t size = 0;
  const char *name;

  pe_lua_writer_set_name(w, PE_EVENT_NAME, sizeof PE_EVENT_NAME - 1);
  push_event_name(L, event, common);
  name = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &size) : NULL;
  if (lua_isnil(L, -1) || (name && size == 0))
    add_unnamed(w, event);
  else if (!name)
    pe_lua_writer_add_problem(w, PE_RULE_UNSENDABLE, "expected text");
  else if (w->rules->definitions)
    pe_lua_judge_find_definition(w, name, size);
  lua_pop(L, 1);
}

/* Writes everything. Stops early when the event is too large or memory is out. */
static void write_event(pe_lua_writer *w, int event, int common) {
  begin_event(w, event, common);
  pe_lua_complete_choose_id(w);
  if (pe_buffer_append_byte(w->out, '{') != PE_OK) w->no_memory = true;
  write_attributes(w, event, 0);
  if (w->own_event != 0) pe_lua_names_settle(w->L, event, w->names);
  if (common != 0 && !w->too_large) write_attributes(w, common, event);
  pe_lua_complete_write(w);
  pe_lua_writer_set_name(w, PE_EVENT_NAME, sizeof PE_EVENT_NAME - 1);
  if (!w->too_large && !w->no_memory) {
    pe_rule rule = pe_lua_writer_rule_of(pe_buffer_append_byte(w->out, '}'));
    if (rule != PE_RULE_NONE) pe_lua_writer_add_problem(w, rule, pe_lua_json_explain(rule));
  }
  if (!w->too_large) pe_lua_complete_check(w);
}

pe_error pe_lua_event_write(lua_State *L, int event, int common, const pe_lua_event_rules *rules, bool own,
                            pe_buffer *body, const pe_definition **definition) {
  pe_lua_markers markers;
  pe_lua_writer w = {.L = L, .out = body, .rules = rules, .own_event = own ? event : 0, .markers = &markers};

  pe_lua_markers_init(&markers);
  luaL_checkstack(L, 8, "event");
  lua_settop(L, lua_gettop(L) + 3);
  w.names = lua_gettop(L);
  w.problems = w.names - 1;
  w.id = w.names - 2;
  w.id_name_size = strlen(rules->id_name);
  write_event(&w, event, common);
  if (w.no_memory) {
    lua_settop(L, w.id - 1);
    return PE_NO_MEMORY;
  }
  lua_settop(L, w.problems);
  if (w.refused) {
    lua_remove(L, w.id);
    return w.too_large && w.problem_count == 1 ? PE_TOO_LARGE : PE_INVALID_EVENT;
  }
  *definition = w.definition;
  return PE_OK;
}
