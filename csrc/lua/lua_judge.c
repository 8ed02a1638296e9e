#include "lua/lua_judge.h"

#include <stdio.h>

enum { EXPLANATION_CEILING = 400 };

void pe_lua_judge_add_problem(pe_lua_writer *w, const pe_attribute *attribute, pe_rule rule, const pe_value *value) {
  char bytes[EXPLANATION_CEILING];
  pe_buffer text = {bytes, 0, sizeof bytes - 1, sizeof bytes - 1}; /* on the stack: it never grows */

  pe_attribute_explain(attribute, rule, value, &text);
  bytes[text.size] = '\0';
  pe_lua_writer_add_problem(w, rule, bytes);
}

/* ", did you mean hotel_name?" */
static void add_unknown(pe_lua_writer *w, pe_rule rule, const char *what, const pe_text *nearest) {
  char text[128];
  if (nearest && nearest->size < 64)
    (void)snprintf(text, sizeof text, "%s, did you mean %.*s?", what, (int)nearest->size, nearest->bytes);
  else
    (void)snprintf(text, sizeof text, "%s", what);
  pe_lua_writer_add_problem(w, rule, text);
}

/* The nearest name is looked for only where it will be told. */
static void add_unknown_attribute(pe_lua_writer *w) {
  const pe_text *nearest = NULL;
  if (pe_lua_writer_tells(w)) nearest = pe_definition_nearest(w->definition, w->name, w->name_size);
  add_unknown(w, PE_RULE_UNKNOWN, "unknown attribute", nearest);
}

static void check_value(pe_lua_writer *w, const pe_attribute *attribute, const pe_value *value) {
  pe_rule rule;

  if (!pe_value_is_given(value, attribute->required)) return; /* "missing", in the end, where it is required */
  rule = pe_attribute_check(attribute, value);
  if (rule != PE_RULE_NONE) pe_lua_judge_add_problem(w, attribute, rule, value);
}

/* Whether the event is held to its definition. */
static bool is_checked(const pe_lua_writer *w) {
  return w->definition && w->rules->validation != PE_VALIDATE_OFF;
}

/* Checks the attribute in hand by the platform's own rule, about which `validation` does not decide. `attribute` is the
 * definition's, or NULL. Returns false where it breaks the rule, and that was noted. */
static bool check_standard(pe_lua_writer *w, const pe_attribute *standard, const pe_attribute *attribute,
                           const pe_value *value) {
  pe_attribute rule = *standard;
  int before = w->problem_count;

  /* begin_event has looked at that one */
  if (pe_lua_writer_is_named(w, PE_EVENT_NAME, sizeof PE_EVENT_NAME - 1)) return true;
  rule.sensitive = attribute && attribute->sensitive;
  check_value(w, &rule, value);
  if (w->problem_count == before) return true;
  w->refused = true;
  return false;
}

void pe_lua_judge_written(pe_lua_writer *w, const pe_attribute *standard, const pe_attribute *attribute, size_t place,
                          const pe_value *value) {
  if (standard && !check_standard(w, standard, attribute, value)) {
    if (attribute) pe_seen_add(&w->seen, place); /* an empty text is not said to be missing, too */
    return;
  }
  if (!is_checked(w)) return;
  if (attribute)
    check_value(w, attribute, value);
  else if (!standard && !w->rules->allow_unknown_attributes)
    add_unknown_attribute(w);
}

void pe_lua_judge_replaced(pe_lua_writer *w, const pe_attribute *attribute, const pe_value *value) {
  if (value->kind != PE_KIND_TEXT || !attribute || !attribute->required || !is_checked(w)) return;
  pe_lua_writer_add_problem(w, PE_RULE_MISSING, "missing");
}

void pe_lua_judge_find_definition(pe_lua_writer *w, const char *name, size_t size) {
  const pe_lua_event_rules *rules = w->rules;
  w->definition = pe_definitions_find(rules->definitions, name, size);
  if (w->definition || rules->allow_unknown_events || rules->validation == PE_VALIDATE_OFF) return;
  add_unknown(w, PE_RULE_UNKNOWN_EVENT, "unknown event", pe_definitions_nearest(rules->definitions, name, size));
}
