#include "failing_malloc.h"

#include <stdatomic.h>
#include <stddef.h>

/* Seen by the libraries too, whatever the visibility is otherwise. */
#define EXPORT __attribute__((visibility("default")))

EXPORT void *malloc(size_t size);
EXPORT void *calloc(size_t count, size_t size);
EXPORT void *realloc(void *old, size_t size);
EXPORT void free(void *block);

/* glibc's own, under the names that it keeps for those who replace malloc. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void __libc_free(void *block);

static __thread long countdown; /* 0: nothing fails */
static __thread bool failed;
static atomic_long live; /* a library may start a thread */

static bool fails(void) {
  if (countdown == 0 || --countdown > 0) return false;
  failed = true;
  return true;
}

void *malloc(size_t size) {
  void *block = fails() ? NULL : __libc_malloc(size);
  live += block != NULL;
  return block;
}

void *calloc(size_t count, size_t size) {
  void *block = fails() ? NULL : __libc_calloc(count, size);
  live += block != NULL;
  return block;
}

void *realloc(void *old, size_t size) {
  void *block;
  if (fails()) return NULL;
  block = __libc_realloc(old, size);
  live += !old && block;
  live -= old && !block && size == 0;
  return block;
}

void free(void *block) {
  live -= block != NULL;
  __libc_free(block);
}

void failing_malloc_at(long n) {
  failed = false;
  countdown = n;
}

bool failing_malloc_end(void) {
  countdown = 0;
  return failed;
}

long failing_malloc_live(void) {
  return live;
}
