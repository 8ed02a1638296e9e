/* How the events of a client are completed and checked. */
#ifndef PE_LUA_RULES_H
#define PE_LUA_RULES_H

#include <stdbool.h>

#include "event/definition.h"

typedef enum pe_validation { PE_VALIDATE_STRICT, PE_VALIDATE_WARN, PE_VALIDATE_OFF } pe_validation;

enum { PE_ID_NAME_SIZE = 64 };

/* How events are completed and checked; immutable after the client was made. */
typedef struct pe_lua_event_rules {
  const pe_definitions *definitions; /* NULL: there are none; kept alive by the client */
  pe_validation validation;
  bool allow_unknown_events;
  bool allow_unknown_attributes;
  bool repair;                   /* what is not UTF-8 is written as U+FFFD; otherwise it is a problem */
  bool stamp;                    /* write eventDateTime where it is absent */
  bool fill_id;                  /* without definitions: write the id attribute where it is absent */
  char id_name[PE_ID_NAME_SIZE]; /* the id attribute; "" for none */
} pe_lua_event_rules;

#endif
