#include "event/definition.h"

#include <stdlib.h>

#include "event/json_writer.h"
#include "event/similar.h"

/* ---- an index of names: open addressing, at most half full, so that a miss ends soon ---- */

typedef struct name_index {
  uint32_t *slots; /* place + 1; 0: free */
  size_t mask;
} name_index;

struct pe_definition {
  pe_text name;
  uint32_t hash;
  bool published;
  pe_attribute *attributes;
  size_t count, capacity;
  uint64_t required[PE_SEEN_WORDS]; /* a bit for each attribute */
  name_index index;
};

struct pe_definitions {
  pe_definition **events;
  size_t count, capacity;
  name_index index;
};

/* Both ends of the name, eight bytes each, and its length: names that differ in the middle alone are rare, and a
 * definition is not an attacker's. */
static uint32_t hash_name(const char *name, size_t size) {
  uint64_t head = 0, tail = 0;
  size_t part = size < sizeof head ? size : sizeof head;

  if (part == sizeof head) { /* the usual case, in two loads */
    memcpy(&head, name, sizeof head);
    memcpy(&tail, name + size - sizeof tail, sizeof tail);
  } else {
    memcpy(&head, name, part);
  }
  head = (head ^ size) * UINT64_C(0x9e3779b97f4a7c15);
  head = (head ^ (head >> 32) ^ tail) * UINT64_C(0xbf58476d1ce4e5b9);
  return (uint32_t)(head >> 32);
}

static bool same_name(const pe_text *a, const char *name, size_t size) {
  return a->size == size && memcmp(a->bytes, name, size) == 0;
}

static pe_error index_init(name_index *index, size_t count) {
  size_t size = 4;
  while (size < count * 2)
    size *= 2;
  index->slots = calloc(size, sizeof *index->slots);
  index->mask = size - 1;
  return index->slots ? PE_OK : PE_NO_MEMORY;
}

static void index_add(name_index *index, uint32_t hash, size_t place) {
  size_t slot = hash & index->mask;
  while (index->slots[slot] != 0)
    slot = (slot + 1) & index->mask;
  index->slots[slot] = (uint32_t)place + 1;
}

/* ---- building ---- */

static bool copy_text(pe_text from, pe_text *to) {
  char *bytes = malloc(from.size > 0 ? from.size : 1);
  if (!bytes) return false;
  if (from.size > 0) memcpy(bytes, from.bytes, from.size);
  to->bytes = bytes;
  to->size = from.size;
  return true;
}

static void free_text(pe_text *text) {
  free((char *)text->bytes);
}

/* Makes room for one more element in an array. */
static bool grow(void **array, size_t count, size_t *capacity, size_t element) {
  size_t larger = *capacity == 0 ? 8 : *capacity * 2;
  void *moved;
  if (count < *capacity) return true;
  moved = realloc(*array, larger * element);
  if (!moved) return false;
  *array = moved;
  *capacity = larger;
  return true;
}

static void free_attribute(pe_attribute *attribute) {
  for (size_t i = 0; i < attribute->value_count; i++)
    free_text(&attribute->values[i]);
  free(attribute->values);
  free_text(&attribute->name);
  free_text(&attribute->json);
  pe_regex_free(attribute->regex);
}

static void free_definition(pe_definition *definition) {
  if (!definition) return;
  for (size_t i = 0; i < definition->count; i++)
    free_attribute(&definition->attributes[i]);
  free(definition->attributes);
  free(definition->index.slots);
  free_text(&definition->name);
  free(definition);
}

pe_definitions *pe_definitions_new(void) {
  return calloc(1, sizeof(pe_definitions));
}

void pe_definitions_free(pe_definitions *definitions) {
  if (!definitions) return;
  for (size_t i = 0; i < definitions->count; i++)
    free_definition(definitions->events[i]);
  free(definitions->events);
  free(definitions->index.slots);
  free(definitions);
}

