#include "http/unfold.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST_NAME = 8, CHARACTER_MAX = 0x10FFFF };

/* Of the characters from U+00A0 on, as HTML calls them. */
static const char *const LATIN_1[] = {
    "nbsp",   "iexcl",  "cent",   "pound",  "curren", "yen",    "brvbar", "sect",   "uml",    "copy",   "ordf",
    "laquo",  "not",    "shy",    "reg",    "macr",   "deg",    "plusmn", "sup2",   "sup3",   "acute",  "micro",
    "para",   "middot", "cedil",  "sup1",   "ordm",   "raquo",  "frac14", "frac12", "frac34", "iquest", "Agrave",
    "Aacute", "Acirc",  "Atilde", "Auml",   "Aring",  "AElig",  "Ccedil", "Egrave", "Eacute", "Ecirc",  "Euml",
    "Igrave", "Iacute", "Icirc",  "Iuml",   "ETH",    "Ntilde", "Ograve", "Oacute", "Ocirc",  "Otilde", "Ouml",
    "times",  "Oslash", "Ugrave", "Uacute", "Ucirc",  "Uuml",   "Yacute", "THORN",  "szlig",  "agrave", "aacute",
    "acirc",  "atilde", "auml",   "aring",  "aelig",  "ccedil", "egrave", "eacute", "ecirc",  "euml",   "igrave",
    "iacute", "icirc",  "iuml",   "eth",    "ntilde", "ograve", "oacute", "ocirc",  "otilde", "ouml",   "divide",
    "oslash", "ugrave", "uacute", "ucirc",  "uuml",   "yacute", "thorn",  "yuml",
};

static const struct {
  const char *name;
  unsigned char meant;
} ASCII[] = {{"quot", '"'},   {"amp", '&'},    {"lt", '<'},     {"gt", '>'},   {"apos", '\''}, {"excl", '!'},
             {"num", '#'},    {"dollar", '$'}, {"percnt", '%'}, {"lpar", '('}, {"rpar", ')'},  {"ast", '*'},
             {"plus", '+'},   {"comma", ','},  {"period", '.'}, {"sol", '/'},  {"colon", ':'}, {"semi", ';'},
             {"equals", '='}, {"quest", '?'},  {"commat", '@'}, {"lsqb", '['}, {"bsol", '\\'}, {"rsqb", ']'},
             {"Hat", '^'},    {"lowbar", '_'}, {"grave", '`'},  {"lcub", '{'}, {"vert", '|'},  {"rcub", '}'}};

/* What of a view is still to be read. */
typedef struct input {
  const unsigned char *at;
  size_t size;
} input;

/* An escape that was read: how many bytes it takes, and what it stands for. */
typedef struct escape {
  size_t taken; /* 0: there is none */
  long value;
} escape;

static const escape NONE = {0, 0};

