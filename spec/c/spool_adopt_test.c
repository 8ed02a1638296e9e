/* Files of processes that are no more are adopted, and the one that adopts ends in the midst of that, or is killed:
 * each event comes once, and no file is left. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spool/claim.h"
#include "spool/store.h"
#include "spooling.h"

enum { LEFT = 3, EACH = 7, EVENTS = LEFT * EACH };

/* That many events from `first` on, in a file of a process that is killed when they are there. */
static void leave(unsigned first, unsigned count) {
  pid_t child = fork();
  int status = 0;
  if (child == 0) {
    spooling life;
    spooling_start(&life);
    for (unsigned i = first; i < first + count; i++) {
      if (!spooling_push(&life, i)) _exit(1);
      spooling_run(&life);
    }
    (void)raise(SIGKILL);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status));
}

static void leave_all(void) {
  for (unsigned i = 0; i < LEFT; i++)
    leave(i * EACH, EACH);
  assert_int_equal(spooling_files(".spool"), LEFT);
}

/* What is left comes now, and no file but that of the dead letters stays. */
static void take_the_rest(void) {
  spooling life;
  unsigned missing, twice;
  spooling_start(&life);
  spooling_drain(&life);
  spooling_stop(&life);
  spooling_judge(EVENTS, &missing, &twice);
  assert_int_equal(missing, 0);
  assert_int_equal(twice, 0);
  assert_int_equal(spooling_files(".spool"), 1);
  assert_int_equal(spooling_files(".lock"), 1);
}

/* Ends after that many rounds. Returns whether it was in the midst. */
static bool end_after(unsigned rounds) {
  spooling life;
  pe_counters counters;
  spooling_start(&life);
  for (unsigned i = 0; i < rounds; i++) {
    (void)spooling_cycle(&life);
    if (i == 1) (void)spooling_push(&life, EVENTS); /* one of its own is in between */
  }
  pe_spool_free(life.spool);
  counters = accounted(life.queue);
  assert_int_equal(pe_counters_kept(&counters), counters.pending);
  assert_int_equal(counters.outcomes[PE_DROPPED], 0);
  pe_queue_free(life.queue);
  return rounds == 0 || counters.pending > 0;
}

static void test_ends_in_the_midst_of_an_adoption(void **state) {
  bool is_midst = true;
  unsigned rounds;
  for (rounds = 0; is_midst; rounds++) {
    assert_int_equal(spooling_tear_down(state), 0);
    assert_int_equal(spooling_set_up(state), 0);
    leave_all();
    is_midst = end_after(rounds);
    take_the_rest();
  }
  assert_true(rounds > EVENTS / SPOOLING_WIDTH);
}

/* In a process of its own, whose numbers of what was delivered are gone: what it held when it was killed comes, unless
 * it came before. */
