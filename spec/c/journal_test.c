/* The file of a journal: one process has it, what was added is there, and room made before is room. */
#include "command/journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/thread.h"
#include "test.h"

enum { MANY = 5000 };

static char path[80];

static int make_path(void **state) {
  int file;
  (void)state;
  (void)snprintf(path, sizeof path, "%s/postevent-journal-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
  file = mkstemp(path);
  return file >= 0 ? close(file) : 1;
}

static int remove_path(void **state) {
  (void)state;
  return unlink(path) == 0 || errno == ENOENT ? 0 : 1;
}

static pe_journal *open_journal(void) {
  pe_journal *journal;
  long holder;
  assert_int_equal(pe_journal_open(path, &journal, &holder), 0);
  assert_int_equal(pe_journal_end_at(journal, 0), 0);
  return journal;
}

static void assert_content(pe_journal *journal, const char *expected) {
  char bytes[256];
  size_t size;
  assert_int_equal(pe_journal_read(journal, 0, bytes, sizeof bytes, &size), 0);
  assert_int_equal(size, strlen(expected));
  assert_memory_equal(bytes, expected, size);
}

static long long size_of_file(void) {
  struct stat found;
  assert_int_equal(stat(path, &found), 0);
  return (long long)found.st_size;
}

static void answer(pe_journal *journal, uint64_t ticket, const char *id, size_t size) {
  const pe_journal_answer given = {ticket, "delivered", id, size};
  pe_journal_answer_is(journal, &given);
}

static void another_process_cannot_have_it(void **state) {
  pe_journal *journal = open_journal();
  int status;
  pid_t child = fork();
  (void)state;
  if (child == 0) {
    pe_journal *second;
    long holder;
    bool refused = pe_journal_open(path, &second, &holder) == EAGAIN && holder == getppid() && !second;
    _exit(refused ? 0 : 1);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  pe_journal_release(journal);
}

static void what_is_no_file_is_refused(void **state) {
  pe_journal *journal;
  long holder;
  (void)state;
  assert_int_equal(pe_journal_open("/dev/null", &journal, &holder), EINVAL);
  assert_int_equal(pe_journal_open("/", &journal, &holder), EISDIR);
  assert_int_equal(pe_journal_open("/nowhere/x", &journal, &holder), ENOENT);
  assert_null(journal);
}

static void room_is_given_back_and_not_read(void **state) {
  pe_journal *journal = open_journal();
  int64_t at;
  (void)state;
  assert_int_equal(pe_journal_append(journal, "one\n", 4, &at), 0);
  assert_int_equal(at, 0);
  assert_int_equal(pe_journal_append(journal, "two\n", 4, &at), 0);
  assert_int_equal(at, 4);
  assert_true(size_of_file() >= 65536);
  assert_content(journal, "one\ntwo\n");
  assert_int_equal(pe_journal_end_at(journal, 4), 0);
  assert_content(journal, "one\n");
  pe_journal_close(journal);
  assert_int_equal(size_of_file(), 4);
  assert_int_equal(pe_journal_append(journal, "x", 1, &at), EBADF);
  pe_journal_release(journal);
}

/* A limit is what a test can have of a full disk. */
static void what_there_is_room_for_can_be_written(void **state) {
  struct rlimit before, limit;
  pe_journal *journal = open_journal();
  int64_t at;
  (void)state;
  (void)signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  limit = before;
  limit.rlim_cur = 65536;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
  assert_int_equal(pe_journal_reserve(journal, 60000), 0);
  assert_int_equal(pe_journal_reserve(journal, 70000), EFBIG);
  for (int i = 0; i < 1000; i++)
    assert_int_equal(pe_journal_append(journal, "0123456789", 10, &at), 0);
  answer(journal, 1, "id", 2);
  assert_int_equal(pe_journal_trouble(journal), 0);
  for (int i = 0; i < 6000; i++)
    (void)pe_journal_append(journal, "0123456789", 10, &at);
  answer(journal, 1, "id", 2);
  assert_int_equal(pe_journal_trouble(journal), EFBIG);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  pe_journal_release(journal);
}

static void an_answer_is_a_line(void **state) {
  pe_journal *journal = open_journal();
  char long_id[PE_JOURNAL_ID + 1];
  (void)state;
  memset(long_id, 'x', sizeof long_id);
  pe_journal_expect(journal, 1, 17);
  pe_journal_expect(journal, 2, 18);
  answer(journal, 2, "E-1", 3);
  answer(journal, 1, "a b", 3);
  answer(journal, 1, "100%", 4);
  answer(journal, 1, "\xC3\xA9", 2);
  answer(journal, 1, NULL, 0);
  answer(journal, 1, long_id, sizeof long_id);
  assert_content(journal, "18\tdelivered\tE-1\n17\tdelivered\t-\n17\tdelivered\t-\n17\tdelivered\t-\n17\tdelivered\t-\n"
                          "17\tdelivered\t-\n");
  pe_journal_release(journal);
}

static void *hear(void *data) {
  for (uint64_t ticket = 1; ticket <= MANY; ticket++)
    answer(data, ticket, "id", 2);
  pe_journal_release(data);
  return NULL;
}

static void two_threads_may_add(void **state) {
  pe_journal *journal = open_journal();
  pthread_t thread;
  int64_t at;
  (void)state;
  pe_journal_hold(journal);
  assert_int_equal(pthread_create(&thread, NULL, hear, journal), 0);
  for (int i = 0; i < MANY; i++) {
    pe_journal_expect(journal, (uint64_t)i, i);
    assert_int_equal(pe_journal_append(journal, "12345678\n", 9, &at), 0);
    if (i % 1000 == 0) assert_int_equal(pe_journal_sync(journal), 0);
  }
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_int_equal(pe_journal_trouble(journal), 0);
  pe_journal_close(journal);
  assert_true(size_of_file() > MANY * 9LL);
  pe_journal_release(journal);
}

static bool is_there(void) {
  struct stat found;
  return stat(path, &found) == 0;
}

static void one_without_content_is_removed(void **state) {
  pe_journal *journal = open_journal();
  int64_t at;

  (void)state;
  assert_int_equal(pe_journal_append(journal, "x\n", 2, &at), 0);
  pe_journal_discard(journal, path);
  assert_true(is_there());
  assert_int_equal(pe_journal_end_at(journal, 0), 0);
  pe_journal_discard(journal, path);
  assert_false(is_there());
  pe_journal_release(journal);
}

/* Children make it, and discard it, over and over: whoever has it open has the one that is there. */
static void what_is_locked_is_at_the_path(void **state) {
  enum { CHILDREN = 3, ROUNDS = 300 };
  pid_t children[CHILDREN];
  int status;

  (void)state;
  for (int i = 0; i < CHILDREN; i++) {
    children[i] = fork();
    for (int round = 0; children[i] == 0 && round < ROUNDS; round++) {
      pe_journal *journal;
      long holder;
      if (pe_journal_open(path, &journal, &holder) != 0) continue;
      if (!is_there()) _exit(1);
      pe_journal_discard(journal, path);
      pe_journal_release(journal);
    }
    if (children[i] == 0) _exit(0);
  }
  for (int i = 0; i < CHILDREN; i++) {
    assert_int_equal(waitpid(children[i], &status, 0), children[i]);
    assert_int_equal(status, 0);
  }
}

#define IN_FILE(test) cmocka_unit_test_setup_teardown(test, make_path, remove_path)

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_FILE(another_process_cannot_have_it),
      IN_FILE(what_is_no_file_is_refused),
      IN_FILE(room_is_given_back_and_not_read),
      IN_FILE(what_there_is_room_for_can_be_written),
      IN_FILE(an_answer_is_a_line),
      IN_FILE(two_threads_may_add),
      IN_FILE(one_without_content_is_removed),
      IN_FILE(what_is_locked_is_at_the_path),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
