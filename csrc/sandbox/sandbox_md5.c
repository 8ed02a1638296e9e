#include "sandbox/sandbox_md5.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = 64, LENGTH = 8 /* bytes, at the end of the last block */, WORDS = 4, DIGEST = 16 };

/* The whole parts of 2^32 times the sine of 1, 2, ... 64, without its sign. */
static const uint32_t SINES[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};

static const unsigned TURNS[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

static uint32_t read_word(const unsigned char *bytes) {
  return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static uint32_t turn(uint32_t value, unsigned bits) {
  return value << bits | value >> (32 - bits);
}

/* What a step mixes of b, c and d, and which word of the block it takes; the rounds are of 16 steps each. */
static uint32_t mix(unsigned step, const uint32_t state[WORDS], unsigned *word) {
  uint32_t b = state[1], c = state[2], d = state[3];

  switch (step / 16) {
  case 0: *word = step; return (b & c) | (~b & d);
  case 1: *word = (5 * step + 1) % 16; return (d & b) | (~d & c);
  case 2: *word = (3 * step + 5) % 16; return b ^ c ^ d;
  default: *word = 7 * step % 16; return c ^ (b | ~d);
  }
}

static void add_block(uint32_t sum[WORDS], const unsigned char block[BLOCK]) {
  uint32_t state[WORDS];

  memcpy(state, sum, sizeof state);
  for (unsigned step = 0; step < 64; step++) {
    unsigned word;
    uint32_t mixed = state[0] + mix(step, state, &word) + SINES[step];
    mixed += read_word(block + 4 * (size_t)word);
    state[0] = state[3];
    state[3] = state[2];
    state[2] = state[1];
    state[1] += turn(mixed, TURNS[step / 16][step % 4]);
  }
  for (int i = 0; i < WORDS; i++)
    sum[i] += state[i];
}

/* The rest of the text, a bit, zeros, and the length of the whole in bits: one block, or two. */
static void add_end(uint32_t sum[WORDS], const unsigned char *rest, size_t size, uint64_t whole) {
  unsigned char last[2 * BLOCK] = {0};
  size_t end = size < BLOCK - LENGTH ? BLOCK : 2 * BLOCK;

  memcpy(last, rest, size);
  last[size] = 0x80;
  for (int i = 0; i < LENGTH; i++)
    last[end - LENGTH + (size_t)i] = (unsigned char)(whole * 8 >> 8 * i);
  for (size_t at = 0; at < end; at += BLOCK)
    add_block(sum, last + at);
}

int sandbox_md5(lua_State *L) {
  size_t size, at = 0;
  const unsigned char *text = (const unsigned char *)luaL_checklstring(L, 1, &size);
  uint32_t sum[WORDS] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  char digits[2 * DIGEST + 1];

  for (; size - at >= BLOCK; at += BLOCK)
    add_block(sum, text + at);
  add_end(sum, text + at, size - at, size);
  for (int i = 0; i < DIGEST; i++)
    (void)snprintf(digits + 2 * (size_t)i, 3, "%02x", (unsigned)(sum[i / 4] >> 8 * (i % 4)) & 0xff); /* it fits */
  lua_pushlstring(L, digits, sizeof digits - 1);
  return 1;
}
