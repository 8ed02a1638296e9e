/* What every fuzz target includes. A target takes any bytes, and ends the process where a claim does not hold. */
#ifndef PE_FUZZ_H
#define PE_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CLAIM(condition) ((condition) ? (void)0 : claim_failed(#condition, __FILE__, __LINE__))

static inline void claim_failed(const char *condition, const char *file, int line) {
  fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
  abort();
}

/* The bytes in a block of exactly their size, so that a read beyond them is seen; for the caller to free. */
static inline char *fuzz_copy(const void *bytes, size_t size) {
  char *copy = malloc(size > 0 ? size : 1);
  if (!copy) abort();
  if (size > 0) memcpy(copy, bytes, size);
  return copy;
}

#endif
