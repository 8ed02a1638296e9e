#include "event/java_pattern.h"

#include <string.h>

/* Only what both are known to read alike passes; PCRE2's newer releases learn new syntax, and a list of what differs
 * would miss it. */

static const char BAD_ESCAPE[] = "an escape that Java and PCRE2 read differently";
static const char BAD_PROPERTY[] = "\\p{...}: PCRE2 knows only the general categories, such as \\p{Lu}";
static const char BAD_GROUP[] = "a group that Java and PCRE2 read differently";
static const char BAD_FLAG[] = "a flag that means something else in PCRE2, or nothing";

/* PCRE2's compiler recurses into each group, and over those that stand in a row behind a quantifier: on a stack of
 * 64 KiB fifty are no danger, two hundred are. */
enum { MAX_GROUPS = 50 };

typedef struct scanner {
  const char *at;
  const char *end;
  int groups;            /* so far */
  bool quantified;       /* the last item has its quantifier: of a{2}{3} Java drops the second, PCRE2 multiplies */
  bool caseless, beyond; /* what there was so far: (?i); a property, or more than ASCII */
  pe_java_pattern *out;
} scanner;

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Whether `c`, which is not NUL, is one of the characters. */
static bool is_one_of(char c, const char *characters) {
  return c != '\0' && strchr(characters, c);
}

static char next(const scanner *in) {
  return in->at < in->end ? *in->at : '\0';
}

static bool take(scanner *in, char c) {
  if (in->at == in->end || *in->at != c) return false;
  in->at++;
  return true;
}

/* Takes as many as there are; returns how many. */
static size_t take_while(scanner *in, bool (*wanted)(char)) {
  const char *first = in->at;
  while (in->at < in->end && wanted(*in->at))
    in->at++;
  return (size_t)(in->at - first);
}

/* ---- escapes; `at` is behind the backslash ---- */

/* \xhh or \x{h...}: PCRE2 takes fewer digits too. */
static const char *take_hex(scanner *in) {
  in->beyond = true; /* maybe */
  if (take(in, '{')) return take_while(in, is_hex) > 0 && take(in, '}') ? NULL : BAD_ESCAPE;
  for (int i = 0; i < 2; i++) {
    if (!is_hex(next(in))) return BAD_ESCAPE;
    in->at++;
  }
  return NULL;
}

/* \pL or \p{Lu}. What else stands there has other names in PCRE2, or is ASCII to Java alone (Alpha). */
static const char *take_category(scanner *in) {
  static const char *const categories[] = {"L",  "Lu", "Ll", "Lt", "Lm", "Lo", "M",  "Mn", "Me", "Mc", "N",  "Nd",
                                           "Nl", "No", "Z",  "Zs", "Zl", "Zp", "C",  "Cc", "Cf", "Co", "Cn", "P",
                                           "Pd", "Ps", "Pe", "Pc", "Po", "Pi", "Pf", "S",  "Sm", "Sc", "Sk", "So"};
  bool braces = take(in, '{');
  const char *name = in->at;
  size_t size = 0;

  in->beyond = true;
  if (braces)
    size = take_while(in, is_letter);
  else if (in->at < in->end)
    size = 1, in->at++;
  for (size_t i = 0; i < sizeof categories / sizeof *categories; i++)
    if (strlen(categories[i]) == size && memcmp(categories[i], name, size) == 0)
      return !braces || take(in, '}') ? NULL : BAD_PROPERTY;
  return BAD_PROPERTY;
}

/* <name>: Java's names are letters and digits. */
static const char *take_name(scanner *in) {
  if (!take(in, '<') || !is_letter(next(in))) return BAD_GROUP;
  while (is_letter(next(in)) || is_digit(next(in)))
    in->at++;
  return take(in, '>') ? NULL : BAD_GROUP;
}

/* An escape of both places: a class of characters, or one character. */
static const char *take_character(scanner *in, char escaped) {
  switch (escaped) {
  case 'x': return take_hex(in);
  case 'p':
  case 'P': return take_category(in);
  case 'u': return "\\u is not known to PCRE2";
  case 'Q': return "\\Q is read differently inside a class";
  default:
    if (!is_letter(escaped) && !is_digit(escaped)) return NULL; /* it stands for itself */
    return is_one_of(escaped, "tnrfaedDwWsShHvV") ? NULL : BAD_ESCAPE;
  }
}

