/* The life of threads: started, joined in time, left behind, ended with their group, forgotten in a forked child, and
 * over before exit() takes things away. Children do what a test cannot do twice, or may not survive. */
#include "base/worker.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "quiet_fork.h"
#include "test.h"

enum { MANY = 20 };

static const int64_t LONG_ENOUGH = 20 * PE_SECOND; /* only a test that fails waits for so long */

static int groups[2];

/* A worker that sleeps until it is asked to finish. */
typedef struct sleeper {
  pe_worker worker;
  pe_mutex lock;
  pe_cond bell;
  /* guarded by lock */
  bool asked;
  int64_t deadline;
  bool stubborn; /* does not end when it is asked */
  bool done;     /* the end of `run` */
} sleeper;

static int disposed; /* atomic */

static void *until_asked(sleeper *self) {
  pe_mutex_lock(&self->lock);
  while (!self->asked || self->stubborn) {
    pe_mutex_unlock(&self->lock);
    pe_worker_rest(&self->worker);
    pe_mutex_lock(&self->lock);
    if (!self->asked || self->stubborn) (void)pe_cond_wait(&self->bell, &self->lock, LONG_ENOUGH);
    pe_mutex_unlock(&self->lock);
    pe_worker_resume(&self->worker);
    pe_mutex_lock(&self->lock);
  }
  self->done = true;
  pe_mutex_unlock(&self->lock);
  return NULL;
}

static void run(pe_worker *worker) {
  (void)until_asked((sleeper *)worker);
}

static void ask(pe_worker *worker, int64_t deadline) {
  sleeper *self = (sleeper *)worker;
  pe_mutex_lock(&self->lock);
  self->asked = true;
  self->deadline = deadline;
  pe_cond_broadcast(&self->bell);
  pe_mutex_unlock(&self->lock);
}

static void relent(sleeper *self) {
  pe_mutex_lock(&self->lock);
  self->stubborn = false;
  pe_cond_broadcast(&self->bell);
  pe_mutex_unlock(&self->lock);
}

static bool is_done(sleeper *self) {
  bool done;
  pe_mutex_lock(&self->lock);
  done = self->done;
  pe_mutex_unlock(&self->lock);
  return done;
}

static void free_sleeper(sleeper *self) {
  pe_cond_destroy(&self->bell);
  pe_mutex_destroy(&self->lock);
  free(self);
}

static void dispose(pe_worker *worker) {
  (void)__atomic_add_fetch(&disposed, 1, __ATOMIC_RELAXED);
  free_sleeper((sleeper *)worker);
}

static sleeper *start(int group, bool stubborn) {
  sleeper *self = calloc(1, sizeof *self);
  assert_non_null(self);
  assert_true(pe_mutex_init(&self->lock) && pe_cond_init(&self->bell));
  self->worker.group = &groups[group];
  self->worker.run = run;
  self->worker.finish = ask;
  self->stubborn = stubborn;
  assert_true(pe_worker_start(&self->worker));
  return self;
}

static int64_t in(int64_t nanoseconds) {
  return pe_clock_monotonic() + nanoseconds;
}

/* Waits until all that were left are disposed of; a group that nobody is in takes what has ended with it. */
static void wait_for_disposed(int count) {
  int64_t deadline = in(LONG_ENOUGH);
  while (__atomic_load_n(&disposed, __ATOMIC_RELAXED) < count && pe_clock_monotonic() < deadline)
    pe_worker_end_all("nobody's", 0);
  assert_int_equal(disposed, count);
}

static int prepare(void **state) {
  (void)state;
  disposed = 0;
  return pe_worker_prepare(nothing_to_begin) ? 0 : -1;
}

/* ---- joining ---- */

static void a_join_waits_for_the_end(void **state) {
  (void)state;
  for (int i = 0; i < MANY; i++) {
    sleeper *self = start(0, false);
    ask(&self->worker, 0);
    assert_true(pe_worker_join(&self->worker, in(LONG_ENOUGH)));
    assert_true(self->done);
    free_sleeper(self);
  }
}

static void a_join_gives_up_at_its_deadline(void **state) {
  sleeper *self = start(0, true);
  int64_t begin = pe_clock_monotonic();
  (void)state;
  assert_false(pe_worker_join(&self->worker, begin - PE_SECOND));
  assert_false(pe_worker_join(&self->worker, begin + 20 * PE_MILLISECOND));
  assert_true(pe_clock_monotonic() - begin >= 20 * PE_MILLISECOND);
  ask(&self->worker, 0);
  relent(self);
  assert_true(pe_worker_join(&self->worker, in(LONG_ENOUGH))); /* a later one may succeed */
  free_sleeper(self);
}

