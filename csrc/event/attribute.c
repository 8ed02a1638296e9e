/* The half of definition.h that judges one value, and says why. */
#include "event/definition.h"

#include <math.h>
#include <stdio.h>

#include "event/date.h"

/* ---- checking ---- */

static bool is_mobile(pe_text text) {
  size_t first = text.size > 0 && text.bytes[0] == '+';
  if (text.size - first < 5 || text.size - first > 20) return false;
  for (size_t i = first; i < text.size; i++)
    if (text.bytes[i] < '0' || text.bytes[i] > '9') return false;
  return true;
}

static bool is_email(pe_text text) {
  const char *at = text.size > 0 ? memchr(text.bytes, '@', text.size) : NULL;
  size_t behind;
  if (!at || at == text.bytes) return false;
  behind = text.size - (size_t)(at - text.bytes) - 1;
  return behind > 0 && !memchr(at + 1, '@', behind);
}

static bool is_one_of(const pe_attribute *attribute, pe_text text) {
  for (size_t i = 0; i < attribute->value_count; i++)
    if (attribute->values[i].size == text.size && memcmp(attribute->values[i].bytes, text.bytes, text.size) == 0)
      return true;
  return false;
}

/* Seconds since 1970; a fraction is cut off. */
static bool is_time(double number) {
  char text[PE_DATE_SIZE + 1];
  return fabs(number) < 1e15 && pe_date_write(text, (int64_t)number);
}

static pe_rule check_text(const pe_attribute *attribute, pe_text text) {
  bool fine = true;
  switch (attribute->type) {
  case PE_TYPE_CUSTOMER: return text.size > 0 ? PE_RULE_NONE : PE_RULE_CUSTOMER;
  case PE_TYPE_MOBILE: return is_mobile(text) ? PE_RULE_NONE : PE_RULE_CUSTOMER;
  case PE_TYPE_EMAIL: return is_email(text) ? PE_RULE_NONE : PE_RULE_CUSTOMER;
  case PE_TYPE_ENUM: return is_one_of(attribute, text) ? PE_RULE_NONE : PE_RULE_ENUM;
  case PE_TYPE_DATE: return pe_date_check(text.bytes, text.size) ? PE_RULE_NONE : PE_RULE_DATE;
  case PE_TYPE_TEXT:
    /* An optional text may be empty, whatever its pattern. */
    if (attribute->regex && text.size > 0) fine = pe_regex_matches(attribute->regex, text.bytes, text.size);
    return fine ? PE_RULE_NONE : PE_RULE_REGEX;
  default: return PE_RULE_TYPE;
  }
}

static pe_rule check_number(const pe_attribute *attribute, double number) {
  switch (attribute->type) {
  case PE_TYPE_DOUBLE: return PE_RULE_NONE;
  case PE_TYPE_INTEGER: return number == floor(number) ? PE_RULE_NONE : PE_RULE_TYPE;
  case PE_TYPE_DATE: return is_time(number) ? PE_RULE_NONE : PE_RULE_DATE;
  default: return PE_RULE_TYPE;
  }
}

pe_rule pe_attribute_check(const pe_attribute *attribute, const pe_value *value) {
  if (attribute->type == PE_TYPE_ANY) return PE_RULE_NONE;
  switch (value->kind) {
  case PE_KIND_TEXT: return check_text(attribute, value->text);
  case PE_KIND_NUMBER: return check_number(attribute, value->number);
  case PE_KIND_BOOLEAN: return attribute->type == PE_TYPE_BOOLEAN ? PE_RULE_NONE : PE_RULE_TYPE;
  case PE_KIND_OBJECT: return attribute->type == PE_TYPE_OBJECT ? PE_RULE_NONE : PE_RULE_TYPE;
  default: return PE_RULE_TYPE;
  }
}

/* ---- explaining; what does not fit is left out, so the results of the buffer do not matter ---- */

enum { QUOTED = 40, LISTED = 32 }; /* bytes of a value, and of each possible value */

static void add(pe_buffer *out, const char *text) {
  (void)pe_buffer_append(out, text, strlen(text));
}

/* At most `most` bytes of the text; every byte of a control character (U+0000 to U+001F, U+007F to U+009F) as '?'. It
 * is added whole or not at all, so that no character is cut. */
