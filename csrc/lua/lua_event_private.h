/* What lua_event.c and lua_complete.c have in common: one pass over one event. For these two alone. */
#ifndef PE_LUA_EVENT_PRIVATE_H
#define PE_LUA_EVENT_PRIVATE_H

#include "lua/lua_event.h"

#define PE_EVENT_NAME "event_name"
#define PE_EVENT_TIME "eventDateTime"

/* One pass over one event. */
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
  int id;        /* stack index of the value that the id attribute was given; holds nil until it is met */
  size_t id_name_size;
  int problems; /* stack index of the list; holds nil until there is a problem */
  int problem_count;
  bool refused; /* one of the problems is not a matter of validation */
  bool too_large;
  bool no_memory;
} pe_lua_writer;

/* ---- of lua_event.c ---- */

/* Takes an attribute in hand. */
static inline void pe_lua_writer_set_name(pe_lua_writer *w, const char *name, size_t size) {
  w->name = name;
  w->name_size = size;
}

/* Notes a problem with the attribute in hand. */
void pe_lua_writer_add_problem(pe_lua_writer *w, pe_rule rule, const char *explanation);

/* Appends the attribute in hand with a text of ours, and stores it in the event where that is a copy. On a problem,
 * which is noted, the body is as it was before. */
void pe_lua_writer_add_text(pe_lua_writer *w, const char *text);

/* ---- of lua_complete.c: what the client adds to an event ---- */

/* Before the first attribute: whether the event gets an id where it has none. */
void pe_lua_complete_choose_id(pe_lua_writer *w);

/* After the last: writes the time, where it is absent and wanted; and makes the value at w->id the event's id as text,
 * made and written here where it is absent and wanted, or nil. */
void pe_lua_complete_write(pe_lua_writer *w);

/* In the end: a problem for each attribute that the definition requires and nobody gave. */
void pe_lua_complete_check(pe_lua_writer *w);

#endif
