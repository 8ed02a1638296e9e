#include "http/base64.h"

static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t pe_base64_encode(const char *bytes, size_t size, char *out) {
  size_t written = 0;
  unsigned held = 0, bits = 0;

  for (size_t i = 0; i < size; i++) {
    held = held << 8 | (unsigned char)bytes[i];
    for (bits += 8; bits >= 6; bits -= 6)
      out[written++] = DIGITS[held >> (bits - 6) & 63];
  }
  if (bits > 0) out[written++] = DIGITS[held << (6 - bits) & 63];
  return written;
}

size_t pe_base64_decode(const char *text, size_t size, char *out) {
  size_t written = 0;
  unsigned held = 0, bits = 0;

  for (size_t i = 0; i < size && pe_base64_digit((unsigned char)text[i]) < 64; i++) {
    held = held << 6 | pe_base64_digit((unsigned char)text[i]);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out[written++] = (char)(held >> bits & 255);
  }
  return written;
}
