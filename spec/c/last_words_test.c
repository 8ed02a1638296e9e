/* What a program that never asked is told at its end, while threads make and end clients and fork. The programs are
 * children whose stderr is a pipe: the line is said by a handler of exit(). */
#include "delivery/last_words.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/thread.h"
#include "events.h"
#include "test.h"

enum { THREADS = 4, CLIENTS = 200, FORKS = 20 };

static const pe_queue_config config = {.max_events = 100, .max_bytes = 1 << 20, .max_age = INT64_MAX, .width = 2};

typedef struct client {
  pe_queue *queue;
  pe_last_words words;
} client;

/* Its queue has an event. */
static client *new_client(void) {
  client *made = calloc(1, sizeof *made);
  const pe_event event = event_of("{}");
  pe_push push;
  if (!made || pe_queue_new(&config, &made->queue) != PE_OK) abort();
  pe_last_words_add(&made->words, made->queue);
  if (pe_queue_push(made->queue, &event, NOW, &push) != PE_OK) abort();
  return made;
}

static void free_client(client *self) {
  pe_last_words_settle(&self->words);
  pe_queue_free(self->queue);
  free(self);
}

/* Runs `live` in a child that then exits, and reads what it and its children wrote to stderr. */
static void run(void (*live)(void), char *text, size_t size) {
  int ends[2], status = -1;
  ssize_t got = 1;
  size_t length = 0;
  pid_t child;

  assert_int_equal(pipe(ends), 0);
  child = fork();
  if (child == 0) {
    if (dup2(ends[1], STDERR_FILENO) < 0 || close(ends[0]) != 0 || close(ends[1]) != 0) _exit(2);
    if (!pe_last_words_prepare() || !pe_last_words_prepare()) _exit(3); /* once is enough */
    live();
    exit(0);
  }
  assert_true(child > 0);
  (void)close(ends[1]);
  while (got > 0 && length < size - 1) {
    got = read(ends[0], text + length, size - 1 - length);
    if (got > 0) length += (size_t)got;
  }
  text[length] = '\0';
  (void)close(ends[0]);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

static void assert_said(void (*live)(void), const char *expected) {
  static const char hint[] = ". client:close() waits and tells; log = false keeps this line away\n";
  char text[2048], whole[2048] = "";
  run(live, text, sizeof text);
  if (*expected) (void)strcat(strcat(strcat(whole, "postevent: "), expected), hint);
  assert_string_equal(text, whole);
}

/* ---- one thread ---- */

/* Three events of a spool: one is not on disk. */
static void keep_two_on_disk(void) {
  pe_queue_config spools = config;
  const pe_event event = event_of("{}");
  static client self;
  pe_record *records[2];
  pe_push push;
  spools.spools = true;
  if (pe_queue_new(&spools, &self.queue) != PE_OK) abort();
  pe_last_words_add(&self.words, self.queue);
  for (int i = 0; i < 3; i++)
    if (pe_queue_push(self.queue, &event, NOW, &push) != PE_OK) abort();
  (void)pe_queue_written(self.queue, records, pe_queue_unwritten(self.queue, records, 2));
}

static void test_says_nothing_of_what_is_on_disk(void **state) {
  (void)state;
  assert_said(keep_two_on_disk, "1 event was lost when this program ended: 1 pending; nobody waited for them");
}

static client *kept[3]; /* in sight of who looks for leaks */

static void keep_some_and_end_others(void) {
  for (int i = 0; i < 3; i++)
    kept[i] = new_client();
  free_client(kept[1]);
  pe_last_words_spare(&kept[0]->words);
  pe_last_words_spare(&kept[0]->words);
  kept[1] = NULL;
}

static void it_is_told_of_clients_that_are_there_and_that_are_no_more(void **state) {
  (void)state;
  assert_said(keep_some_and_end_others,
              "2 events of 2 clients were lost when this program ended: 2 pending; nobody waited for them");
}

static void ask(void) {
  client *self = new_client();
  pe_last_words_spare(&self->words);
  free_client(self);
}

static void it_is_told_nothing_where_it_asked(void **state) {
  (void)state;
  assert_said(ask, "");
}

/* The one that the program knows of is its parent's. */
static void fork_and_lose(void) {
  int status;
  kept[0] = new_client();
  if (fork() == 0) {
    kept[1] = new_client();
    exit(0);
  }
  if (wait(&status) < 0 || status != 0) _exit(4);
  pe_last_words_spare(&kept[0]->words);
}

static void a_child_is_told_of_its_own(void **state) {
  (void)state;
  assert_said(fork_and_lose, "1 event was lost when this program ended: 1 pending; nobody waited for them");
}

/* Words that a reply or a library brought. */
static void fail_oddly(void) {
  const pe_queue_answer answer = {500, PE_UNAVAILABLE, "a\x1b[2J\xc2\x9b\n", 0};
  client *self = new_client();
  pe_record *record = pe_queue_take(self->queue, PE_PICK_DUE, NOW);
  pe_queue_end(self->queue, record, PE_UNKNOWN, PE_UNAVAILABLE, &answer, NOW);
  free(record);
  free_client(self);
}

static void it_is_told_in_plain_text(void **state) {
  (void)state;
  assert_said(fail_oddly, "1 event was lost when this program ended (1 may have arrived): 1 unknown; the last error: "
                          "unavailable: a?[2J???");
}

/* ---- many ---- */

static void *come_and_go(void *user) {
  (void)user;
  for (int i = 0; i < CLIENTS; i++) {
    client *self = new_client();
    if (i % 2 == 0) pe_last_words_spare(&self->words);
    free_client(self);
  }
  return NULL;
}

/* In a child whose parent has threads: a sanitizer may have locked what malloc and exit ask for. */
static void use_the_list(void) {
  pe_last_words words = {.listed = false};
  pe_last_words_add(&words, NULL);
  pe_last_words_spare(&words);
  _exit(0);
}

static void lose_in_many_threads(int forks) {
  pe_thread threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    if (!pe_thread_start(&threads[i], come_and_go, NULL)) _exit(5);
  for (int i = 0; i < forks; i++) {
    int status = -1;
    pid_t child = fork();
    if (child == 0) use_the_list();
    if (waitpid(child, &status, 0) != child || status != 0) _exit(6);
  }
  for (int i = 0; i < THREADS; i++)
    pe_thread_join(threads[i]);
}

/* In this process, which has no handler of exit(). */
static void many_threads_share_the_list(void **state) {
  (void)state;
  lose_in_many_threads(0);
}

static void lose_and_fork(void) {
  lose_in_many_threads(FORKS);
}

static void many_threads_and_forks_make_one_line(void **state) {
  (void)state;
  if (UNDER_TSAN) skip();
  assert_said(lose_and_fork,
              "400 events of 400 clients were lost when this program ended: 400 pending; nobody waited for them");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_says_nothing_of_what_is_on_disk),
      TEST(it_is_told_of_clients_that_are_there_and_that_are_no_more),
      TEST(it_is_told_nothing_where_it_asked),
      TEST(a_child_is_told_of_its_own),
      TEST(it_is_told_in_plain_text),
      TEST(many_threads_share_the_list),
      TEST(many_threads_and_forks_make_one_line),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