pe_definition *pe_definitions_add(pe_definitions *definitions, pe_text name, bool published) {
  pe_definition *definition = calloc(1, sizeof *definition);

  if (!definition || !copy_text(name, &definition->name)) goto failed;
  if (!grow((void **)&definitions->events, definitions->count, &definitions->capacity, sizeof *definitions->events))
    goto failed;
  definition->hash = hash_name(name.bytes, name.size);
  definition->published = published;
  definitions->events[definitions->count++] = definition;
  return definition;
failed:
  free_definition(definition);
  return NULL;
}

static bool copy_values(const pe_attribute *from, pe_attribute *to) {
  if (from->value_count == 0) return true;
  to->values = calloc(from->value_count, sizeof *to->values);
  if (!to->values) return false;
  for (; to->value_count < from->value_count; to->value_count++)
    if (!copy_text(from->values[to->value_count], &to->values[to->value_count])) return false;
  return true;
}

/* A name that is not UTF-8 has no JSON: an event with it is refused when it is written. */
static bool write_json_name(pe_text name, pe_text *json) {
  pe_buffer buffer;
  pe_error error;
  bool copied;

  pe_buffer_init(&buffer, SIZE_MAX / 2);
  error = pe_json_write_string(&buffer, name.bytes, name.size);
  if (error == PE_OK) error = pe_buffer_append_byte(&buffer, ':');
  copied = error == PE_OK && copy_text((pe_text){buffer.data, buffer.size}, json); /* to the byte: there are many */
  pe_buffer_cleanup(&buffer);
  return copied || (error != PE_OK && error != PE_NO_MEMORY);
}

pe_error pe_definition_add(pe_definition *definition, const pe_attribute *attribute) {
  pe_attribute copy = {.type = attribute->type,
                       .required = attribute->required,
                       .sensitive = attribute->sensitive,
                       .regex = attribute->regex};
  pe_error error = PE_TOO_LARGE;

  if (definition->count >= PE_MAX_ATTRIBUTES) goto failed;
  error = PE_NO_MEMORY;
  if (!copy_text(attribute->name, &copy.name) || !copy_values(attribute, &copy)) goto failed;
  if (!write_json_name(attribute->name, &copy.json)) goto failed;
  if (!grow((void **)&definition->attributes, definition->count, &definition->capacity, sizeof *definition->attributes))
    goto failed;
  copy.hash = hash_name(copy.name.bytes, copy.name.size);
  definition->attributes[definition->count++] = copy;
  return PE_OK;
failed:
  free_attribute(&copy);
  return error;
}

/* An attribute whose name was there before is never found: no event is seen to have it, and so it asks for nothing. */
static pe_error index_attributes(pe_definition *definition) {
  pe_error error = index_init(&definition->index, definition->count);
  for (size_t i = 0; error == PE_OK && i < definition->count; i++) {
    pe_attribute *attribute = &definition->attributes[i];
    size_t first;
    if (pe_definition_find(definition, attribute->name.bytes, attribute->name.size, &first)) {
      attribute->required = false;
      continue;
    }
    index_add(&definition->index, attribute->hash, i);
    if (attribute->required) definition->required[i / 64] |= UINT64_C(1) << i % 64;
  }
  return error;
}

pe_error pe_definitions_finish(pe_definitions *definitions) {
  pe_error error = index_init(&definitions->index, definitions->count);
  for (size_t i = 0; error == PE_OK && i < definitions->count; i++) {
    index_add(&definitions->index, definitions->events[i]->hash, i);
    error = index_attributes(definitions->events[i]);
  }
  return error;
}

/* ---- looking up ---- */

const pe_definition *pe_definitions_find(const pe_definitions *definitions, const char *name, size_t size) {
  const name_index *index = &definitions->index;
  uint32_t hash = hash_name(name, size);
  for (size_t slot = hash & index->mask; index->slots[slot] != 0; slot = (slot + 1) & index->mask) {
    const pe_definition *event = definitions->events[index->slots[slot] - 1];
    if (event->hash == hash && same_name(&event->name, name, size)) return event;
  }
  return NULL;
}