static void workers_are_joined_in_any_order(void **state) {
  sleeper *all[MANY];
  (void)state;
  for (int i = 0; i < MANY; i++)
    all[i] = start(i % 2, false);
  for (int i = 0; i < MANY; i++) {
    sleeper *self = all[(i * 7 + 3) % MANY];
    ask(&self->worker, 0);
    assert_true(pe_worker_join(&self->worker, in(LONG_ENOUGH)));
    free_sleeper(self);
  }
}

/* ---- leaving ---- */

static void what_is_left_is_disposed_of_when_it_has_ended(void **state) {
  sleeper *stubborn = start(0, true);
  int64_t begin = pe_clock_monotonic();
  (void)state;
  pe_worker_leave(&stubborn->worker, 5 * PE_SECOND, dispose);
  assert_true(pe_clock_monotonic() - begin < PE_SECOND); /* it does not wait */
  assert_true(stubborn->deadline >= begin + 5 * PE_SECOND);
  for (int i = 0; i < MANY; i++)
    pe_worker_leave(&start(0, false)->worker, PE_SECOND, dispose);
  wait_for_disposed(MANY);
  relent(stubborn);
  wait_for_disposed(MANY + 1);
}

static void one_that_could_not_be_joined_can_be_left(void **state) {
  sleeper *self = start(0, true);
  (void)state;
  assert_false(pe_worker_join(&self->worker, 0));
  pe_worker_leave(&self->worker, 0, dispose);
  relent(self);
  wait_for_disposed(1);
}

/* ---- the end of a group ---- */

static void the_end_of_a_group_is_not_that_of_another(void **state) {
  sleeper *mine = start(0, false), *other = start(1, false), *left = start(1, false);
  (void)state;
  pe_worker_leave(&left->worker, LONG_ENOUGH, dispose);
  pe_worker_end_all(&groups[0], PE_SECOND);
  assert_true(is_done(mine));
  assert_false(is_done(other));
  assert_true(pe_worker_join(&mine->worker, 0)); /* its owner joins it, which takes no time */
  ask(&other->worker, 0);
  assert_true(pe_worker_join(&other->worker, in(LONG_ENOUGH)));
  pe_worker_end_all(&groups[1], PE_SECOND);
  assert_int_equal(disposed, 1);
  free_sleeper(mine);
  free_sleeper(other);
}

static void the_end_of_many_takes_no_longer_than_that_of_one(void **state) {
  int64_t begin;
  (void)state;
  for (int i = 0; i < 200; i++)
    pe_worker_leave(&start(0, false)->worker, LONG_ENOUGH, dispose);
  begin = pe_clock_monotonic();
  pe_worker_end_all(&groups[0], LONG_ENOUGH);
  assert_true(pe_clock_monotonic() - begin < LONG_ENOUGH / 2);
  assert_int_equal(disposed, 200);
}

static void the_end_is_bounded(void **state) {
  const int64_t patience = 30 * PE_MILLISECOND;
  sleeper *self = start(0, true);
  int64_t begin = pe_clock_monotonic(), took;
  (void)state;
  pe_worker_end_all(&groups[0], patience);
  took = pe_clock_monotonic() - begin;
  assert_true(took >= patience);
  assert_true(took < patience + 2 * PE_SECOND); /* "and a little" */
  assert_true(self->asked);
  assert_true(self->deadline <= begin + patience + PE_SECOND);
  relent(self);
  assert_true(pe_worker_join(&self->worker, in(LONG_ENOUGH)));
  free_sleeper(self);
}

/* ---- fork ---- */

/* Runs `body` in a child, which exits with what it returns. Asserts that it returns 0, in time. */
static void in_child(int (*body)(sleeper *self), sleeper *self) {
  int64_t deadline = in(LONG_ENOUGH);
  int status = -1;
  pid_t child = quiet_fork();
  assert_true(child >= 0);
  if (child == 0) {
    int result;
    alarm(20);
    result = body(self);
    if (result == 0) execlp("true", "true", (char *)NULL); /* who looks for leaks would find the parent's */
    _exit(result > 0 ? result : 127);
  }
  while (waitpid(child, &status, WNOHANG) == 0 && pe_clock_monotonic() < deadline)
    pe_clock_sleep(PE_MILLISECOND); /* there is no condition to wait for that ends by a time */
  assert_int_equal(status, 0);
}

