/* Out of memory at every allocation that a spool and SQLite make, to open, write, finish, read back, adopt and close:
 * nothing that was accepted is lost or delivered twice, and nothing leaks. */
#include <unistd.h>

#include "failing_malloc.h"
#include "spooling.h"

enum { EACH = 6, EVENTS = 2 * EACH };

/* A power cut is no part of this, and it takes its time. */
__attribute__((visibility("default"))) int fsync(int file);
int fsync(int file) {
  (void)file;
  return 0;
}

__attribute__((visibility("default"))) int fdatasync(int file);
int fdatasync(int file) {
  return fsync(file);
}

static void push_each(spooling *self, unsigned first) {
  for (unsigned i = first; i < first + EACH; i++) {
    while (!spooling_push(self, i)) { /* refused, and told so; or the window is full of what is not written */
      (void)spooling_cycle(self);
      spooling_now += PE_SECOND;
    }
    spooling_run(self);
  }
}

static void leave_some(void) {
  spooling self;
  spooling_start(&self);
  push_each(&self, 0);
  spooling_stop(&self);
}

/* All that a spool does, with the nth allocation failing. Returns whether one did. */
static bool live(long n) {
  pe_spool_config config = spooling_config();
  void *none = NULL;
  spooling self;
  unsigned missing, twice;
  bool failed;

  leave_some();
  failing_malloc_at(n);
  while (spooling_start_with(&self, &config) != PE_OK) /* once */
    ;
  push_each(&self, EACH);
  spooling_drain(&self);
  assert_int_equal(accounted(self.queue).outcomes[PE_DROPPED], 0);
  spooling_stop(&self);
  failed = failing_malloc_end();
  spooling_start(&self); /* what the failure has left on disk */
  spooling_drain(&self);
  spooling_stop(&self);
  spooling_judge(EVENTS, &missing, &twice);
  assert_int_equal(missing, 0);
  if (!failed) assert_int_equal(twice, 0);
  assert_true(twice <= SPOOLING_WIDTH);
  assert_int_equal(spooling_files(".damaged"), 0);
  assert_int_equal(spooling_tear_down(&none), 0);
  assert_int_equal(spooling_set_up(&none), 0);
  return failed;
}

static void test_survives_the_want_of_each_allocation(void **state) {
  long before, n = 1;
  (void)state;
  (void)live(0); /* what libraries allocate once and keep */
  before = failing_malloc_live();
  while (live(n)) {
    assert_int_equal(failing_malloc_live(), before);
    n += n < 400 ? 1 : 7;
  }
  assert_true(n > 300);
}

#define SPOOLING(function) cmocka_unit_test_setup_teardown(function, spooling_set_up, spooling_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {SPOOLING(test_survives_the_want_of_each_allocation)};
  if (!pe_spool_version()) return 0; /* a build without SQLite */
  return cmocka_run_group_tests(tests, spooling_use_clock, NULL);
}
