/* A worker's thread has a name, which `top` and a debugger show. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/worker.h"
#include "test.h"

#if defined(__linux__)

static const int64_t LONG_ENOUGH = 20 * PE_SECOND; /* only a test that fails waits for so long */

static bool asked; /* atomic */

static void run(pe_worker *worker) {
  while (!__atomic_load_n(&asked, __ATOMIC_RELAXED)) {
    pe_worker_rest(worker);
    pe_clock_sleep(PE_MILLISECOND);
    pe_worker_resume(worker);
  }
}

static void finish(pe_worker *worker, int64_t deadline) {
  (void)worker, (void)deadline;
  __atomic_store_n(&asked, true, __ATOMIC_RELAXED);
}

/* How many threads of this process have that name. */
static int threads_named(const char *name) {
  DIR *tasks = opendir("/proc/self/task");
  int count = 0;

  assert_non_null(tasks);
  for (struct dirent *task = readdir(tasks); task; task = readdir(tasks)) {
    char path[300], comm[32] = "";
    FILE *file;
    (void)snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
    file = fopen(path, "r"); /* `.` and `..` have none */
    if (!file) continue;
    if (fgets(comm, sizeof comm, file)) comm[strcspn(comm, "\n")] = '\0';
    (void)fclose(file);
    if (strcmp(comm, name) == 0) count++;
  }
  (void)closedir(tasks);
  return count;
}

static void is_seen_while_the_thread_runs_and_is_not_the_programs(void **state) {
  pe_worker worker = {.group = &asked, .run = run, .finish = finish};
  int64_t deadline = pe_clock_monotonic() + LONG_ENOUGH;
  (void)state;
  assert_true(pe_worker_prepare(nothing_to_begin));
  assert_int_equal(threads_named("postevent"), 0);
  assert_true(pe_worker_start(&worker));
  while (threads_named("postevent") == 0 && pe_clock_monotonic() < deadline)
    continue;
  assert_int_equal(threads_named("postevent"), 1);
  finish(&worker, 0);
  assert_true(pe_worker_join(&worker, pe_clock_monotonic() + LONG_ENOUGH));
}

#else

static void is_seen_while_the_thread_runs_and_is_not_the_programs(void **state) {
  (void)state;
  skip(); /* there is no /proc to read it from */
}

#endif

int main(void) {
  const struct CMUnitTest tests[] = {TEST(is_seen_while_the_thread_runs_and_is_not_the_programs)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