const pe_attribute *pe_definition_find(const pe_definition *definition, const char *name, size_t size, size_t *place) {
  const name_index *index = &definition->index;
  uint32_t hash = hash_name(name, size);
  for (size_t slot = hash & index->mask; index->slots[slot] != 0; slot = (slot + 1) & index->mask) {
    const pe_attribute *attribute = &definition->attributes[index->slots[slot] - 1];
    if (attribute->hash != hash || !same_name(&attribute->name, name, size)) continue;
    *place = index->slots[slot] - 1;
    return attribute;
  }
  return NULL;
}

#define TEXT(literal)                                                                                                  \
  { "" literal, sizeof(literal) - 1 }

static const pe_attribute standard[] = {
    {.name = TEXT("event_name"), .json = TEXT("\"event_name\":"), .type = PE_TYPE_TEXT},
    {.name = TEXT("eventDateTime"), .json = TEXT("\"eventDateTime\":"), .type = PE_TYPE_DATE},
    {.name = TEXT("storeUnitID"), .json = TEXT("\"storeUnitID\":"), .type = PE_TYPE_TEXT},
    {.name = TEXT("orgResolver"), .json = TEXT("\"orgResolver\":"), .type = PE_TYPE_OBJECT},
};

enum { STANDARD_COUNT = sizeof standard / sizeof *standard, SHORTEST_STANDARD = 10 };

/* Asked for each attribute of an event without definitions: nearly all names are told apart by their first letter. */
const pe_attribute *pe_definition_standard(const char *name, size_t size) {
  if (size < SHORTEST_STANDARD || (name[0] != 'e' && name[0] != 's' && name[0] != 'o')) return NULL;
  for (size_t i = 0; i < STANDARD_COUNT; i++)
    if (same_name(&standard[i].name, name, size)) return &standard[i];
  return NULL;
}

const pe_text *pe_definition_name(const pe_definition *definition) {
  return &definition->name;
}

size_t pe_definition_count(const pe_definition *definition) {
  return definition->count;
}

const pe_attribute *pe_definition_attribute(const pe_definition *definition, size_t index) {
  return &definition->attributes[index];
}

bool pe_definition_is_complete(const pe_definition *definition, const pe_seen *seen) {
  uint64_t missing = 0;
  for (size_t i = 0; i < PE_SEEN_WORDS; i++)
    missing |= definition->required[i] & ~seen->words[i];
  return missing == 0;
}

bool pe_definition_published(const pe_definition *definition) {
  return definition->published;
}

/* ---- "did you mean" ---- */

typedef struct nearest {
  const char *name;
  size_t size;
  size_t distance; /* of the best so far; what is farther is not looked at */
  const pe_text *found;
} nearest;

/* A third of the name may be wrong, three characters at most. */
static nearest nearest_to(const char *name, size_t size) {
  nearest search = {name, size, (size < 9 ? size / 3 : 3) + 1, NULL};
  return search;
}

static void consider(nearest *search, const pe_text *candidate) {
  size_t distance;
  if (search->distance == 0) return;
  distance = pe_similar_distance(search->name, search->size, candidate->bytes, candidate->size, search->distance - 1);
  if (distance >= search->distance) return;
  search->distance = distance;
  search->found = candidate;
}

const pe_text *pe_definitions_nearest(const pe_definitions *definitions, const char *name, size_t size) {
  nearest search = nearest_to(name, size);
  for (size_t i = 0; i < definitions->count; i++)
    consider(&search, &definitions->events[i]->name);
  return search.found;
}

const pe_text *pe_definition_nearest(const pe_definition *definition, const char *name, size_t size) {
  nearest search = nearest_to(name, size);
  for (size_t i = 0; i < definition->count; i++)
    consider(&search, &definition->attributes[i].name);
  for (size_t i = 0; i < STANDARD_COUNT; i++)
    consider(&search, &standard[i].name);
  return search.found;
}
