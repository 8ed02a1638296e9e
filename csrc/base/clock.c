#include "base/clock.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>

static int64_t read_clock(clockid_t id) {
  struct timespec now;
  (void)clock_gettime(id, &now); /* cannot fail for the two clocks that every POSIX system has */
  return (int64_t)now.tv_sec * PE_SECOND + now.tv_nsec;
}

static int64_t real_wall(void) {
  return read_clock(CLOCK_REALTIME);
}

static int64_t real_monotonic(void) {
  return read_clock(CLOCK_MONOTONIC);
}

static void real_sleep(int64_t nanoseconds) {
  struct timespec left;
  left.tv_sec = (time_t)(nanoseconds / PE_SECOND);
  left.tv_nsec = (long)(nanoseconds % PE_SECOND);
  while (nanosleep(&left, &left) == -1 && errno == EINTR)
    continue;
}

static const pe_clock real_clock = {real_wall, real_monotonic, real_sleep};
static const pe_clock *current = &real_clock;

int64_t pe_clock_wall(void) {
  return current->wall();
}

int64_t pe_clock_monotonic(void) {
  return current->monotonic();
}

void pe_clock_sleep(int64_t nanoseconds) {
  if (nanoseconds > 0) current->sleep(nanoseconds);
}

void pe_clock_use(const pe_clock *clock) {
  current = clock ? clock : &real_clock;
}
