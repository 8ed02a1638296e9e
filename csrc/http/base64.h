/* Base64 (RFC 4648, 4), and base64url (5) where it is read. Any thread. */
#ifndef PE_BASE64_H
#define PE_BASE64_H

#include <stddef.h>

/* The value of a digit of either; 64: it is none. */
static inline unsigned pe_base64_digit(unsigned char c) {
  if (c >= 'a' && c <= 'z') return c - 'a' + 26U;
  if (c >= 'A' && c <= 'Z') return c - 'A' + 0U;
  if (c >= '0' && c <= '9') return c - '0' + 52U;
  if (c == '+' || c == '-') return 62;
  return c == '/' || c == '_' ? 63 : 64;
}

/* Without padding; `out` has room for 4 bytes for each 3, and 4 more. Returns the size. */
size_t pe_base64_encode(const char *bytes, size_t size, char *out);

/* Up to what is no digit; `out` has room for `size` bytes. Returns the size. */
size_t pe_base64_decode(const char *text, size_t size, char *out);

#endif
