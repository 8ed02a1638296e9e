/* The waker: its socket is found by its owner alone and leaves nothing behind; an answer is told once, and none is
 * lost. */
#include "delivery/waker.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/thread.h"
#include "loop.h"

static pe_submission *submission_of(loop *self, uint64_t number) {
  pe_submission *submission = pe_submission_new(self->waker, number, "{}", 2);
  assert_non_null(submission);
  return submission;
}

static void put(loop *self, uint64_t number) {
  pe_submission_answer(submission_of(self, number));
}

static void take(loop *self, uint64_t number) {
  pe_submission *submission = pe_submission_take(self->waker);
  assert_non_null(submission);
  assert_int_equal(submission->number, number);
  pe_submission_free(submission);
}

/* ---- the socket ---- */

static void listens_where_nobody_else_may_look(void **state) {
  struct stat status;
  char directory[128];
  loop self;
  (void)state;
  assert_int_equal(pe_waker_new(&self.waker), PE_OK);
  assert_true(pe_waker_listen(self.waker));
  (void)snprintf(directory, sizeof directory, "%s", pe_waker_path(self.waker));
  *strrchr(directory, '/') = '\0';
  assert_int_equal(stat(directory, &status), 0);
  assert_int_equal(status.st_mode & 0777, 0700);
  loop_connect(&self);
  assert_int_equal(stat(directory, &status), -1); /* gone once it is connected */
  loop_end(&self);
}

static void leaves_nothing_where_nobody_connected(void **state) {
  struct stat status;
  char directory[128];
  pe_waker *waker = NULL;
  (void)state;
  assert_int_equal(pe_waker_new(&waker), PE_OK);
  assert_false(pe_waker_accept(waker)); /* it does not listen yet */
  assert_true(pe_waker_listen(waker));
  (void)snprintf(directory, sizeof directory, "%s", pe_waker_path(waker));
  *strrchr(directory, '/') = '\0';
  assert_false(pe_waker_accept(waker));
  assert_int_equal(stat(directory, &status), -1);
  pe_waker_close(waker);
  pe_waker_release(waker);
}

static void listens_elsewhere_when_the_usual_place_is_of_no_use(void **state) {
  char long_one[200] = "/";
  const char *const places[] = {"/nowhere/at/all", "relative", "", long_one};
  const char *given = getenv("TMPDIR");
  char *before = given ? strdup(given) : NULL;
  (void)state;
  memset(long_one + 1, 'x', sizeof long_one - 2); /* longer than a socket's address can be */
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    loop self;
    assert_int_equal(setenv("TMPDIR", places[i], 1), 0);
    loop_start(&self);
    assert_memory_equal(pe_waker_path(self.waker), "/tmp/postevent-", 15);
    loop_end(&self);
  }
  if (before)
    (void)setenv("TMPDIR", before, 1);
  else
    (void)unsetenv("TMPDIR");
  free(before);
}

/* ---- telling ---- */

static void tells_once_until_the_list_was_found_empty(void **state) {
  loop self;
  (void)state;
  loop_start(&self);
  assert_int_equal(loop_read(&self, 0), 0);
  for (uint64_t i = 1; i <= 3; i++)
    put(&self, i);
  assert_int_equal(loop_read(&self, 1000), 1);
  take(&self, 1);
  put(&self, 4); /* the loop is not done yet, and will find it */
  assert_int_equal(loop_read(&self, 0), 0);
  for (uint64_t i = 2; i <= 4; i++)
    take(&self, i);
  assert_null(pe_waker_take(self.waker));
  put(&self, 5);
  assert_int_equal(loop_read(&self, 1000), 1);
  take(&self, 5);
  loop_end(&self);
}

static void tells_later_what_was_answered_before_the_loop_connected(void **state) {
  loop self;
  (void)state;
  assert_int_equal(pe_waker_new(&self.waker), PE_OK);
  put(&self, 1);
  assert_true(pe_waker_listen(self.waker));
  loop_connect(&self);
  assert_int_equal(loop_read(&self, 1000), 1);
  take(&self, 1);
  loop_end(&self);
}

static void keeps_what_comes_between_two_loops(void **state) {
  loop self;
  (void)state;
  loop_start(&self);
  for (uint64_t i = 1; i <= 3; i++) {
    pe_waker_hang_up(self.waker);
    assert_int_equal(loop_read(&self, 1000), 0); /* the end */
    (void)close(self.socket);
    put(&self, i); /* nobody is told */
    assert_true(pe_waker_listen(self.waker));
    loop_connect(&self);
    assert_int_equal(loop_read(&self, 1000), 1);
    take(&self, i);
    assert_null(pe_waker_take(self.waker));
  }
  loop_end(&self);
}

static void needs_no_loop(void **state) {
  loop self = {NULL, -1};
  (void)state;
  assert_int_equal(pe_waker_new(&self.waker), PE_OK);
  pe_waker_poke(self.waker);
  put(&self, 1);
  take(&self, 1);
  put(&self, 2);
  loop_end(&self);
}

static void can_be_poked(void **state) {
  loop self;
  (void)state;
  loop_start(&self);
  pe_waker_poke(self.waker);
  assert_int_equal(loop_read(&self, 1000), 1);
  assert_null(pe_waker_take(self.waker));
  loop_end(&self);
}

static void a_reader_that_is_gone_kills_nobody(void **state) {
  loop self;
  (void)state;
  loop_start(&self);
  (void)close(self.socket);
  pe_waker_poke(self.waker); /* no SIGPIPE */
  put(&self, 1);
  self.socket = -1;
  loop_end(&self);
}

/* ---- life ---- */

static void what_comes_too_late_is_freed(void **state) {
  pe_submission *late;
  loop self;
  (void)state;
  loop_start(&self);
  put(&self, 1); /* nobody takes it */
  late = submission_of(&self, 2);
  loop_end(&self);
  pe_submission_answer(late); /* its reference was the last one */
}

enum { ROUNDS = 20000 };

static void *answer_all(void *user) {
  loop *self = user;
  for (uint64_t i = 1; i <= ROUNDS; i++)
    put(self, i);
  return NULL;
}

static void loses_no_answer(void **state) {
  pe_thread thread;
  loop self;
  (void)state;
  loop_start(&self);
  assert_true(pe_thread_start(&thread, answer_all, &self));
  for (uint64_t i = 1; i <= ROUNDS; i++) {
    pe_submission *submission = loop_next(&self);
    assert_int_equal(submission->number, i);
    pe_submission_free(submission);
  }
  pe_thread_join(thread);
  loop_end(&self);
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(listens_where_nobody_else_may_look),
                                     TEST(leaves_nothing_where_nobody_connected),
                                     TEST(listens_elsewhere_when_the_usual_place_is_of_no_use),
                                     TEST(tells_once_until_the_list_was_found_empty),
                                     TEST(tells_later_what_was_answered_before_the_loop_connected),
                                     TEST(keeps_what_comes_between_two_loops),
                                     TEST(needs_no_loop),
                                     TEST(can_be_poked),
                                     TEST(a_reader_that_is_gone_kills_nobody),
                                     TEST(what_comes_too_late_is_freed),
                                     TEST(loses_no_answer)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
