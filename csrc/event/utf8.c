#include "event/utf8.h"

#include <stdbool.h>

/* What may follow a lead byte: how many bytes in all, and the range of the second one (RFC 3629, 4). */
typedef struct shape {
  size_t length; /* 0: no character begins with it */
  unsigned char least, most;
} shape;

static shape shape_of(unsigned char lead) {
  if (lead >= 0xc2 && lead <= 0xdf) return (shape){2, 0x80, 0xbf};
  if (lead == 0xe0) return (shape){3, 0xa0, 0xbf}; /* below: overlong */
  if (lead == 0xed) return (shape){3, 0x80, 0x9f}; /* above: surrogates */
  if (lead >= 0xe1 && lead <= 0xef) return (shape){3, 0x80, 0xbf};
  if (lead == 0xf0) return (shape){4, 0x90, 0xbf}; /* below: overlong */
  if (lead >= 0xf1 && lead <= 0xf3) return (shape){4, 0x80, 0xbf};
  if (lead == 0xf4) return (shape){4, 0x80, 0x8f}; /* above: U+110000 and more */
  return (shape){0, 0, 0};
}

/* How many of the bytes at `s` are a character or the beginning of one; 0: not even the first. */
static size_t matched(const unsigned char *s, size_t left, shape wanted) {
  size_t most = wanted.length < left ? wanted.length : left;
  size_t count = most > 0 ? 1 : 0;

  if (most > 1 && s[1] >= wanted.least && s[1] <= wanted.most) {
    count = 2;
    while (count < most && (s[count] & 0xc0) == 0x80)
      count++;
  }
  return count;
}

size_t pe_utf8_length(const unsigned char *s, size_t left) {
  shape wanted = shape_of(s[0]);
  return wanted.length > 0 && matched(s, left, wanted) == wanted.length ? wanted.length : 0;
}

size_t pe_utf8_broken(const unsigned char *s, size_t left) {
  size_t count = matched(s, left, shape_of(s[0]));
  return count > 0 ? count : 1;
}
