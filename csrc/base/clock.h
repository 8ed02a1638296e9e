/* Wall and monotonic time. Tests replace it with pe_clock_use; everything that decides takes `now` as an argument.
 * Any thread may read; only a test, before it starts a thread, may replace. */
#ifndef PE_CLOCK_H
#define PE_CLOCK_H

#include <stdint.h>

#define PE_SECOND      INT64_C(1000000000) /* nanoseconds */
#define PE_MILLISECOND INT64_C(1000000)

typedef struct pe_clock {
  int64_t (*wall)(void);      /* nanoseconds since 1970, UTC; may be set back and forth */
  int64_t (*monotonic)(void); /* nanoseconds since some moment; never goes back */
  void (*sleep)(int64_t nanoseconds);
} pe_clock;

int64_t pe_clock_wall(void);
int64_t pe_clock_monotonic(void);

/* Sleeps that long, through signals. For `post` only, which blocks its caller by contract. */
void pe_clock_sleep(int64_t nanoseconds);

/* Replaces the clock; NULL brings the real one back. `clock` is borrowed. */
void pe_clock_use(const pe_clock *clock);

#endif
