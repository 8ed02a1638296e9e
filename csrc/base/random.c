#include "base/random.h"

#include <string.h>
#include <unistd.h>
#if defined(__APPLE__)
#include <sys/random.h>
#endif

#include "base/clock.h"

static uint64_t split_mix(uint64_t *state) {
  uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static void weak_bytes(unsigned char *bytes, size_t size) {
  uint64_t state = (uint64_t)pe_clock_monotonic() ^ (uint64_t)(uintptr_t)&state ^ ((uint64_t)getpid() << 32);
  for (size_t i = 0; i < size; i++)
    bytes[i] = (unsigned char)split_mix(&state);
}

void pe_random_bytes(void *bytes, size_t size) {
  if (getentropy(bytes, size) != 0) weak_bytes(bytes, size);
}

double pe_random_unit(void) {
  uint64_t bits;
  pe_random_bytes(&bits, sizeof bits);
  return (double)(bits >> 11) * 0x1.0p-53;
}

void pe_random_uuid7(char text[PE_UUID_LENGTH + 1], int64_t wall_now) {
  static const char digits[] = "0123456789abcdef";
  uint64_t milliseconds = (uint64_t)(wall_now / PE_MILLISECOND);
  unsigned char id[16];
  char *out = text;

  for (int i = 0; i < 6; i++)
    id[i] = (unsigned char)(milliseconds >> (40 - 8 * i));
  pe_random_bytes(id + 6, sizeof id - 6);
  id[6] = (unsigned char)(0x70 | (id[6] & 0x0f)); /* version 7 */
  id[8] = (unsigned char)(0x80 | (id[8] & 0x3f)); /* the variant of the RFC */
  for (int i = 0; i < 16; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *out++ = '-';
    *out++ = digits[id[i] >> 4];
    *out++ = digits[id[i] & 0x0f];
  }
  *out = '\0';
}