/* The parent's threads are not here: nothing waits for them, and new ones live. */
static int child_of_a_fork(sleeper *parents) {
  int64_t begin = pe_clock_monotonic();
  sleeper *self;
  (void)parents;
  if (pe_worker_generation() != 1) return 1;
  pe_worker_end_all(NULL, LONG_ENOUGH);
  if (pe_clock_monotonic() - begin > LONG_ENOUGH / 2) return 2;
  self = start(0, false);
  ask(&self->worker, 0);
  if (!pe_worker_join(&self->worker, in(LONG_ENOUGH))) return 3;
  free_sleeper(self);
  pe_worker_leave(&start(0, false)->worker, 0, dispose);
  pe_worker_end_all(&groups[0], LONG_ENOUGH);
  return disposed == 1 ? 0 : 4;
}

static void a_child_begins_with_nothing(void **state) {
  sleeper *self;
  (void)state;
  if (UNDER_TSAN) skip();
  self = start(0, false);
  assert_int_equal(pe_worker_generation(), 0);
  for (int i = 0; i < 5; i++)
    in_child(child_of_a_fork, self);
  assert_int_equal(pe_worker_generation(), 0);
  assert_false(is_done(self)); /* and the parent's thread never noticed */
  ask(&self->worker, 0);
  assert_true(pe_worker_join(&self->worker, in(LONG_ENOUGH)));
  free_sleeper(self);
}

/* ---- what must not be cut in two ---- */

static bool begun; /* atomic; the beginning is under way */

static bool begin_slowly(void) {
  __atomic_store_n(&begun, true, __ATOMIC_SEQ_CST);
  for (int64_t until = in(50 * PE_MILLISECOND); pe_clock_monotonic() < until;)
    continue; /* in a library, which holds a lock */
  __atomic_store_n(&begun, false, __ATOMIC_SEQ_CST);
  return true;
}

static void *prepare_slowly(void *user) {
  (void)user;
  return pe_worker_prepare(begin_slowly) ? &begun : NULL;
}

static void wait_until_begun(void) {
  while (!__atomic_load_n(&begun, __ATOMIC_SEQ_CST))
    continue;
}

/* In a process of its own, since the beginning is once in each: 0 when the child of a fork found it whole. */
static int fork_in_the_beginning(void) {
  int status = -1;
  pe_thread thread;
  pid_t child;
  if (!pe_thread_start(&thread, prepare_slowly, NULL)) return 2;
  wait_until_begun();
  child = fork();
  if (child == 0) _exit(begun ? 3 : pe_worker_generation() == 1 && pe_worker_prepare(nothing_to_begin) ? 0 : 4);
  pe_thread_join(thread);
  return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 5;
}

/* Works without a pause but for its rests, and says whether it is between them. */
static bool in_a_library; /* atomic */

static void work(pe_worker *worker) {
  sleeper *self = (sleeper *)worker;
  bool asked = false;
  while (!asked) {
    int64_t until = in(PE_MILLISECOND / 2);
    __atomic_store_n(&in_a_library, true, __ATOMIC_RELAXED);
    while (pe_clock_monotonic() < until)
      continue;
    pe_mutex_lock(&self->lock);
    asked = self->asked;
    pe_mutex_unlock(&self->lock);
    __atomic_store_n(&in_a_library, false, __ATOMIC_RELAXED);
    pe_worker_rest(worker);
    pe_worker_resume(worker);
  }
}

static int nobody_is_in_a_library(sleeper *self) {
  (void)self;
  return __atomic_load_n(&in_a_library, __ATOMIC_RELAXED) ? 1 : 0;
}

static void a_fork_waits_for_rest_and_gets_its_turn(void **state) {
  sleeper *self = calloc(1, sizeof *self);
  (void)state;
  assert_non_null(self);
  assert_true(pe_mutex_init(&self->lock) && pe_cond_init(&self->bell));
  self->worker.run = work;
  self->worker.finish = ask;
  assert_true(pe_worker_start(&self->worker));
  for (int i = 0; i < 50; i++)
    in_child(nobody_is_in_a_library, self);
  ask(&self->worker, 0);
  assert_true(pe_worker_join(&self->worker, in(LONG_ENOUGH)));
  free_sleeper(self);
}

/* Waits until no more than MANY of so many have not ended yet. */
static void keep_few_alive(int started) {
  while (started - __atomic_load_n(&disposed, __ATOMIC_RELAXED) > MANY)
    pe_worker_end_all("nobody's", 0);
}