static const char *take_escape(scanner *in) {
  char escaped;

  if (in->at == in->end) return "it ends with a backslash";
  escaped = *in->at++;
  switch (escaped) {
  case 'b':
  case 'B': in->out->asks_case = true; return NULL;
  case 'Z': in->out->ends_lines = true; return NULL;
  case 'A':
  case 'z': return NULL;
  default:
    /* Java keeps what a group matched in an alternative that it then gave up. */
    return escaped >= '1' && escaped <= '9' ? "a back-reference is judged differently" : take_character(in, escaped);
  }
}

static const char *take_class_escape(scanner *in) {
  char escaped;
  if (in->at == in->end) return "it ends with a backslash";
  escaped = *in->at++;
  if (escaped == 'v' && next(in) == '-') return BAD_ESCAPE; /* one character to Java there */
  return take_character(in, escaped);
}

/* ---- classes, groups and quantifiers ---- */

/* Behind "[". */
static const char *take_class(scanner *in) {
  (void)take(in, '^');
  if (next(in) == ']') return "] at the head of a class is read differently";
  while (in->at < in->end) {
    const char *why = NULL;
    char c = *in->at++;
    if (c == ']') return NULL;
    if ((unsigned char)c >= 0x80) in->beyond = true;
    if (c == '\\') why = take_class_escape(in);
    if (c == '[') why = "a class inside a class is a union to Java alone";
    if (c == '&' && next(in) == '&') why = "&& is an intersection to Java alone";
    if (why) return why;
  }
  return "a class has no end";
}

/* Behind "(?": flags, up to their colon or the closing parenthesis. The others mean something else to PCRE2 (d, u, U, x
 * inside a class) or end lines elsewhere (m). */
static const char *take_flags(scanner *in) {
  bool on = true;
  for (; in->at < in->end; in->at++) {
    if (*in->at == ')' || *in->at == ':') {
      in->at++;
      return NULL;
    }
    if (!is_one_of(*in->at, "is-")) return BAD_FLAG;
    if (*in->at == '-') on = false;
    if (*in->at == 'i' && on) in->caseless = in->out->asks_case = true;
  }
  return BAD_FLAG;
}

/* Behind "(". */
static const char *take_group(scanner *in) {
  if (++in->groups > MAX_GROUPS) return "it has more than 50 groups";
  if (next(in) == '*') return BAD_GROUP; /* PCRE2's verbs */
  if (!take(in, '?')) return NULL;
  if (take(in, '=') || take(in, '!') || take(in, '>')) return NULL;
  if (next(in) != '<') return is_one_of(next(in), "idmsuxU-:") ? take_flags(in) : BAD_GROUP;
  if (in->end - in->at > 1 && is_one_of(in->at[1], "=!")) {
    in->at += 2;
    return NULL;
  }
  return take_name(in);
}

/* Behind a quantifier's first character, `first`. */
static const char *take_quantifier(scanner *in, char first) {
  if (in->quantified) return "a quantifier of a quantifier is read differently";
  if (first == '{') {
    if (take_while(in, is_digit) == 0) return "{ is not a quantifier there";
    if (take(in, ',')) (void)take_while(in, is_digit);
    if (!take(in, '}')) return "{ is not a quantifier there";
  }
  if (!take(in, '?')) (void)take(in, '+');
  in->quantified = true;
  return NULL;
}

static const char *take_item(scanner *in) {
  char c = *in->at++;

  if ((unsigned char)c >= 0x80) in->beyond = true;
  if (is_one_of(c, "*+?{")) return take_quantifier(in, c);
  in->quantified = false;
  switch (c) {
  case '\\': return take_escape(in);
  case '[': return take_class(in);
  case '(': return take_group(in);
  case '.':
  case '$': in->out->ends_lines = true; return NULL;
  default: return NULL;
  }
}

const char *pe_java_pattern_check(const char *pattern, size_t size, pe_java_pattern *out) {
  scanner in = {.at = pattern, .end = pattern + size, .out = out};

  memset(out, 0, sizeof *out);
  while (in.at < in.end) {
    const char *why = take_item(&in);
    if (why) return why;
  }
  return in.caseless && in.beyond ? "(?i) is for ASCII in Java, for all letters in PCRE2" : NULL;
}
