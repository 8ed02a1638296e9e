/* The rules that an event can break, as problems name them. Owns no state; any thread. */
#ifndef PE_RULE_H
#define PE_RULE_H

typedef enum pe_rule {
  PE_RULE_NONE,
  /* of the definition: may be warned about, or allowed */
  PE_RULE_MISSING,
  PE_RULE_TYPE,
  PE_RULE_ENUM,
  PE_RULE_DATE,
  PE_RULE_REGEX,
  PE_RULE_CUSTOMER,
  PE_RULE_UNKNOWN,
  PE_RULE_UNKNOWN_EVENT,
  /* of JSON and of the client: always refused */
  PE_RULE_UNSENDABLE, /* a value of a type that JSON does not have; "type" by name */
  PE_RULE_UNNAMED,    /* no event_name; "missing" by name */
  PE_RULE_NAME,
  PE_RULE_UTF8,
  PE_RULE_NOT_FINITE,
  PE_RULE_DEPTH,
  PE_RULE_TOO_LARGE,
  PE_RULE_NO_MEMORY, /* not the event's fault, and never in a problem */
  PE_RULE_COUNT
} pe_rule;

/* The name of a rule in a problem: "missing". Static storage. */
const char *pe_rule_name(pe_rule rule);

/* Whether the rule is the definition's, so that `validation` decides about it. */
static inline int pe_rule_is_definitions(pe_rule rule) {
  return rule >= PE_RULE_MISSING && rule <= PE_RULE_UNKNOWN_EVENT;
}

#endif
