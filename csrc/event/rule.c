#include "event/rule.h"

const char *pe_rule_name(pe_rule rule) {
  static const char *const names[PE_RULE_COUNT] = {
      [PE_RULE_NONE] = "none",
      [PE_RULE_MISSING] = "missing",
      [PE_RULE_TYPE] = "type",
      [PE_RULE_ENUM] = "enum",
      [PE_RULE_DATE] = "date",
      [PE_RULE_REGEX] = "regex",
      [PE_RULE_CUSTOMER] = "customer",
      [PE_RULE_UNKNOWN] = "unknown",
      [PE_RULE_UNKNOWN_EVENT] = "unknown_event",
      [PE_RULE_UNSENDABLE] = "type",
      [PE_RULE_UNNAMED] = "missing",
      [PE_RULE_NAME] = "name",
      [PE_RULE_UTF8] = "utf8",
      [PE_RULE_NOT_FINITE] = "not_finite",
      [PE_RULE_DEPTH] = "depth",
      [PE_RULE_TOO_LARGE] = "too_large",
      [PE_RULE_NO_MEMORY] = "no_memory",
  };
  return names[rule];
}
