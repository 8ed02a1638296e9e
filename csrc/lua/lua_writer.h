/* One pass over one event: what is known of it, what is in hand, what was written, what is wrong. lua_event.c makes the
 * pass, lua_complete.c and lua_judge.c have a part in it. The owner's thread. */
#ifndef PE_LUA_WRITER_H
#define PE_LUA_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buffer.h"
#include "event/definition.h"
#include "event/rule.h"
#include "lua/lua_compat.h"
#include "lua/lua_json.h"
#include "lua/lua_rules.h"

#define PE_EVENT_NAME "event_name"
#define PE_EVENT_TIME "eventDateTime"

typedef struct pe_lua_writer {
  lua_State *L;
  pe_buffer *out;
  const pe_lua_event_rules *rules;
  const pe_definition *definition; /* NULL: the event has none, and nothing but JSON is asked of it */
  bool fill_id;                    /* of this event */
  const char *name;                /* the attribute in hand; a Lua string that the stack keeps */
  size_t name_size;
  pe_seen seen;  /* the definition's attributes that were given */
  bool has_time; /* an eventDateTime was given */
  int own_event; /* stack index of the event where it is ours to complete; 0: it is the caller's */
  int id;        /* stack index of the event's id as it is written, text; nil until there is one */
  bool has_id;   /* an id was given, be it one that is no text */
  int64_t now;   /* wall clock; 0: nobody has asked yet */
  size_t value;  /* where in `out` the last value begins */
  size_t id_name_size;
  int problems; /* stack index of the list; holds nil until there is a problem */
  int names;    /* stack index of the names that were repaired (lua_names.h) */
  int problem_count;
  bool refused; /* one of the problems is not a matter of validation */
  bool too_large;
  bool no_memory;
  pe_lua_markers *markers; /* of this event */
} pe_lua_writer;

/* Takes an attribute in hand. The name is a text that stays. */
static inline void pe_lua_writer_set_name(pe_lua_writer *w, const char *name, size_t size) {
  w->name = name;
  w->name_size = size;
}

static inline bool pe_lua_writer_is_named(const pe_lua_writer *w, const char *name, size_t size) {
  return w->name_size == size && memcmp(w->name, name, size) == 0;
}

/* What an error of the body is for an event. */
static inline pe_rule pe_lua_writer_rule_of(pe_error error) {
  if (error == PE_OK) return PE_RULE_NONE;
  return error == PE_TOO_LARGE ? PE_RULE_TOO_LARGE : PE_RULE_NO_MEMORY;
}

/* Appends what stands in front of a value: a comma, the name, a colon. `attribute` is the definition's, or NULL. */
static inline pe_rule pe_lua_writer_add_name(pe_lua_writer *w, const pe_attribute *attribute) {
  pe_rule rule = PE_RULE_NONE;

  if (w->out->size > 1) rule = pe_lua_writer_rule_of(pe_buffer_append_byte(w->out, ','));
  if (rule != PE_RULE_NONE) return rule;
  if (attribute && attribute->json.size > 0)
    return pe_lua_writer_rule_of(pe_buffer_append(w->out, attribute->json.bytes, attribute->json.size));
  rule = pe_lua_json_write_text(w->out, w->name, w->name_size);
  return rule != PE_RULE_NONE ? rule : pe_lua_writer_rule_of(pe_buffer_append_byte(w->out, ':'));
}

/* Whether another problem would be told: what explains it may cost something. */
bool pe_lua_writer_tells(const pe_lua_writer *w);

/* Notes a problem with the attribute in hand. May raise Lua's memory error. */
void pe_lua_writer_add_problem(pe_lua_writer *w, pe_rule rule, const char *explanation);

/* Appends the attribute in hand with a text of ours, and stores it in the event where that is a copy. On a problem,
 * which is noted, the body is as it was before. May raise Lua's memory error. */
void pe_lua_writer_add_text(pe_lua_writer *w, const char *text);

#endif
