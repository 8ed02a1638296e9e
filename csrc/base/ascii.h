/* Letters of ASCII, whatever the host's locale makes of them: in a Turkish one the small letter of I is not i, says the
 * C library. Names of headers, schemes and hosts are ASCII. Any thread. */
#ifndef PE_ASCII_H
#define PE_ASCII_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static inline char pe_ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static inline bool pe_ascii_is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* The value of a hexadecimal digit; -1: it is none. */
static inline int pe_ascii_hex(char c) {
  if (pe_ascii_is_digit(c)) return c - '0';
  c = pe_ascii_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Whether the text begins with the first `size` bytes of `word`, whatever the case. No byte behind the first that
 * differs is read: a text that ends with NUL may be shorter than the word. */
static inline bool pe_ascii_begins(const char *text, const char *word, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (pe_ascii_lower(text[i]) != pe_ascii_lower(word[i])) return false;
  return true;
}

/* Whether two texts that end with NUL are the same, whatever the case. */
static inline bool pe_ascii_is_same(const char *text, const char *word) {
  return pe_ascii_begins(text, word, strlen(word) + 1);
}

#endif
