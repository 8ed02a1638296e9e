#include "lua/lua_complete.h"

#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "event/date.h"

/* An id is made up for the attribute that the user named; with definitions, where the event has it as text. */
void pe_lua_complete_choose_id(pe_lua_writer *w) {
  const char *name = w->rules->id_name;
  const pe_attribute *attribute;
  size_t place;

  if (!w->definition) {
    w->fill_id = w->rules->fill_id;
    return;
  }
  attribute = pe_definition_find(w->definition, name, strlen(name), &place);
  w->fill_id = attribute && attribute->type == PE_TYPE_TEXT;
}

/* Writes what the event was to have, and the definition may ask for. */
static void add(pe_lua_writer *w, const char *name, const char *text) {
  size_t place;
  pe_lua_writer_set_name(w, name, strlen(name));
  pe_lua_writer_add_text(w, text);
  if (w->definition && pe_definition_find(w->definition, w->name, w->name_size, &place)) pe_seen_add(&w->seen, place);
}

/* The stamp and the time in the id are one moment: that of the acceptance. */
static int64_t accepted_at(pe_lua_writer *w) {
  if (w->now == 0) w->now = pe_clock_wall();
  return w->now;
}

static void write_stamp(pe_lua_writer *w) {
  char text[PE_DATE_SIZE + 1];
  if (pe_date_write(text, accepted_at(w) / PE_SECOND)) add(w, PE_EVENT_TIME, text);
}

static void make_id(pe_lua_writer *w) {
  char id[PE_UUID_LENGTH + 1];
  pe_random_uuid7(id, accepted_at(w));
  add(w, w->rules->id_name, id);
  lua_pushstring(w->L, id);
  lua_replace(w->L, w->id);
}

void pe_lua_complete_write(pe_lua_writer *w) {
  if (w->rules->stamp && !w->has_time && !w->too_large) write_stamp(w);
  if (w->fill_id && !w->has_id && !w->too_large && !w->no_memory) make_id(w);
}

void pe_lua_complete_check(pe_lua_writer *w) {
  size_t count;

  if (!w->definition || w->rules->validation == PE_VALIDATE_OFF) return;
  if (pe_definition_is_complete(w->definition, &w->seen)) return;
  count = pe_definition_count(w->definition);
  for (size_t i = 0; i < count; i++) {
    const pe_attribute *attribute = pe_definition_attribute(w->definition, i);
    if (!attribute->required || pe_seen_has(&w->seen, i)) continue;
    pe_lua_writer_set_name(w, attribute->name.bytes, attribute->name.size);
    pe_lua_writer_add_problem(w, PE_RULE_MISSING, "missing");
  }
}