static void add_printable(pe_buffer *out, pe_text text, size_t most) {
  char piece[QUOTED + 3];
  size_t shown = text.size < most ? text.size : most;

  /* Not in the middle of a character: the bytes that continue one go with their head. */
  while (shown < text.size && shown > 0 && ((unsigned char)text.bytes[shown] & 0xc0) == 0x80)
    shown--;
  for (size_t i = 0; i < shown; i++) {
    unsigned char byte = (unsigned char)text.bytes[i];
    bool wide = byte == 0xc2 && i + 1 < shown && (unsigned char)text.bytes[i + 1] < 0xa0;
    piece[i] = byte < ' ' || byte == 0x7f || wide ? '?' : text.bytes[i];
    if (wide) piece[++i] = '?';
  }
  if (shown < text.size) {
    memcpy(piece + shown, "...", 3);
    shown += 3;
  }
  (void)pe_buffer_append(out, piece, shown);
}

static const char *kind_name(pe_kind kind) {
  static const char *const names[] = {"null",     "text",      "a number",      "a boolean",
                                      "an array", "an object", "something else"};
  return names[kind];
}

static const char *expected(pe_type type) {
  switch (type) {
  case PE_TYPE_DOUBLE: return "a number";
  case PE_TYPE_INTEGER: return "a whole number";
  case PE_TYPE_BOOLEAN: return "a boolean";
  case PE_TYPE_OBJECT: return "an object";
  case PE_TYPE_DATE: return "a date, as text or in seconds since 1970";
  default: return "text";
  }
}

/* "1, 2, ... 15": the first two and the last of many. */
static void add_values(const pe_attribute *attribute, pe_buffer *out) {
  enum { ALL = 8 };
  bool many = attribute->value_count > ALL;
  for (size_t i = 0; i < attribute->value_count; i++) {
    if (many && i >= 2 && i + 1 < attribute->value_count) continue;
    if (i > 0) add(out, ", ");
    if (many && i > 2) add(out, "... ");
    add_printable(out, attribute->values[i], LISTED);
  }
}

static const char *complaint(pe_rule rule, const pe_attribute *attribute, const pe_value *value) {
  switch (rule) {
  case PE_RULE_ENUM: return "is not one of ";
  case PE_RULE_DATE:
    return value->kind == PE_KIND_NUMBER ? "is not a time in seconds since 1970 (milliseconds?)"
                                         : "is not a date in one of the platform's formats";
  case PE_RULE_REGEX: return "does not match the attribute's pattern";
  case PE_RULE_CUSTOMER:
    if (attribute->type == PE_TYPE_MOBILE) return "is not a mobile number (5 to 20 digits)";
    return attribute->type == PE_TYPE_EMAIL ? "is not an e-mail address" : "is not a customer's identifier";
  default: return "is not valid";
  }
}

static void explain_type(const pe_attribute *attribute, const pe_value *value, pe_buffer *out) {
  add(out, "expected ");
  add(out, expected(attribute->type));
  add(out, ", got ");
  if (attribute->type == PE_TYPE_INTEGER && value->kind == PE_KIND_NUMBER)
    add(out, "a fraction");
  else
    add(out, kind_name(value->kind));
}

void pe_attribute_explain(const pe_attribute *attribute, pe_rule rule, const pe_value *value, pe_buffer *out) {
  char number[32];

  if (rule == PE_RULE_MISSING) {
    add(out, "missing");
    return;
  }
  if (rule == PE_RULE_TYPE) {
    explain_type(attribute, value, out);
    return;
  }
  if (attribute->sensitive) {
    add(out, "the value");
  } else if (value->kind == PE_KIND_TEXT) {
    add(out, "\"");
    add_printable(out, value->text, QUOTED);
    add(out, "\"");
  } else {
    (void)snprintf(number, sizeof number, "%.0f", value->number);
    add(out, fabs(value->number) < 1e18 ? number : "the number");
  }
  (void)pe_buffer_append_byte(out, ' ');
  add(out, complaint(rule, attribute, value));
  if (rule == PE_RULE_ENUM) add_values(attribute, out);
}
