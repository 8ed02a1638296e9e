/* Every call to the system that a spool makes fails, in turn, and all of them for a while: nothing that was accepted is
 * lost, what it says of itself is true, it never asks to run again at once for ever, and leaves no file behind. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spooling.h"

/* ---- what fails: the system's functions, in front of which we stand for SQLite, too ---- */

static long countdown; /* to the first that fails; 0: none does */
static long failing;   /* how many do */
static int with;       /* errno */
static bool has_failed;
static bool is_full; /* and what writes does, until it is over */

static bool fails(void) {
  if (countdown == 0) return false;
  if (countdown > 1) {
    countdown--;
    return false;
  }
  if (failing-- <= 0) return false;
  has_failed = true;
  errno = with;
  return true;
}

static void fail_at(long n, long count, int error) {
  countdown = n;
  failing = count;
  with = error;
  has_failed = false;
}

#define EXPORT __attribute__((visibility("default")))
#define STAND_BEFORE(type, name, parameters, arguments)                                                                \
  EXPORT type name parameters;                                                                                         \
  type name parameters {                                                                                               \
    static type(*real) parameters;                                                                                     \
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name);                                                              \
    return fails() ? (type)-1 : real arguments;                                                                        \
  }
#define STAND_BEFORE_OPEN(name)                                                                                        \
  EXPORT int name(const char *path, int flags, ...);                                                                   \
  int name(const char *path, int flags, ...) {                                                                         \
    static int (*real)(const char *, int, ...);                                                                        \
    va_list rest;                                                                                                      \
    int mode;                                                                                                          \
    va_start(rest, flags);                                                                                             \
    mode = flags & O_CREAT ? va_arg(rest, int) : 0;                                                                    \
    va_end(rest);                                                                                                      \
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name);                                                              \
    return fails() ? -1 : real(path, flags, mode);                                                                     \
  }
#define STAND_BEFORE_FCNTL(name)                                                                                       \
  EXPORT int name(int file, int command, ...);                                                                         \
  int name(int file, int command, ...) {                                                                               \
    static int (*real)(int, int, ...);                                                                                 \
    va_list rest;                                                                                                      \
    void *argument;                                                                                                    \
    va_start(rest, command);                                                                                           \
    argument = va_arg(rest, void *);                                                                                   \
    va_end(rest);                                                                                                      \
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name);                                                              \
    if (command == F_SETLK && ((struct flock *)argument)->l_type == F_UNLCK) return real(file, command, argument);     \
    return command == F_SETLK && fails() ? -1 : real(file, command, argument);                                         \
  }

STAND_BEFORE_OPEN(open)
STAND_BEFORE_OPEN(open64)
STAND_BEFORE_FCNTL(fcntl)
STAND_BEFORE_FCNTL(fcntl64)

EXPORT ssize_t pwrite64(int file, const void *bytes, size_t size, off_t at);
ssize_t pwrite64(int file, const void *bytes, size_t size, off_t at) {
  static ssize_t (*real)(int, const void *, size_t, off_t);
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pwrite64");
  if (is_full) errno = ENOSPC;
  return is_full || fails() ? -1 : real(file, bytes, size, at);
}

STAND_BEFORE(ssize_t, pread64, (int file, void *bytes, size_t size, off_t at), (file, bytes, size, at))
STAND_BEFORE(int, ftruncate64, (int file, off_t size), (file, size))

EXPORT int fsync(int file);
int fsync(int file) {
  (void)file; /* a power cut is no part of this, and it takes its time */
  return fails() ? -1 : 0;
}

EXPORT int fdatasync(int file);
int fdatasync(int file) {
  return fsync(file);
}

/* SQLite waits ten seconds for locks that somebody may hold. */
EXPORT int usleep(useconds_t microseconds);
int usleep(useconds_t microseconds) {
  (void)microseconds;
  return 0;
}

STAND_BEFORE(int, mkdir, (const char *path, mode_t mode), (path, mode))
STAND_BEFORE(int, rename, (const char *from, const char *to), (from, to))

static unsigned count_descriptors(void) {
  DIR *directory = opendir("/proc/self/fd");
  unsigned count = 0;
  assert_non_null(directory);
  while (readdir(directory))
    count++;
  (void)closedir(directory);
  return count;
}

/* ---- a life ---- */

enum { EACH = 8, EVENTS = 3 * EACH, MANY = 1 << 30 };

static void push_each(spooling *self, unsigned first) {
  for (unsigned i = first; i < first + EACH; i++) {
    while (!spooling_push(self, i)) {
      (void)spooling_cycle(self); /* the window is full of what is not written */
      assert_true(accounted(self->queue).pending < EVENTS);
    }
    if (i % 3 == 0) spooling_run(self);
  }
}

/* Another process leaves events and dead letters, some of them read back before. */
static void leave_some(void) {
  spooling self;
  spooling_start(&self);
  push_each(&self, 0);
  spooling_run(&self);
  for (int i = 0; i < 3; i++)
    (void)spooling_cycle(&self);
  spooling_stop(&self);
}

static void never_spins(spooling *self) {
  for (int i = 0; i < 20; i++)
    spooling_run(self);
  assert_true(pe_spool_next(self->spool) > spooling_now || accounted(self->queue).in_flight > 0);
}