static void test_is_killed_in_the_midst_of_an_adoption(void **state) {
  for (unsigned rounds = 0; rounds <= EVENTS / SPOOLING_WIDTH; rounds++) {
    pid_t child;
    spooling life;
    int status = 0;
    assert_int_equal(spooling_tear_down(state), 0);
    assert_int_equal(spooling_set_up(state), 0);
    leave_all();
    child = fork();
    if (child == 0) {
      spooling_start(&life);
      for (unsigned i = 0; i < rounds; i++)
        (void)spooling_cycle(&life);
      (void)raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    spooling_start(&life);
    spooling_drain(&life);
    assert_in_range(accounted(life.queue).restored, EVENTS - SPOOLING_WIDTH * rounds, EVENTS);
    spooling_stop(&life);
  }
}

/* It has looked before; then nothing but the time tells it. */
static void test_adopts_by_itself_what_is_killed_later(void **state) {
  spooling self;
  (void)state;
  spooling_start(&self);
  spooling_run(&self);
  assert_true(pe_spool_next(self.spool) <= spooling_now + 30 * PE_SECOND);
  leave(0, EACH);
  spooling_now = pe_spool_next(self.spool) - 1;
  spooling_run(&self);
  assert_int_equal(accounted(self.queue).restored, 0);
  spooling_now++;
  spooling_run(&self);
  assert_int_equal(accounted(self.queue).restored, EACH);
  spooling_drain(&self);
  for (unsigned i = 0; i < EACH; i++)
    assert_int_equal(spooling_delivered[i] + spooling_rejected[i], 1);
  spooling_stop(&self);
}

/* The platform may be away for days: nothing is taken meanwhile. */
static void test_sleeps_while_what_it_has_adopted_waits(void **state) {
  spooling self;
  (void)state;
  leave(0, EACH);
  spooling_start(&self);
  spooling_run(&self);
  assert_int_equal(accounted(self.queue).restored, EACH);
  for (int i = 0; i < 10; i++) {
    spooling_now += 31 * PE_SECOND;
    spooling_run(&self);
    assert_true(pe_spool_next(self.spool) > spooling_now);
  }
  spooling_drain(&self);
  spooling_stop(&self);
}

/* Its owner does not send any more, and has had all thrown away that was there. */
static void withdraw(spooling *self) {
  pe_queue_set_serving(self->queue, false);
  assert_null(pe_queue_withdraw(self->queue, spooling_now));
}

/* As the sender's loop, when the next look is due. */
static pe_counters look_again(spooling *self) {
  pe_record *record;
  spooling_now += 31 * PE_SECOND;
  for (int i = 0; i < 20; i++) {
    const pe_spool_end end = {.outcome = PE_DROPPED, .code = PE_WITHDRAWN};
    spooling_run(self);
    while ((record = pe_queue_take_withdrawn(self->queue))) {
      pe_spool_end_event(self->spool, record, &end);
      end_with(self->queue, record, PE_DROPPED, PE_WITHDRAWN);
    }
  }
  return accounted(self->queue);
}

/* How many files of the directory have a name that ends so. */
static size_t count_files(const char *ending) {
  char pattern[600];
  glob_t found;
  size_t count = 0;
  (void)snprintf(pattern, sizeof pattern, "%s/*%s", spooling_directory, ending);
  if (glob(pattern, 0, NULL, &found) == 0) count = found.gl_pathc;
  globfree(&found);
  return count;
}

/* A power cut, or somebody's rm: there may be events in the log, which another process saves. */
static void test_removes_no_log_whose_file_is_gone(void **state) {
  spooling self;
  (void)state;
  leave(0, EACH);
  spooling_shell("rm %s/*.spool");
  assert_int_equal(count_files(".spool-wal"), 1);
  spooling_start(&self);
  withdraw(&self);
  (void)look_again(&self);
  assert_int_equal(count_files(".spool-wal"), 1);
  spooling_stop(&self);
}

static void test_drops_what_was_withdrawn_and_takes_nothing_more(void **state) {
  spooling self;
  pe_counters counters;
  (void)state;
  leave(0, EACH);
  spooling_now += PE_SECOND;
  spooling_start(&self);
  withdraw(&self);
  counters = look_again(&self);
  assert_int_equal(counters.restored, EACH);
  assert_int_equal(counters.dropped_by[PE_WITHDRAWN], EACH);
  leave(EACH, EACH);
  counters = look_again(&self);
  assert_int_equal(counters.restored, EACH);
  assert_int_equal(counters.pending, 0);
  pe_queue_set_serving(self.queue, true);
  spooling_now += 31 * PE_SECOND;
  spooling_drain(&self);
  assert_int_equal(accounted(self.queue).restored, 2 * EACH);
  for (unsigned i = 0; i < 2 * EACH; i++)
    assert_int_equal(spooling_delivered[i] + spooling_rejected[i], i < EACH ? 0 : 1);
  spooling_stop(&self);
}

/* What the owner has dropped is in the file until the sender has taken it out: it is not found once more. */
static void test_counts_once_what_was_dropped_at_once(void **state) {
  spooling self;
  pe_record *dropped;
  (void)state;
  leave(0, 2);
  spooling_start(&self);
  spooling_run(&self);
  assert_int_equal(accounted(self.queue).restored, 2);
  assert_int_equal(accounted(self.queue).on_disk, 0);
  dropped = pe_queue_withdraw(self.queue, spooling_now);
  assert_non_null(dropped->newer);
  for (int i = 0; i < 2; i++) {
    spooling_run(&self);
    assert_int_equal(accounted(self.queue).restored, 2);
    if (i == 0) (void)pe_queue_forget(self.queue, dropped);
  }
  spooling_run(&self);
  assert_int_equal(accounted(self.queue).restored, 2);
  assert_int_equal(accounted(self.queue).dropped_by[PE_WITHDRAWN], 2);
  spooling_stop(&self);
  assert_int_equal(spooling_files(".spool"), 0);
}

/* By a process that lived on: what it accepted before goes, what it accepted later stays for others. */
static void test_drops_of_a_file_what_was_withdrawn(void **state) {
  spooling self;
  pe_counters counters;
  int64_t withdrawn_at = spooling_now + PE_SECOND;
  pid_t child = fork();
  int status = 0;
  (void)state;
  if (child == 0) {
    spooling life;
    spooling_start(&life);
    for (unsigned i = 0; i < EACH; i++) {
      if (i == 3) spooling_now = withdrawn_at + PE_SECOND;
      if (!spooling_push(&life, i)) _exit(1);
      spooling_run(&life);
    }
    (void)raise(SIGKILL);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  spooling_now = withdrawn_at;
  spooling_start(&self);
  withdraw(&self);
  counters = look_again(&self);
  assert_int_equal(counters.restored, 3);
  assert_int_equal(counters.dropped_by[PE_WITHDRAWN], 3);
  spooling_stop(&self);
  spooling_start(&self);
  spooling_drain(&self);
  assert_int_equal(accounted(self.queue).restored, EACH - 3);
  spooling_stop(&self);
}

/* Its own may have to stay: what others leave is no business of who does not send. */
static void test_takes_nothing_over_for_who_does_not_send(void **state) {
  spooling self;
  (void)state;
  leave(0, EACH);
  spooling_start(&self);
  pe_queue_set_serving(self.queue, false);
  assert_int_equal(look_again(&self).restored, 0);
  assert_true(pe_spool_next(self.spool) > spooling_now);
  spooling_stop(&self);
  assert_int_equal(spooling_files(".spool"), 1);
}

#define SPOOLING(function) cmocka_unit_test_setup_teardown(function, spooling_set_up, spooling_tear_down)

/* Somebody's file, or a damaged one, has rows up to the last that there can be. */
static void test_adopts_the_last_row_that_there_can_be(void **state) {
  const pe_store_config config = {.endpoint = "https://x/1", .dead_letters = 10};
  char message[PE_CLAIM_MESSAGE];
  pe_claim *claim = pe_claim_new(spooling_directory, config.endpoint, message);
  pe_store *store;
  spooling life;
  (void)state;
  assert_int_equal(pe_store_create(pe_claim_path(claim), &config, &store, message), PE_DB_OK);
  for (int64_t i = 0; i < 3; i++) {
    const char body[] = {'{', (char)('0' + i), '}', '\0'};
    const pe_stored event = {.row = INT64_MAX - 2 + i, .accepted_at = pe_clock_wall(), .body = {body, 3}};
    assert_int_equal(pe_store_append(store, &event), PE_DB_OK);
  }
  assert_int_equal(pe_store_commit(store), PE_DB_OK);
  pe_store_close(store);
  pe_claim_free(claim);
  spooling_start(&life);
  spooling_drain(&life);
  assert_int_equal(accounted(life.queue).outcomes[PE_DELIVERED], 3);
  assert_int_equal(accounted(life.queue).outcomes[PE_DROPPED], 0);
  spooling_stop(&life);
  assert_int_equal(spooling_files(".spool"), 0);
}

/* The command takes the dead letters out of a file that is in use: seen at the next look, and an empty file goes. */
static void test_sees_what_the_command_has_taken(void **state) {
  const pe_store_config config = {.endpoint = "https://x/1", .dead_letters = 10};
  char *name, path[256], message[PE_CLAIM_MESSAGE];
  pe_store *store;
  pe_store_kind kind;
  spooling life;
  (void)state;
  spooling_start(&life);
  assert_true(spooling_push(&life, 4)); /* which is refused */
  spooling_run(&life);
  spooling_drain(&life);
  assert_int_equal(accounted(life.queue).spool.dead, 1);
  name = pe_claim_next(spooling_directory, "", NULL);
  (void)snprintf(path, sizeof path, "%s/%s", spooling_directory, name);
  free(name);
  assert_int_equal(pe_store_open(path, &config, &store, &kind, message), PE_DB_OK);
  assert_int_equal(pe_store_remove_dead(store, 1), PE_DB_OK);
  assert_int_equal(pe_store_commit(store), PE_DB_OK);
  spooling_now += 31 * PE_SECOND;
  spooling_run(&life);
  assert_int_equal(accounted(life.queue).spool.dead, 0);
  pe_store_close(store);
  spooling_stop(&life);
  assert_int_equal(spooling_files(".spool"), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SPOOLING(test_ends_in_the_midst_of_an_adoption),
      SPOOLING(test_is_killed_in_the_midst_of_an_adoption),
      SPOOLING(test_adopts_by_itself_what_is_killed_later),
      SPOOLING(test_sleeps_while_what_it_has_adopted_waits),
      SPOOLING(test_removes_no_log_whose_file_is_gone),
      SPOOLING(test_drops_what_was_withdrawn_and_takes_nothing_more),
      SPOOLING(test_counts_once_what_was_dropped_at_once),
      SPOOLING(test_drops_of_a_file_what_was_withdrawn),
      SPOOLING(test_takes_nothing_over_for_who_does_not_send),
      SPOOLING(test_adopts_the_last_row_that_there_can_be),
      SPOOLING(test_sees_what_the_command_has_taken),
  };
  if (!pe_spool_version()) return 0; /* a build without SQLite */
  return cmocka_run_group_tests(tests, spooling_use_clock, NULL);
}
