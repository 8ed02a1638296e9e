/* Whose file of a spool is whose. */
#include "spool/claim.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storing.h"

/* Whether another process could have it. */
static bool can_be_taken(const char *name) {
  int status = 0;
  pid_t child = fork();
  if (child == 0) { /* exec: a child does not take what its parent has */
    char lock[200];
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int file;
    (void)snprintf(lock, sizeof lock, "%s/%s.lock", directory, name);
    file = open(lock, O_RDWR);
    _exit(file >= 0 && fcntl(file, F_SETLK, &whole) == 0 ? 0 : 1);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void test_claims_a_name(void **state) {
  static char *name; /* in sight of whoever looks for leaks in a forked child */
  pe_claim *claim;
  pe_store *store;
  (void)state;
  assert_true(pe_claim_directory(directory, message));
  claim = pe_claim_new(directory, "https://x/1", message);
  assert_non_null(claim);
  assert_null(pe_claim_next(directory, "", NULL)); /* a lock is no file */
  assert_int_equal(pe_store_create(pe_claim_path(claim), &usual, &store, message), PE_DB_OK);
  pe_store_close(store);
  name = pe_claim_next(directory, "", NULL);
  assert_non_null(name);
  assert_null(pe_claim_next(directory, "", name));
  assert_null(pe_claim_take(directory, name, message)); /* ours already */
  assert_string_equal(message, "");
  assert_false(can_be_taken(name));
  pe_claim_free(claim);
  assert_true(can_be_taken(name));
  claim = pe_claim_take(directory, name, message);
  assert_non_null(claim);
  assert_false(can_be_taken(name));
  pe_claim_remove(claim);
  assert_null(pe_claim_next(directory, "", NULL));
  free(name);
}

static void test_says_who_holds_a_file(void **state) {
  pe_claim *claim = pe_claim_new(directory, "https://x/1", message);
  const char *name = strrchr(pe_claim_path(claim), '/') + 1;
  int ready[2], done[2], status;
  pid_t child;
  char copy[100];
  (void)state;
  assert_int_equal(pe_claim_owner(directory, name), getpid());
  (void)snprintf(copy, sizeof copy, "%s", name);
  assert_true(pipe(ready) == 0 && pipe(done) == 0);
  child = fork();
  if (child == 0) { /* it has no part in its parent's; so a file of its own */
    pe_claim *own = pe_claim_new(directory, "https://x/2", message);
    const char *made = strrchr(pe_claim_path(own), '/') + 1;
    char byte;
    if (write(ready[1], made, strlen(made) + 1) < 0 || read(done[0], &byte, 1) < 0) _exit(1);
    _exit(0);
  }
  assert_true(read(ready[0], copy, sizeof copy) > 0);
  assert_int_equal(pe_claim_owner(directory, copy), child);
  assert_int_equal(write(done[1], "x", 1), 1);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(pe_claim_owner(directory, copy), 0);
  assert_int_equal(pe_claim_owner(directory, "none.spool"), 0);
  pe_claim_free(claim);
}

static void test_finds_files_in_order_of_their_making(void **state) {
  static const char *const names[] = {"bb-1.spool", "aa-2.spool", "bb-3.spool", "aa-2.spool.lock", "aa-2.spool-wal"};
  const char *const wanted[] = {"bb-1.spool", "aa-2.spool", "bb-3.spool"};
  char *name = NULL;
  (void)state;
  for (size_t i = 0; i < 5; i++)
    assert_int_equal(close(open(path_of(names[i]), O_CREAT | O_WRONLY, 0600)), 0);
  for (size_t i = 0; i < 3; i++) {
    char *next = pe_claim_next(directory, "", name);
    free(name);
    name = next;
    assert_string_equal(name, wanted[i]);
  }
  assert_null(pe_claim_next(directory, "", name));
  free(name);
  name = pe_claim_next(directory, "bb-", "bb-1.spool");
  assert_string_equal(name, "bb-3.spool");
  free(name);
}

static void test_says_why_there_is_no_directory(void **state) {
  (void)state;
  assert_true(pe_claim_directory(path_of("new"), message));
  assert_false(pe_claim_directory(path_of("no/where"), message));
  assert_string_equal(message, "the directory cannot be made: No such file or directory");
  assert_int_equal(close(open(path_of("file"), O_CREAT | O_WRONLY, 0600)), 0);
  assert_false(pe_claim_directory(path_of("file"), message));
  assert_string_equal(message, "it is no directory");
}

static void test_sets_a_damaged_file_aside(void **state) {
  pe_claim *claim;
  (void)state;
  assert_int_equal(close(open(path_of("a-1.spool"), O_CREAT | O_WRONLY, 0600)), 0);
  claim = pe_claim_take(directory, "a-1.spool", message);
  assert_non_null(claim);
  assert_true(pe_claim_set_aside(claim));
  assert_int_equal(access(path_of("a-1.spool.damaged"), F_OK), 0);
  assert_null(pe_claim_next(directory, "", NULL));
  assert_int_not_equal(access(path_of("a-1.spool.lock"), F_OK), 0);
}

/* What tells a file that is being made from one that was emptied. */
static void test_remembers_that_the_file_was_made(void **state) {
  char name[100];
  pe_claim *claim = pe_claim_new(directory, "https://x/1", message);
  (void)state;
  (void)snprintf(name, sizeof name, "%s", strrchr(pe_claim_path(claim), '/') + 1);
  assert_false(pe_claim_was_made(claim) || pe_claim_is_made(directory, name));
  pe_claim_note_made(claim);
  assert_true(pe_claim_was_made(claim) && pe_claim_is_made(directory, name));
  pe_claim_free(claim);
  claim = pe_claim_take(directory, name, message);
  assert_true(pe_claim_was_made(claim));
  pe_claim_free(claim);
  claim = pe_claim_take(directory, "none-of-ours.spool", message);
  assert_true(pe_claim_was_made(claim));
  pe_claim_free(claim);
  assert_true(pe_claim_is_made(directory, "none-of-ours.spool"));
}

static void test_sweeps_up_locks_of_nothing(void **state) {
  pe_claim *claim, *ours;
  (void)state;
  ours = pe_claim_new(directory, "https://x/1", message);
  assert_non_null(ours);
  claim = pe_claim_take(directory, "a-1.spool", message);
  assert_non_null(claim);
  pe_claim_free(claim);
  assert_int_equal(close(open(path_of("a-2.spool"), O_CREAT | O_WRONLY, 0600)), 0);
  assert_int_equal(close(open(path_of("a-2.spool.lock"), O_CREAT | O_WRONLY, 0600)), 0);
  assert_int_equal(access(path_of("a-1.spool.lock"), F_OK), 0);
  pe_claim_sweep(directory, "b-");
  assert_int_equal(access(path_of("a-1.spool.lock"), F_OK), 0);
  pe_claim_sweep(directory, "");
  assert_int_not_equal(access(path_of("a-1.spool.lock"), F_OK), 0);
  assert_int_equal(access(path_of("a-2.spool.lock"), F_OK), 0);
  assert_false(can_be_taken(strrchr(pe_claim_path(ours), '/') + 1)); /* ours is there, and ours */
  pe_claim_free(ours);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_DIRECTORY(test_claims_a_name),
      IN_DIRECTORY(test_says_who_holds_a_file),
      IN_DIRECTORY(test_finds_files_in_order_of_their_making),
      IN_DIRECTORY(test_says_why_there_is_no_directory),
      IN_DIRECTORY(test_sets_a_damaged_file_aside),
      IN_DIRECTORY(test_remembers_that_the_file_was_made),
      IN_DIRECTORY(test_sweeps_up_locks_of_nothing),
  };
  if (!pe_database_version()) return 0; /* a build without SQLite */
  return cmocka_run_group_tests(tests, NULL, NULL);
}
