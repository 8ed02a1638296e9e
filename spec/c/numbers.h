/* Numbers that look random and are the same in every run (xorshift64*): a failure can be repeated. */
#ifndef PE_TEST_NUMBERS_H
#define PE_TEST_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

typedef struct numbers {
  uint64_t state; /* not 0 */
} numbers;

/* A number below `limit`. */
static inline size_t below(numbers *random, size_t limit) {
  random->state ^= random->state >> 12;
  random->state ^= random->state << 25;
  random->state ^= random->state >> 27;
  return (size_t)((random->state * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % limit;
}

#endif