/* What the failure has left on disk, another life finds. */
static void look_again(spooling *self) {
  spooling_start(self);
  spooling_drain(self);
  spooling_stop(self);
}

/* Each event that was refused has left a dead letter, or none that is counted. One may be there twice, or be counted
 * though it is there: a commit that failed may have been made. */
static void has_its_dead(const pe_counters *counters) {
  const pe_spool_gauges *spool = &counters->spool;
  uint64_t rejected = 0;
  for (unsigned i = 0; i < EVENTS; i++)
    rejected += spooling_rejected[i];
  assert_in_range(spool->dead + spool->dead_dropped + spool->dead_lost, rejected, rejected + 1);
}

/* The nth call fails, and those behind it. Returns whether one did. */
static bool live(long n, long count, int error) {
  spooling self;
  unsigned before = count_descriptors(), missing, twice;
  pe_counters counters;
  bool failed;

  leave_some();
  spooling_start(&self);
  fail_at(n, count, error);
  push_each(&self, EACH);
  spooling_run(&self);
  never_spins(&self);
  (void)spooling_cycle(&self);
  if (count == MANY) {
    for (int i = 0; i < 10; i++) {
      spooling_now += 31 * PE_SECOND;
      (void)spooling_cycle(&self);
      never_spins(&self);
    }
    countdown = 0;
  }
  push_each(&self, 2 * EACH);
  spooling_drain(&self);
  counters = accounted(self.queue);
  has_its_dead(&counters);
  failed = has_failed;
  spooling_stop(&self);
  countdown = 0;
  failed = failed || has_failed;
  if (failed) look_again(&self);
  spooling_judge(EVENTS, &missing, &twice);
  assert_int_equal(counters.outcomes[PE_DROPPED], 0);
  assert_int_equal(missing, 0);
  if (!failed) assert_int_equal(twice, 0);
  if (count == MANY) assert_int_equal(counters.spool.damaged, 0); /* the files were good all the time */
  assert_int_equal(count_descriptors(), before);
  return failed;
}

/* Or each so many. */
static void each_call_may_fail(int error, long step, long count) {
  void *none = NULL;
  long n = 1;
  for (; live(n, count, error); n += step) {
    assert_int_equal(spooling_tear_down(&none), 0);
    assert_int_equal(spooling_set_up(&none), 0);
  }
  assert_true(n > 100);
}

static void test_survives_an_error_of_each(void **state) {
  (void)state;
  each_call_may_fail(EIO, 1, 1);
}

static void test_survives_a_full_disk_at_each(void **state) {
  (void)state;
  each_call_may_fail(ENOSPC, 3, 1);
}

static void test_survives_locks_that_are_not_there(void **state) {
  (void)state;
  each_call_may_fail(ENOLCK, 3, 1);
}

static void test_survives_them_all_for_a_while(void **state) {
  (void)state;
  each_call_may_fail(EIO, 11, MANY);
}

/* Takes the first four, which are on disk, and gives one of them back: it leaves memory for the fifth, and the others
 * stand behind it on disk. */
static void take_four(spooling *self, pe_record *records[4]) {
  for (unsigned i = 0; i < 4; i++)
    assert_true(spooling_push(self, i));
  spooling_run(self);
  for (int i = 0; i < 4; i++) {
    records[i] = pe_queue_take(self->queue, PE_PICK_DUE, spooling_now);
    assert_non_null(records[i]);
  }
  assert_true(pe_queue_retry(self->queue, records[0], spooling_now, NULL));
  assert_true(spooling_push(self, 4));
  spooling_run(self);
  assert_int_equal(accounted(self->queue).on_disk, 2);
}

/* What has ended is still on a disk that is too full even to take it out. From there it does not come back: not what
 * ended before that was known, and not what ends later. */
static void test_reads_nothing_back_that_has_ended(void **state) {
  spooling self;
  pe_record *records[4];
  unsigned missing, twice;
  (void)state;
  spooling_start(&self);
  take_four(&self, records);
  is_full = true;
  spooling_end(&self, records[1]);
  spooling_end(&self, records[2]);
  spooling_run(&self);
  assert_int_equal(accounted(self.queue).spool.state, PE_SPOOL_FULL);
  spooling_end(&self, records[3]);
  for (int i = 0; i < 4; i++) {
    (void)spooling_cycle(&self);
    spooling_now += 2 * PE_SECOND;
  }
  is_full = false;
  spooling_drain(&self);
  spooling_stop(&self);
  look_again(&self);
  spooling_judge(5, &missing, &twice);
  assert_int_equal(missing, 0);
  assert_int_equal(twice, 0);
}

#define SPOOLING(function) cmocka_unit_test_setup_teardown(function, spooling_set_up, spooling_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      SPOOLING(test_survives_an_error_of_each),         SPOOLING(test_survives_a_full_disk_at_each),
      SPOOLING(test_survives_locks_that_are_not_there), SPOOLING(test_survives_them_all_for_a_while),
      SPOOLING(test_reads_nothing_back_that_has_ended),
  };
  if (!pe_spool_version()) return 0; /* a build without SQLite */
  return cmocka_run_group_tests(tests, spooling_use_clock, NULL);
}
