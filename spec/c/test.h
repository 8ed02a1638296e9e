/* What every C test includes: cmocka, in the order that it wants. */
#ifndef PE_TEST_H
#define PE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TEST(function) cmocka_unit_test(function)

/* Whether ThreadSanitizer watches: it does not know threads that a forked child starts. */
#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif

/* For pe_worker_prepare. */
static inline bool nothing_to_begin(void) {
  return true;
}

#endif
