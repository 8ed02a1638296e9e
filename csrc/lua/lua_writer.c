#include "lua/lua_writer.h"

#include <string.h>

#include "lua/lua_problems.h"

enum { MAX_PROBLEMS = 100 /* that are told; no event of the platform has so many */ };

bool pe_lua_writer_tells(const pe_lua_writer *w) {
  return w->problem_count < MAX_PROBLEMS;
}

void pe_lua_writer_add_problem(pe_lua_writer *w, pe_rule rule, const char *explanation) {
  if (rule == PE_RULE_NO_MEMORY) {
    w->no_memory = true;
    return;
  }
  w->too_large = w->too_large || rule == PE_RULE_TOO_LARGE;
  w->refused = w->refused || !pe_rule_is_definitions(rule) || w->rules->validation == PE_VALIDATE_STRICT;
  if (++w->problem_count > MAX_PROBLEMS) return;
  pe_lua_problems_add(w->L, w->problems, w->name, w->name_size, rule, explanation);
}

/* Stores a text of ours in the event, where that is a copy. */
static void store_text(pe_lua_writer *w, const char *text) {
  if (w->own_event == 0) return;
  lua_pushlstring(w->L, w->name, w->name_size);
  lua_pushstring(w->L, text);
  lua_rawset(w->L, w->own_event);
}

void pe_lua_writer_add_text(pe_lua_writer *w, const char *text) {
  size_t start = w->out->size;
  pe_rule rule;

  rule = pe_lua_writer_add_name(w, NULL);
  if (rule == PE_RULE_NONE) rule = pe_lua_json_write_text(w->out, text, strlen(text));
  if (rule != PE_RULE_NONE) {
    w->out->size = start;
    pe_lua_writer_add_problem(w, rule, pe_lua_json_explain(rule));
    return;
  }
  store_text(w, text);
}
