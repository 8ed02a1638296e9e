#include "event/json_writer.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "event/utf8.h"

/* The bytes that stand for themselves in a string. */
static const bool plain[256] = {[' ' ... '!'] = true, ['#' ... '['] = true, [']' ... 0x7f] = true};

/* Writes the escape of a byte that is not plain and not multi-byte; returns where it ends. At most 6 bytes. */
static char *write_escape(char *out, unsigned char byte) {
  static const char digits[] = "0123456789abcdef";
  *out++ = '\\';
  switch (byte) {
  case '"': *out++ = '"'; break;
  case '\\': *out++ = '\\'; break;
  case '\b': *out++ = 'b'; break;
  case '\f': *out++ = 'f'; break;
  case '\n': *out++ = 'n'; break;
  case '\r': *out++ = 'r'; break;
  case '\t': *out++ = 't'; break;
  default:
    memcpy(out, "u00", 3);
    out[3] = digits[byte >> 4];
    out[4] = digits[byte & 0x0f];
    out += 5;
  }
  return out;
}

/* Writes what is not plain at `s`. Returns PE_OK and sets *taken. */
static pe_error write_special(pe_buffer *out, const unsigned char *s, size_t left, size_t *taken) {
  char escape[6];

  if (*s < 0x80) {
    *taken = 1;
    return pe_buffer_append(out, escape, (size_t)(write_escape(escape, *s) - escape));
  }
  *taken = pe_utf8_length(s, left);
  return *taken == 0 ? PE_INVALID_EVENT : pe_buffer_append(out, s, *taken);
}

/* A word with the top bit set in each byte (at least in the lowest) that is not plain: the classic test for a byte
 * below 0x20, equal to a quote or a backslash, or above 0x7f. */
static uint64_t not_plain(uint64_t word) {
  const uint64_t ones = UINT64_C(0x0101010101010101), tops = UINT64_C(0x8080808080808080);
  uint64_t quote = word ^ (ones * '"');
  uint64_t backslash = word ^ (ones * '\\');
  return (word | (word - ones * ' ') | (quote - ones) | (backslash - ones)) & tops;
}

/* Copies the plain bytes at the head of `s` and returns how many; `out` has room for all of them. */
static size_t copy_plain(char *out, const unsigned char *s, size_t size) {
  size_t done = 0;
  uint64_t word;

  for (; size - done >= sizeof word; done += sizeof word) {
    memcpy(&word, s + done, sizeof word);
    if (not_plain(word)) break;
    memcpy(out + done, &word, sizeof word);
  }
  if (size - done < sizeof word && size >= sizeof word) { /* the rest, with the end of what is copied already */
    memcpy(&word, s + size - sizeof word, sizeof word);
    if (!not_plain(word)) {
      memcpy(out + size - sizeof word, &word, sizeof word);
      return size;
    }
  }
  for (; done < size && plain[s[done]]; done++)
    out[done] = (char)s[done];
  return done;
}

pe_error pe_json_write_string(pe_buffer *out, const char *text, size_t size) {
  const unsigned char *s = (const unsigned char *)text;
  const unsigned char *end = s + size;
  pe_error error;

  /* Longer than all that is left: said without reading megabytes of it. The rest is copied without another look. */
  if (size > out->ceiling - out->size) return PE_TOO_LARGE;
  error = pe_buffer_append_byte(out, '"');
  while (error == PE_OK && s < end) {
    size_t taken;
    error = pe_buffer_reserve(out, (size_t)(end - s));
    if (error) break;
    taken = copy_plain(out->data + out->size, s, (size_t)(end - s));
    out->size += taken;
    s += taken;
    taken = 0;
    if (s < end) error = write_special(out, s, (size_t)(end - s), &taken);
    s += taken;
  }
  return error == PE_OK ? pe_buffer_append_byte(out, '"') : error;
}

pe_error pe_json_write_integer(pe_buffer *out, int64_t value) {
  char digits[20]; /* 19 digits and a sign */
  char *first = digits + sizeof digits;
  uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

  do {
    *--first = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest > 0);
  if (value < 0) *--first = '-';
  return pe_buffer_append(out, first, (size_t)(digits + sizeof digits - first));
}

static bool is_number_byte(char c) {
  return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == 'e';
}

/* printf writes the locale's decimal point, which may be several bytes long. It stands for one '.'. */
static size_t replace_point(char *text, size_t size) {
  size_t out = 0;
  for (size_t in = 0; in < size; in++) {
    if (is_number_byte(text[in]))
      text[out++] = text[in];
    else if (out == 0 || text[out - 1] != '.')
      text[out++] = '.';
  }
  return out;
}

static pe_error write_fraction(pe_buffer *out, double value) {
  char text[64]; /* 17 digits, sign, exponent, and a point of up to 16 bytes */
  int size = 0;

  for (int precision = 15; precision <= 17; precision++) {
    size = snprintf(text, sizeof text, "%.*g", precision, value);
    if (strtod(text, NULL) == value) break; /* the same locale reads what it wrote */
  }
  return pe_buffer_append(out, text, replace_point(text, (size_t)size));
}

pe_error pe_json_write_number(pe_buffer *out, double value) {
  const double exact = 9007199254740992.0; /* 2^53 */

  if (!isfinite(value)) return PE_INVALID_EVENT;
  if (value >= -exact && value <= exact && value == (double)(int64_t)value)
    return pe_json_write_integer(out, (int64_t)value);
  return write_fraction(out, value);
}
