/* Compiled event definitions: looks up an event and its attributes, and checks one value. Knows neither Lua nor JSON;
 * postevent/definitions/ reads the platform's files. Belongs to one thread. */
#ifndef PE_DEFINITION_H
#define PE_DEFINITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "event/regex.h"
#include "event/rule.h"

enum { PE_MAX_ATTRIBUTES = 256 }; /* of one event; the platform's own limit is 20 */

enum { PE_SEEN_WORDS = PE_MAX_ATTRIBUTES / 64 };

/* Which attributes of a definition an event has, by their places. */
typedef struct pe_seen {
  uint64_t words[PE_SEEN_WORDS];
} pe_seen;

static inline void pe_seen_add(pe_seen *seen, size_t place) {
  seen->words[place / 64] |= UINT64_C(1) << place % 64;
}
static inline bool pe_seen_has(const pe_seen *seen, size_t place) {
  return seen->words[place / 64] >> place % 64 & 1;
}

typedef enum pe_type {
  PE_TYPE_TEXT, /* STRING, TILLCODE, COUPONCODE, GROUPID, PRODUCT*, CURRENCYCODE */
  PE_TYPE_CUSTOMER,
  PE_TYPE_MOBILE, /* CUSTOMER with that identifierType */
  PE_TYPE_EMAIL,  /* the same */
  PE_TYPE_DOUBLE,
  PE_TYPE_INTEGER,
  PE_TYPE_BOOLEAN,
  PE_TYPE_ENUM,
  PE_TYPE_DATE,
  PE_TYPE_OBJECT, /* orgResolver alone */
  PE_TYPE_ANY     /* a type that we do not know: the platform knows its organisation better than we do */
} pe_type;

typedef struct pe_text {
  const char *bytes;
  size_t size;
} pe_text;

typedef struct pe_attribute {
  pe_text name;
  pe_text json; /* `"name":`, made when it is added; empty where the name is not UTF-8 */
  uint32_t hash;
  pe_type type;
  bool required;
  bool sensitive;  /* isPsiData: its values are never quoted */
  pe_text *values; /* of an enum */
  size_t value_count;
  pe_regex *regex; /* NULL: none */
} pe_attribute;

typedef struct pe_definition pe_definition;
typedef struct pe_definitions pe_definitions;

/* ---- building ---- */

/* Returns NULL when out of memory. */
pe_definitions *pe_definitions_new(void);
void pe_definitions_free(pe_definitions *definitions); /* NULL is legal */

/* Adds an event without attributes; the name is copied. Of two events of a name the first is found.
 * Returns it, owned by `definitions`; or NULL when out of memory. */
pe_definition *pe_definitions_add(pe_definitions *definitions, pe_text name, bool published);

/* Adds a copy of `attribute` (its name, its values; `regex` is taken over in every case).
 * Returns PE_OK; PE_TOO_LARGE beyond PE_MAX_ATTRIBUTES; PE_NO_MEMORY. Of two attributes of a name the first counts. */
pe_error pe_definition_add(pe_definition *definition, const pe_attribute *attribute);

/* Builds the indexes; after it nothing may be added. Returns PE_OK or PE_NO_MEMORY. */
pe_error pe_definitions_finish(pe_definitions *definitions);

/* ---- looking up ---- */

/* The event of that name, or NULL. */
const pe_definition *pe_definitions_find(const pe_definitions *definitions, const char *name, size_t size);

/* The attribute of that name, or NULL; `index` is its place, below pe_definition_count. */
const pe_attribute *pe_definition_find(const pe_definition *definition, const char *name, size_t size, size_t *index);

/* The attributes that every event may have (platform.md, Standard attributes), or NULL. */
const pe_attribute *pe_definition_standard(const char *name, size_t size);

const pe_text *pe_definition_name(const pe_definition *definition);
size_t pe_definition_count(const pe_definition *definition);
const pe_attribute *pe_definition_attribute(const pe_definition *definition, size_t index);
/* Whether every required attribute was seen. */
bool pe_definition_is_complete(const pe_definition *definition, const pe_seen *seen);

bool pe_definition_published(const pe_definition *definition);

/* The name that was probably meant, or NULL. */
const pe_text *pe_definitions_nearest(const pe_definitions *definitions, const char *name, size_t size);
const pe_text *pe_definition_nearest(const pe_definition *definition, const char *name, size_t size);

/* ---- checking ---- */

typedef enum pe_kind {
  PE_KIND_NULL,
  PE_KIND_TEXT,
  PE_KIND_NUMBER,
  PE_KIND_BOOLEAN,
  PE_KIND_ARRAY,
  PE_KIND_OBJECT,
  PE_KIND_OTHER /* what JSON cannot carry */
} pe_kind;

typedef struct pe_value {
  pe_kind kind;
  pe_text text;  /* of PE_KIND_TEXT; UTF-8 */
  double number; /* of PE_KIND_NUMBER; finite */
} pe_value;

/* Whether the value counts as given: a null does not, nor does an empty text for a required attribute. */
static inline bool pe_value_is_given(const pe_value *value, bool required) {
  return value->kind != PE_KIND_NULL && !(required && value->kind == PE_KIND_TEXT && value->text.size == 0);
}

/* The rule that a given value breaks, or PE_RULE_NONE. */
pe_rule pe_attribute_check(const pe_attribute *attribute, const pe_value *value);

/* Appends what was expected and what came: `"99" is not one of 1, 2, 3`. Quotes no value of a sensitive attribute.
 * What does not fit the buffer is left out. */
void pe_attribute_explain(const pe_attribute *attribute, pe_rule rule, const pe_value *value, pe_buffer *out);

#endif
