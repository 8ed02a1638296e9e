/* Definitions made from the input: what was added is found, values are judged by their type, explanations stay in their
 * buffer and never tell a sensitive value. The input is lines; the first byte of each says what it is:
 *   eNAME uNAME    an event, published or not
 *   aTFNAME        an attribute: its type ('0' and on, as in pe_type), its flags (1 required, 2 sensitive, 3 both)
 *   vTEXT rREGEX   a value of that attribute, and its pattern
 *   tTEXT nNUMBER  a value to check against every attribute
 * and any other line is a name to look up. */
#include "event/definition.h"

#include <jansson.h>
#include <math.h>

#include "event/similar.h"
#include "fuzz.h"

enum { MAX_EVENTS = 32, MAX_VALUES = 16, EXPLANATION = 399 };
enum { MAX_REGEXES = 8, MAX_CHECKED = 8, MAX_CHECKS = 100, MAX_NEAREST = 4 }; /* of one input: it is to be quick */

/* What was added, as we remember it. The texts are the input's. */
typedef struct event {
  pe_text name;
  bool published;
  const pe_definition *made;
  size_t count;
  pe_text names[PE_MAX_ATTRIBUTES];
} event;

static struct {
  pe_definitions *definitions;
  pe_definition *last;
  event events[MAX_EVENTS];
  size_t count;
  bool has_pending; /* an attribute that is still being read */
  pe_attribute pending;
  pe_text values[MAX_VALUES];
  int regexes, checked_values, checks, nearest;
} model;

static bool same_text(pe_text a, pe_text b) {
  return a.size == b.size && memcmp(a.bytes, b.bytes, a.size) == 0;
}

static bool is_utf8(pe_text text) {
  json_t *string = json_stringn(text.bytes, text.size);
  json_decref(string);
  return string != NULL;
}

/* ---- building ---- */

/* Adds the attribute from blocks that are freed at once: what is kept must be a copy. */
static void add_pending(void) {
  pe_text values[MAX_VALUES];
  pe_attribute given = model.pending;
  event *last = &model.events[model.count - 1];
  pe_error error;

  if (!model.has_pending) return;
  model.has_pending = false;
  given.name.bytes = fuzz_copy(given.name.bytes, given.name.size);
  given.values = values;
  for (size_t i = 0; i < given.value_count; i++)
    values[i] = (pe_text){fuzz_copy(model.values[i].bytes, model.values[i].size), model.values[i].size};
  error = pe_definition_add(model.last, &given);
  CLAIM(error == (last->count < PE_MAX_ATTRIBUTES ? PE_OK : PE_TOO_LARGE));
  if (!error) last->names[last->count++] = model.pending.name;
  for (size_t i = 0; i < given.value_count; i++)
    free((char *)values[i].bytes);
  free((char *)given.name.bytes);
}

static void add_event(pe_text name, bool published) {
  char *copy;

  if (model.count > 0) add_pending();
  if (model.count == MAX_EVENTS) return;
  copy = fuzz_copy(name.bytes, name.size);
  model.last = pe_definitions_add(model.definitions, (pe_text){copy, name.size}, published);
  free(copy);
  CLAIM(model.last);
  model.events[model.count++] = (event){.name = name, .published = published, .made = model.last};
}

static void begin_attribute(pe_text line) {
  if (model.count == 0 || line.size < 2) return;
  add_pending();
  model.has_pending = true;
  model.pending = (pe_attribute){.name = {line.bytes + 2, line.size - 2},
                                 .type = (pe_type)((unsigned char)(line.bytes[0] - '0') % (PE_TYPE_ANY + 1)),
                                 .required = line.bytes[1] & 1,
                                 .sensitive = line.bytes[1] & 2};
}

static void set_regex(pe_text pattern) {
  const char *why = NULL;
  char *copy, text[120];

  if (!model.has_pending || model.pending.regex || model.regexes++ == MAX_REGEXES) return;
  copy = fuzz_copy(pattern.bytes, pattern.size);
  model.pending.regex = pe_regex_new(copy, pattern.size, text, &why);
  CLAIM(model.pending.regex || (why && *why));
  free(copy);
}

static void build(char kind, pe_text rest) {
  switch (kind) {
  case 'e':
  case 'u': add_event(rest, kind == 'e'); break;
  case 'a': begin_attribute(rest); break;
  case 'r': set_regex(rest); break;
  case 'v':
    if (model.has_pending && model.pending.value_count < MAX_VALUES) model.values[model.pending.value_count++] = rest;
    break;
  default: break;
  }
}

/* ---- looking up ---- */

static size_t most_wrong(pe_text name) {
  return name.size < 9 ? name.size / 3 : 3;
}

/* No `candidate` that is near enough to `name` is nearer than `nearest`. */
static void check_near(pe_text name, const pe_text *nearest, pe_text candidate) {
  size_t limit = most_wrong(name);
  size_t distance = pe_similar_distance(name.bytes, name.size, candidate.bytes, candidate.size, limit);
  if (distance > limit) return;
  CLAIM(nearest);
  CLAIM(pe_similar_distance(name.bytes, name.size, nearest->bytes, nearest->size, limit) <= distance);
}

