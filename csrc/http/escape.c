#include "http/escape.h"

#include <string.h>

#include "base/ascii.h"
#include "http/charset.h"

enum { LONGEST_NAME = 8 };

/* Of the characters that Windows-1252 has from 0x80 on, and of those from U+00A0 on, as HTML calls them. */
static const char *const WINDOWS[] = {
    "euro",   "",      "sbquo", "fnof",   "bdquo",  "hellip", "dagger", "Dagger", "circ",   "permil", "Scaron",
    "lsaquo", "OElig", "",      "Zcaron", "",       "",       "lsquo",  "rsquo",  "ldquo",  "rdquo",  "bull",
    "ndash",  "mdash", "tilde", "trade",  "scaron", "rsaquo", "oelig",  "",       "zcaron", "Yuml",
};
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

/* What is still to be read. */
typedef struct input {
  const unsigned char *at;
  size_t size;
} input;

static const pe_escape NONE = {0, 0};

static int digit(unsigned char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

/* A number of `least` to `most` digits that begins at `place`. */
static pe_escape read_number(input in, size_t place, int base, size_t least, size_t most) {
  pe_escape number = {place, 0};
  while (number.taken < in.size && number.taken - place < most && digit(in.at[number.taken]) < base)
    number.value = number.value * base + digit(in.at[number.taken++]);
  return number.taken - place >= least ? number : NONE;
}

static bool is_at(input in, size_t place, unsigned char wanted) {
  return place < in.size && in.at[place] == wanted;
}

/* \u{41} */
static pe_escape read_braces(input in) {
  pe_escape number = read_number(in, 3, 16, 1, LONGEST_NAME);
  return is_at(in, number.taken, '}') ? (pe_escape){number.taken + 1, number.value} : NONE;
}

/* \u0041, \u{41}, or the two that make a character above U+FFFF (RFC 8259, 7). */
static pe_escape read_unicode(input in) {
  pe_escape first, second;
  if (is_at(in, 2, '{')) return read_braces(in);
  first = read_number(in, 2, 16, 4, 4);
  if (first.value < 0xD800 || first.value > 0xDBFF || in.size < 12 || in.at[6] != '\\') return first;
  second = read_number((input){in.at + 6, in.size - 6}, 2, 16, 4, 4);
  if (second.value < 0xDC00 || second.value > 0xDFFF) return first;
  return (pe_escape){12, 0x10000 + ((first.value - 0xD800) << 10) + (second.value - 0xDC00)};
}

static pe_escape read_backslash(input in) {
  static const char letters[] = "abefnrtv", meant[] = "\a\b\033\f\n\r\t\v";
  const char *letter;
  pe_escape found = NONE;

  if (in.size < 2) return NONE;
  if (in.at[1] == 'x') found = read_number(in, 2, 16, 2, 2);
  if (in.at[1] == 'u') found = read_unicode(in);
  if (in.at[1] == 'U') found = read_number(in, 2, 16, 8, 8);
  if (in.at[1] == 'U' && found.taken == 0) found = read_unicode(in); /* a small one, in capitals */
  if (in.at[1] >= '0' && in.at[1] <= '7') found = read_number(in, 1, 8, 1, 3);
  if (found.taken > 0) return found;
  letter = in.at[1] != '\0' ? strchr(letters, in.at[1]) : NULL;
  return (pe_escape){2, letter ? meant[letter - letters] : in.at[1]};
}

/* Takes it if the text begins with it, whatever the case, in which two letters of HTML's may differ. */
static void take_name(input in, const char *name, long meant, pe_escape *longest) {
  size_t size;
  if ((in.at[0] | 0x20) != (name[0] | 0x20)) return;
  size = strlen(name);
  if (size > in.size || size <= longest->taken || !pe_ascii_begins((const char *)in.at, name, size)) return;
  *longest = (pe_escape){size, meant};
}

/* The longest, since its semicolon may be missing. */
static pe_escape read_name(input in) {
  input name = {in.at + 1, in.size - 1};
  pe_escape found = NONE;

  if (name.size == 0) return NONE;
  for (size_t i = 0; i < sizeof ASCII / sizeof *ASCII; i++)
    take_name(name, ASCII[i].name, ASCII[i].meant, &found);
  for (size_t i = 0; i < sizeof WINDOWS / sizeof *WINDOWS; i++)
    take_name(name, WINDOWS[i], 0x80 + (long)i, &found);
  for (size_t i = 0; i < sizeof LATIN_1 / sizeof *LATIN_1; i++)
    take_name(name, LATIN_1[i], 0xA0 + (long)i, &found);
  if (found.taken > 0) found.taken += 1 + is_at(name, found.taken, ';');
  return found;
}

/* As browsers do, without its semicolon as well. */
static pe_escape read_reference(input in) {
  bool is_hex = is_at(in, 2, 'x') || is_at(in, 2, 'X');
  pe_escape number;

  if (!is_at(in, 1, '#')) return read_name(in);
  number = is_hex ? read_number(in, 3, 16, 1, LONGEST_NAME) : read_number(in, 2, 10, 1, LONGEST_NAME);
  if (number.taken > 0 && is_at(in, number.taken, ';')) number.taken++;
  return number;
}

/* UTF-8 of what a view has as one byte, or in its plain form. */
static pe_escape read_character(input in) {
  long character;
  size_t taken = pe_charset_read(in.at, in.size, &character);
  bool is_read = taken > 0 && (pe_charset_to_byte(character) >= 0 || pe_charset_plain(character) != character);
  return is_read ? (pe_escape){taken, character} : NONE;
}

pe_escape pe_escape_read_quoted(const unsigned char *bytes, size_t size) {
  input in = {bytes, size};
  size_t end = is_at(in, 1, '\r') ? 2 : 1;
  if (bytes[0] != '=') return NONE;
  return is_at(in, end, '\n') ? (pe_escape){end + 1, 0} : read_number(in, 1, 16, 2, 2);
}

pe_escape pe_escape_read(const unsigned char *bytes, size_t size) {
  input in = {bytes, size};
  switch (bytes[0]) {
  case '\0': return (pe_escape){1, 0};
  case '%': return is_at(in, 1, 'u') ? read_number(in, 2, 16, 4, 4) : read_number(in, 1, 16, 2, 2);
  case '\\': return read_backslash(in);
  case '&': return read_reference(in);
  default: return bytes[0] >= 0x80 ? read_character(in) : NONE;
  }
}
