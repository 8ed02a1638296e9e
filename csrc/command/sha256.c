#include "command/sha256.h"

#include <stdio.h>
#include <string.h>

/* The fractions of the cube roots of the first 64 primes (4.2.2). */
static const uint32_t rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t turn(uint32_t word, int bits) {
  return (word >> bits) | (word << (32 - bits));
}

void pe_sha256_init(pe_sha256 *digest) {
  static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  memcpy(digest->state, start, sizeof start);
  digest->size = 0;
}

/* The words of a block, and those that are made of them (6.2.2, step 1). */
static void schedule(const unsigned char *block, uint32_t words[64]) {
  for (int i = 0; i < 16; i++, block += 4)
    words[i] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 | (uint32_t)block[2] << 8 | block[3];
  for (int i = 16; i < 64; i++) {
    uint32_t a = words[i - 15], b = words[i - 2];
    uint32_t low = turn(a, 7) ^ turn(a, 18) ^ (a >> 3);
    uint32_t high = turn(b, 17) ^ turn(b, 19) ^ (b >> 10);
    words[i] = words[i - 16] + low + words[i - 7] + high;
  }
}

/* One round; the eight words change places instead of moving on. */
static inline void mix(uint32_t s[8], int i, uint32_t word) {
  uint32_t a = s[(0 - i) & 7], b = s[(1 - i) & 7], c = s[(2 - i) & 7];
  uint32_t e = s[(4 - i) & 7], f = s[(5 - i) & 7], g = s[(6 - i) & 7];
  uint32_t first = s[(7 - i) & 7] + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + word;

  s[(3 - i) & 7] += first;
  s[(7 - i) & 7] = first + (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
}

static void add_block(uint32_t state[8], const unsigned char *block) {
  uint32_t words[64], s[8];

  schedule(block, words);
  memcpy(s, state, sizeof s);
  for (int i = 0; i < 64; i += 8)
    for (int j = 0; j < 8; j++) /* unrolled by the compiler */
      mix(s, j, rounds[i + j] + words[i + j]);
  for (int i = 0; i < 8; i++)
    state[i] += s[i];
}

void pe_sha256_add(pe_sha256 *digest, const void *bytes, size_t size) {
  const unsigned char *next = bytes;
  size_t filled = digest->size % PE_SHA256_BLOCK;

  digest->size += size;
  while (size > 0) {
    size_t part = PE_SHA256_BLOCK - filled;
    if (part > size) part = size;
    memcpy(digest->block + filled, next, part);
    filled += part;
    next += part;
    size -= part;
    if (filled < PE_SHA256_BLOCK) return;
    add_block(digest->state, digest->block);
    filled = 0;
  }
}

void pe_sha256_end(pe_sha256 *digest, char hex[PE_SHA256_HEX + 1]) {
  static const unsigned char padding[PE_SHA256_BLOCK] = {0x80};
  uint64_t bits = digest->size * 8;
  size_t filled = digest->size % PE_SHA256_BLOCK;
  unsigned char length[8];

  for (int i = 0; i < 8; i++)
    length[i] = (unsigned char)(bits >> (56 - 8 * i));
  pe_sha256_add(digest, padding, (filled < 56 ? 56 : 120) - filled);
  pe_sha256_add(digest, length, sizeof length);
  for (int i = 0; i < 8; i++)
    (void)snprintf(hex + 8 * i, 9, "%08x", (unsigned)digest->state[i]);
}