static void check_nearest(pe_text name) {
  const pe_text *nearest;
  const event *last;

  if (model.count == 0 || model.nearest++ >= MAX_NEAREST) return;
  last = &model.events[model.count - 1];
  nearest = pe_definitions_nearest(model.definitions, name.bytes, name.size);
  for (size_t i = 0; i < model.count; i++)
    check_near(name, nearest, model.events[i].name);
  nearest = pe_definition_nearest(last->made, name.bytes, name.size);
  for (size_t i = 0; i < last->count; i++)
    check_near(name, nearest, last->names[i]);
}

static void look_up_attribute(const event *in, pe_text name) {
  size_t place = SIZE_MAX, first = 0;
  const pe_attribute *found = pe_definition_find(in->made, name.bytes, name.size, &place);

  while (first < in->count && !same_text(in->names[first], name))
    first++;
  CLAIM(!found == (first == in->count));
  if (found) CLAIM(place == first && found == pe_definition_attribute(in->made, first));
  if (found) CLAIM(same_text(found->name, name));
}

static void look_up(pe_text line) {
  pe_text name = {fuzz_copy(line.bytes, line.size), line.size};
  const pe_definition *found = pe_definitions_find(model.definitions, name.bytes, name.size);
  size_t first = 0;

  while (first < model.count && !same_text(model.events[first].name, name))
    first++;
  CLAIM(found == (first < model.count ? model.events[first].made : NULL));
  for (size_t i = 0; i < model.count; i++)
    look_up_attribute(&model.events[i], name);
  check_nearest(name);
  free((char *)name.bytes);
}

