#include "failing_malloc.h"

#include <errno.h>
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
static __thread bool is_home;       /* the thread that asked for failures elsewhere */
static atomic_long elsewhere;       /* allocations until the first that fails */
static atomic_long elsewhere_count; /* how many fail then */
static atomic_bool elsewhere_failed;
static atomic_long live; /* a library may start a thread */

static bool fails_elsewhere(void) {
  if (is_home || elsewhere_count <= 0 || elsewhere-- > 0 || elsewhere_count-- <= 0) return false;
  elsewhere_failed = true;
  return true;
}

static bool fails_here(void) {
  if (countdown == 0 || --countdown > 0) return false;
  failed = true;
  return true;
}

/* glibc's callers of malloc rely on errno. */
static bool fails(void) {
  if (!fails_elsewhere() && !fails_here()) return false;
  errno = ENOMEM;
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

void failing_malloc_elsewhere_at(long n, long count) {
  is_home = true;
  elsewhere_failed = false;
  elsewhere = n - 1;
  elsewhere_count = n > 0 ? count : 0;
}

bool failing_malloc_end(void) {
  countdown = 0;
  elsewhere_count = 0;
  return failed || elsewhere_failed;
}

long failing_malloc_live(void) {
  return live;
}