static bool visits_end; /* atomic */

static void *visit_again_and_again(void *user) {
  (void)user;
  while (!__atomic_load_n(&visits_end, __ATOMIC_RELAXED)) {
    pe_worker_visit();
    __atomic_store_n(&in_a_library, true, __ATOMIC_RELAXED);
    for (int64_t until = in(PE_MILLISECOND / 2); pe_clock_monotonic() < until;)
      continue;
    __atomic_store_n(&in_a_library, false, __ATOMIC_RELAXED);
    pe_worker_depart();
  }
  return NULL;
}

static void d2_a_fork_waits_for_visitors_and_gets_its_turn(void **state) {
  enum { VISITORS = 3, FORKS = 20 };
  pe_thread threads[VISITORS];
  (void)state;
  __atomic_store_n(&visits_end, false, __ATOMIC_RELAXED);
  assert_true(pe_thread_start(&threads[0], visit_again_and_again, NULL));
  for (int i = 0; i < FORKS; i++)
    in_child(nobody_is_in_a_library, NULL);
  for (int i = 1; i < VISITORS; i++) /* these leave the flag to nobody: only the turn is of interest now */
    assert_true(pe_thread_start(&threads[i], visit_again_and_again, NULL));
  for (int i = 0; i < FORKS; i++) {
    pid_t child = fork();
    if (child == 0) _exit(0);
    assert_int_equal(waitpid(child, NULL, 0), child);
  }
  __atomic_store_n(&visits_end, true, __ATOMIC_RELAXED);
  for (int i = 0; i < VISITORS; i++)
    pe_thread_join(threads[i]);
}

/* Threads come and go in one thread while another one forks. */
static void *come_and_go(void *user) {
  const bool *stop = user;
  for (int started = 1; !__atomic_load_n(stop, __ATOMIC_RELAXED); started++) {
    sleeper *self = calloc(1, sizeof *self);
    if (!self || !pe_mutex_init(&self->lock) || !pe_cond_init(&self->bell)) return NULL;
    self->worker.group = &groups[1];
    self->worker.run = run;
    self->worker.finish = ask;
    if (!pe_worker_start(&self->worker)) return NULL;
    pe_worker_leave(&self->worker, 0, dispose);
    keep_few_alive(started); /* valgrind, for one, has no more than 500 to give */
  }
  return NULL;
}

static void forks_and_starts_do_not_disturb_each_other(void **state) {
  bool stop = false;
  pe_thread thread;
  (void)state;
  assert_true(pe_thread_start(&thread, come_and_go, &stop));
  for (int i = 0; i < 50; i++)
    in_child(nobody_is_in_a_library, NULL);
  __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
  pe_thread_join(thread);
  pe_worker_end_all(&groups[1], LONG_ENOUGH);
}

/* ---- exit ---- */

static sleeper *kept;
static int told;
static pe_thread visitor;
static int refused; /* atomic: how often the visitor was not let in */

static void *visit_until_refused(void *user) {
  (void)user;
  while (pe_worker_try_visit()) {
    __atomic_store_n(&in_a_library, true, __ATOMIC_SEQ_CST);
    for (int64_t until = in(20 * PE_MILLISECOND); pe_clock_monotonic() < until;)
      continue;
    __atomic_store_n(&in_a_library, false, __ATOMIC_SEQ_CST);
    pe_worker_depart();
  }
  __atomic_add_fetch(&refused, 1, __ATOMIC_SEQ_CST);
  return NULL;
}

static void wait_until_in_a_library(void) {
  while (!__atomic_load_n(&in_a_library, __ATOMIC_SEQ_CST))
    continue;
}

/* Runs where a library would clean up. Its thread may go in, and no other; and who waits for another one need not wait
 * for long. */
static void meet_no_visitor(void) {
  for (int64_t until = in(100 * PE_MILLISECOND); pe_clock_monotonic() < until;)
    if (__atomic_load_n(&in_a_library, __ATOMIC_SEQ_CST)) _exit('V');
  if (!pe_worker_try_visit()) _exit('E');
  pe_worker_depart();
  pe_worker_visit();
  pe_worker_depart();
  pe_thread_join(visitor);
  _exit(refused == 1 ? 0 : 'R');
}

static void give_up(void) {
  _exit(0);
}