/* The name as JSON, with its colon, as jansson would write it; nothing where jansson would not. */
static void check_json(const pe_attribute *attribute) {
  json_t *expected = json_stringn(attribute->name.bytes, attribute->name.size);
  json_t *read = NULL;

  CLAIM(!expected == (attribute->json.size == 0));
  if (!expected) return;
  CLAIM(attribute->json.bytes[attribute->json.size - 1] == ':');
  read = json_loadb(attribute->json.bytes, attribute->json.size - 1, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
  CLAIM(read && json_equal(read, expected));
  json_decref(read);
  json_decref(expected);
}

/* Complete with all of its required attributes, and with none of them less. */
static void check_complete(const event *in) {
  pe_seen seen = {{0}};
  for (size_t i = 0; i < in->count; i++)
    if (pe_definition_attribute(in->made, i)->required) {
      CLAIM(!pe_definition_is_complete(in->made, &seen));
      pe_seen_add(&seen, i);
    }
  CLAIM(pe_definition_is_complete(in->made, &seen));
}

/* All that was added is there. */
static void check_all(void) {
  for (size_t i = 0; i < model.count; i++) {
    const event *in = &model.events[i];
    CLAIM(pe_definition_count(in->made) == in->count);
    CLAIM(pe_definition_published(in->made) == in->published);
    CLAIM(same_text(*pe_definition_name(in->made), in->name));
    for (size_t k = 0; k < in->count; k++) {
      CLAIM(same_text(pe_definition_attribute(in->made, k)->name, in->names[k]));
      check_json(pe_definition_attribute(in->made, k));
    }
    check_complete(in);
    look_up(in->name);
    if (in->count > 0) look_up(in->names[in->count - 1]);
  }
}

/* ---- checking ---- */

/* What is printed: no control character, and UTF-8 where the definition's own values are. */
static void check_printable(const pe_attribute *attribute, pe_text text) {
  for (size_t i = 0; i < text.size; i++)
    CLAIM((unsigned char)text.bytes[i] >= ' ' && text.bytes[i] != 0x7f);
  for (size_t i = 0; i < attribute->value_count; i++)
    if (!is_utf8(attribute->values[i])) return;
  CLAIM(is_utf8(text));
}

/* Returns the explanation in a block that ends where the ceiling is; for the caller to free. */
static pe_text explain(const pe_attribute *attribute, pe_rule rule, const pe_value *value, size_t ceiling) {
  pe_buffer out = {malloc(ceiling + (ceiling == 0)), 0, ceiling, ceiling};
  const char *block = out.data;

  if (!block) abort();
  pe_attribute_explain(attribute, rule, value, &out);
  CLAIM(out.data == block && out.size <= ceiling);
  return (pe_text){out.data, out.size};
}

static void check_explanations(const pe_attribute *attribute, pe_rule rule, const pe_value *value) {
  const pe_value other = {value->kind, {"0", 1}, 3e15};
  pe_text full = explain(attribute, rule, value, EXPLANATION);
  pe_text part;

  CLAIM(full.size > 0);
  part = explain(attribute, rule, value, full.size - 1 - (size_t)model.checks % full.size);
  check_printable(attribute, full);
  check_printable(attribute, part);
  free((char *)part.bytes);
  if (attribute->sensitive) { /* whatever the value is, the words are the same */
    part = explain(attribute, rule, &other, EXPLANATION);
    CLAIM(same_text(full, part));
    free((char *)part.bytes);
  }
  free((char *)full.bytes);
}

/* The rules that a value of the kind can break, besides that of its type. */
static bool is_possible(const pe_attribute *attribute, const pe_value *value, pe_rule rule) {
  bool text = value->kind == PE_KIND_TEXT, number = value->kind == PE_KIND_NUMBER;
  switch (rule) {
  case PE_RULE_NONE: return true;
  case PE_RULE_ENUM: return text && attribute->type == PE_TYPE_ENUM;
  case PE_RULE_DATE: return (text || number) && attribute->type == PE_TYPE_DATE;
  case PE_RULE_REGEX: return text && attribute->type == PE_TYPE_TEXT && attribute->regex;
  case PE_RULE_CUSTOMER: return text && attribute->type >= PE_TYPE_CUSTOMER && attribute->type <= PE_TYPE_EMAIL;
  case PE_RULE_TYPE:
    switch (attribute->type) {
    case PE_TYPE_DOUBLE: return !number;
    case PE_TYPE_INTEGER: return !number || fmod(value->number, 1) != 0;
    case PE_TYPE_BOOLEAN: return value->kind != PE_KIND_BOOLEAN;
    case PE_TYPE_OBJECT: return value->kind != PE_KIND_OBJECT;
    case PE_TYPE_ANY: return false;
    case PE_TYPE_DATE: return !text && !number;
    default: return !text;
    }
  default: return false;
  }
}

static void check_value(const pe_attribute *attribute, const pe_value *value) {
  pe_rule rule;
  bool listed = false;

  if (model.checks++ >= MAX_CHECKS) return;
  rule = pe_attribute_check(attribute, value);
  CLAIM(is_possible(attribute, value, rule));
  if (attribute->type == PE_TYPE_ENUM && value->kind == PE_KIND_TEXT) {
    for (size_t i = 0; i < attribute->value_count; i++)
      listed = listed || same_text(attribute->values[i], value->text);
    CLAIM(listed == (rule == PE_RULE_NONE));
  }
  check_explanations(attribute, rule == PE_RULE_NONE ? PE_RULE_MISSING : rule, value);
}

/* Against the attributes that every event may have, and all the others. */
static void check_everywhere(const pe_value *value) {
  static const char *const standard[] = {"event_name", "eventDateTime", "storeUnitID", "orgResolver"};
  if (model.checked_values++ >= MAX_CHECKED) return;
  for (size_t i = 0; i < sizeof standard / sizeof *standard; i++)
    check_value(pe_definition_standard(standard[i], strlen(standard[i])), value);
  for (size_t i = 0; i < model.count; i++)
    for (size_t k = 0; k < model.events[i].count; k++)
      check_value(pe_definition_attribute(model.events[i].made, k), value);
}

static void check_text(pe_text text) {
  pe_value value = {.kind = PE_KIND_TEXT};
  if (!is_utf8(text)) return; /* such a value never comes so far */
  value.text = (pe_text){fuzz_copy(text.bytes, text.size), text.size};
  check_everywhere(&value);
  free((char *)value.text.bytes);
}

static void check_number(pe_text text) {
  char digits[32] = "";
  pe_value value = {.kind = PE_KIND_NUMBER};
  memcpy(digits, text.bytes, text.size < sizeof digits ? text.size : sizeof digits - 1);
  value.number = strtod(digits, NULL);
  if (isfinite(value.number)) check_everywhere(&value);
}

static void use(char kind, pe_text rest) {
  switch (kind) {
  case 'e':
  case 'u':
  case 'a':
  case 'v':
  case 'r': break;
  case 't': check_text(rest); break;
  case 'n': check_number(rest); break;
  default: look_up((pe_text){rest.bytes - 1, rest.size + 1});
  }
}

/* ---- the input ---- */

static void for_each_line(const char *at, const char *end, void (*take)(char kind, pe_text rest)) {
  while (at < end) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    if (!stop) stop = end;
    if (stop > at) take(*at, (pe_text){at + 1, (size_t)(stop - at) - 1});
    at = stop + 1;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const pe_kind others[] = {PE_KIND_BOOLEAN, PE_KIND_ARRAY, PE_KIND_OBJECT, PE_KIND_OTHER};
  const char *at = (const char *)data;

  if (size == 0) return 0;
  memset(&model, 0, sizeof model);
  model.definitions = pe_definitions_new();
  CLAIM(model.definitions);
  for_each_line(at, at + size, build);
  if (model.count > 0) add_pending();
  CLAIM(pe_definitions_finish(model.definitions) == PE_OK);
  check_all();
  for_each_line(at, at + size, use);
  model.checked_values = 0;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    check_everywhere(&(pe_value){.kind = others[i]});
  pe_definitions_free(model.definitions);
  return 0;
}