static int digit(unsigned char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

/* A number of `least` to `most` digits that begins at `place`. */
static escape read_number(input in, size_t place, int base, size_t least, size_t most) {
  escape number = {place, 0};
  while (number.taken < in.size && number.taken - place < most && digit(in.at[number.taken]) < base)
    number.value = number.value * base + digit(in.at[number.taken++]);
  return number.taken - place >= least ? number : NONE;
}

static bool is_at(input in, size_t place, unsigned char wanted) {
  return place < in.size && in.at[place] == wanted;
}

/* \u{41} */
static escape read_braces(input in) {
  escape number = read_number(in, 3, 16, 1, LONGEST_NAME);
  return is_at(in, number.taken, '}') ? (escape){number.taken + 1, number.value} : NONE;
}

/* \u0041, \u{41}, or the two that make a character above U+FFFF (RFC 8259, 7). */
static escape read_unicode(input in) {
  escape first, second;
  if (is_at(in, 2, '{')) return read_braces(in);
  first = read_number(in, 2, 16, 4, 4);
  if (first.value < 0xD800 || first.value > 0xDBFF || in.size < 12 || in.at[6] != '\\') return first;
  second = read_number((input){in.at + 6, in.size - 6}, 2, 16, 4, 4);
  if (second.value < 0xDC00 || second.value > 0xDFFF) return first;
  return (escape){12, 0x10000 + ((first.value - 0xD800) << 10) + (second.value - 0xDC00)};
}

static escape read_backslash(input in) {
  static const char letters[] = "abefnrtv", meant[] = "\a\b\033\f\n\r\t\v";
  const char *letter;
  escape found = NONE;

  if (in.size < 2) return NONE;
  if (in.at[1] == 'x') found = read_number(in, 2, 16, 2, 2);
  if (in.at[1] == 'u') found = read_unicode(in);
  if (in.at[1] == 'U') found = read_number(in, 2, 16, 8, 8);
  if (in.at[1] >= '0' && in.at[1] <= '7') found = read_number(in, 1, 8, 1, 3);
  if (found.taken > 0) return found;
  letter = in.at[1] != '\0' ? strchr(letters, in.at[1]) : NULL;
  return (escape){2, letter ? meant[letter - letters] : in.at[1]};
}

/* A name of HTML's; -1: it has none like it. */
static long find_name(const unsigned char *name, size_t size) {
  for (size_t i = 0; i < sizeof ASCII / sizeof *ASCII; i++)
    if (strlen(ASCII[i].name) == size && memcmp(ASCII[i].name, name, size) == 0) return ASCII[i].meant;
  for (size_t i = 0; i < sizeof LATIN_1 / sizeof *LATIN_1; i++)
    if (strlen(LATIN_1[i]) == size && memcmp(LATIN_1[i], name, size) == 0) return 0xA0 + (long)i;
  return -1;
}

static escape read_name(input in) {
  size_t size = 0;
  long value;
  while (size < LONGEST_NAME && size + 1 < in.size && in.at[size + 1] != ';')
    size++;
  if (size + 1 >= in.size || in.at[size + 1] != ';') return NONE;
  value = find_name(in.at + 1, size);
  return value >= 0 ? (escape){size + 2, value} : NONE;
}

/* As browsers do, without its semicolon as well. */
static escape read_reference(input in) {
  bool is_hex = is_at(in, 2, 'x') || is_at(in, 2, 'X');
  escape number;

  if (!is_at(in, 1, '#')) return read_name(in);
  number = is_hex ? read_number(in, 3, 16, 1, LONGEST_NAME) : read_number(in, 2, 10, 1, LONGEST_NAME);
  if (number.taken > 0 && is_at(in, number.taken, ';')) number.taken++;
  return number;
}

static escape read_escape(input in) {
  switch (in.at[0]) {
  case '%': return is_at(in, 1, 'u') ? read_number(in, 2, 16, 4, 4) : read_number(in, 1, 16, 2, 2);
  case '\\': return read_backslash(in);
  case '&': return read_reference(in);
  default: return NONE;
  }
}

/* ---- views ---- */

bool pe_unfolded_init(pe_unfolded *view, const char *text, size_t size) {
  *view = (pe_unfolded){malloc(size + 1), NULL, text ? size : 0};
  if (view->bytes) view->from = malloc((size + 1) * sizeof *view->from);
  if (!view->from) {
    free(view->bytes);
    return false;
  }
  if (text) memcpy(view->bytes, text, size);
  for (size_t i = 0; i <= size; i++)
    view->from[i] = (uint32_t)i;
  return true;
}

void pe_unfolded_cleanup(pe_unfolded *view) {
  free(view->bytes);
  free(view->from);
}

static void put(pe_unfolded *view, long byte, uint32_t from) {
  view->bytes[view->size] = (unsigned char)byte;
  view->from[view->size++] = from;
}

/* The first byte of a character of UTF-8, and those that follow. An escape is longer than what it stands for: each byte
 * has a place in it. */
static void put_bytes(pe_unfolded *view, long first, long value, int following, uint32_t from) {
  put(view, first | value >> 6 * following, from);
  while (following-- > 0)
    put(view, 0x80 | (value >> 6 * following & 63), ++from);
}

static void put_character(pe_unfolded *view, long value, uint32_t from) {
  if (value <= 0xFF || value > CHARACTER_MAX)
    put(view, value, from);
  else if (value <= 0x7FF)
    put_bytes(view, 0xC0, value, 1, from);
  else if (value <= 0xFFFF)
    put_bytes(view, 0xE0, value, 2, from);
  else
    put_bytes(view, 0xF0, value, 3, from);
}

bool pe_unfolded_read(pe_unfolded *view) {
  size_t size = view->size;
  bool any = false;

  view->size = 0;
  for (size_t at = 0; at < size;) {
    escape found = read_escape((input){view->bytes + at, size - at});
    put_character(view, found.taken > 0 ? found.value : view->bytes[at], view->from[at]);
    any = any || found.taken > 0;
    at += found.taken > 0 ? found.taken : 1;
  }
  view->from[view->size] = view->from[size];
  return any;
}

bool pe_unfolded_is_solid(unsigned char byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || byte >= 0x80;
}

void pe_unfolded_squeeze(const pe_unfolded *view, pe_unfolded *squeezed) {
  squeezed->size = 0;
  for (size_t i = 0; i < view->size; i++)
    if (pe_unfolded_is_solid(view->bytes[i])) put(squeezed, view->bytes[i], (uint32_t)i);
  squeezed->from[squeezed->size] = (uint32_t)view->size;
}