/* Exits while another thread is on a visit; or, with `own`, on a visit of its own. */
static int exit_among_visitors(bool own) {
  if (atexit(own ? give_up : meet_no_visitor) != 0 || !pe_worker_prepare(nothing_to_begin)) return 1;
  if (own && pe_worker_try_visit()) exit(1);
  if (!pe_thread_start(&visitor, visit_until_refused, NULL)) return 1;
  wait_until_in_a_library();
  exit(1);
}

/* Runs after the handler of workers, as the destructor of a C++ program's Lua state may: registered before it. */
static void leave_kept(void) {
  int64_t begin = pe_clock_monotonic();
  char result = kept && is_done(kept) ? 'y' : 'n';
  if (told == 'j' && !pe_worker_join(&kept->worker, 0)) result = 'J';
  if (told == 'l') pe_worker_leave(&kept->worker, PE_SECOND, dispose);
  if (told == 'l' && disposed != 1) result = 'L';
  if (told == 's') {
    sleeper late = {.worker = {.run = run, .finish = ask}};
    if (pe_worker_start(&late.worker)) result = 'S';
  }
  if (pe_clock_monotonic() - begin > PE_SECOND) result = 't';
  _exit(result == 'y' ? 0 : result);
}

/* A program of its own: what is registered at exit before the workers' handler must be known. */
static int exit_program(int what) {
  told = what;
  if (atexit(leave_kept) != 0 || !pe_worker_prepare(nothing_to_begin)) return 1;
  kept = calloc(1, sizeof *kept);
  if (!kept || !pe_mutex_init(&kept->lock) || !pe_cond_init(&kept->bell)) return 1;
  kept->worker.run = run;
  kept->worker.finish = ask;
  if (!pe_worker_start(&kept->worker)) return 1;
  exit(0);
}

static const char *program;

static void assert_exits(char what) {
  const char argument[2] = {what, '\0'};
  int status = -1;
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    alarm(20);
    execl(program, program, argument, (char *)NULL);
    _exit(127);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

static void at_exit_they_have_ended(void **state) {
  (void)state;
  assert_exits('e');
}

static void an_owner_may_still_come_after_that(void **state) {
  (void)state;
  assert_exits('j'); /* and join it */
  assert_exits('l'); /* and leave it */
}

static void none_is_started_after_that(void **state) {
  (void)state;
  assert_exits('s');
}

static void no_visitor_is_in_a_library_after_that(void **state) {
  (void)state;
  assert_exits('v');
}

static void one_that_exits_on_a_visit_waits_for_a_second_at_most(void **state) {
  int64_t begin = pe_clock_monotonic();
  (void)state;
  assert_exits('o');
  assert_true(pe_clock_monotonic() - begin < 5 * PE_SECOND);
}

static void d2_no_fork_falls_into_the_beginning(void **state) {
  (void)state;
  if (UNDER_TSAN) skip();
  assert_exits('b');
}

#define PREPARED(function) cmocka_unit_test_setup(function, prepare)

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {PREPARED(a_join_waits_for_the_end),
                                     PREPARED(a_join_gives_up_at_its_deadline),
                                     PREPARED(workers_are_joined_in_any_order),
                                     PREPARED(what_is_left_is_disposed_of_when_it_has_ended),
                                     PREPARED(one_that_could_not_be_joined_can_be_left),
                                     PREPARED(the_end_of_a_group_is_not_that_of_another),
                                     PREPARED(the_end_of_many_takes_no_longer_than_that_of_one),
                                     PREPARED(the_end_is_bounded),
                                     PREPARED(a_child_begins_with_nothing),
                                     PREPARED(a_fork_waits_for_rest_and_gets_its_turn),
                                     PREPARED(d2_a_fork_waits_for_visitors_and_gets_its_turn),
                                     PREPARED(forks_and_starts_do_not_disturb_each_other),
                                     PREPARED(at_exit_they_have_ended),
                                     PREPARED(an_owner_may_still_come_after_that),
                                     PREPARED(none_is_started_after_that),
                                     PREPARED(no_visitor_is_in_a_library_after_that),
                                     PREPARED(one_that_exits_on_a_visit_waits_for_a_second_at_most),
                                     TEST(d2_no_fork_falls_into_the_beginning)};
  if (argc > 1 && argv[1][0] == 'b') return fork_in_the_beginning();
  if (argc > 1 && strchr("vo", argv[1][0])) return exit_among_visitors(argv[1][0] == 'o');
  if (argc > 1) return exit_program(argv[1][0]);
  program = argv[0];
  return cmocka_run_group_tests(tests, NULL, NULL);
}
