#include "event/json_plain.h"

#include <string.h>

enum { MOST_NAMES = 64, MOST_DEPTH = 8, MOST_DIGITS = 15 };

typedef struct name {
  const char *text;
  size_t size;
} name;

/* Where the look is, and the names of the objects around. */
typedef struct look {
  const char *at, *end;
  bool has_numbers;
  size_t depth; /* of objects */
  size_t first[MOST_DEPTH];
  size_t count;
  name names[MOST_NAMES];
} look;

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* The next character that is no blank, which stays; 0 at the end. */
static char peek(look *l) {
  while (l->at < l->end && is_blank(*l->at))
    l->at++;
  return l->at < l->end ? *l->at : '\0';
}

/* Steps over a text, whose first quote is behind us. */
static bool skip_text(look *l, bool *has_escape) {
  for (; l->at < l->end; l->at++) {
    if (*l->at == '"') {
      l->at++;
      return true;
    }
    if ((unsigned char)*l->at < ' ') return false;
    if (*l->at != '\\') continue;
    *has_escape = true;
    if (++l->at == l->end) return false;
  }
  return false;
}

/* Keeps a name; false: it was there, or there is no room. */
static bool add_name(look *l, name added) {
  if (l->depth == 0 || l->count == MOST_NAMES) return false;
  for (size_t i = l->first[l->depth - 1]; i < l->count; i++)
    if (l->names[i].size == added.size && memcmp(l->names[i].text, added.text, added.size) == 0) return false;
  l->names[l->count++] = added;
  return true;
}

static bool look_at_text(look *l) {
  const char *start = l->at;
  bool has_escape = false;
  name found;

  if (!skip_text(l, &has_escape)) return false;
  found = (name){start, (size_t)(l->at - start)};
  if (peek(l) != ':') return true;
  return !has_escape && add_name(l, found);
}

static void skip_digits(look *l) {
  while (l->at < l->end && is_digit(*l->at))
    l->at++;
}

/* Digits, and maybe a fraction, and the end of the value. */
static bool look_at_number(look *l) {
  const char *start = l->at;

  l->has_numbers = true;
  if (*l->at == '-') l->at++;
  start = l->at;
  skip_digits(l);
  if (l->at == start) return false;
  if (l->at < l->end && *l->at == '.') {
    const char *point = l->at++;
    skip_digits(l);
    if (l->at == point + 1) return false;
  }
  if (l->at < l->end && !strchr(",}] \t\r\n", *l->at)) return false;
  return l->at - start < MOST_DIGITS;
}

static bool open_object(look *l) {
  if (l->depth == MOST_DEPTH) return false;
  l->first[l->depth++] = l->count;
  return true;
}

static bool close_object(look *l) {
  if (l->depth == 0) return false;
  l->count = l->first[--l->depth];
  return true;
}

/* One token, whose first character is behind us, but of a number. */
static bool look_at_token(look *l, char c) {
  if (is_digit(c) || c == '-') return look_at_number(l);
  l->at++;
  switch (c) {
  case '"': return look_at_text(l);
  case '{': return open_object(l);
  case '}': return close_object(l);
  case '[': return peek(l) != ']';
  default: return c != '\0';
  }
}

bool pe_json_is_plain(const char *text, size_t size, bool *has_numbers) {
  look l = {.at = text, .end = text + size};
  bool plain = peek(&l) == '{';
  char c;

  while (plain && (c = peek(&l), l.at < l.end))
    plain = look_at_token(&l, c);
  *has_numbers = l.has_numbers;
  return plain;
}
