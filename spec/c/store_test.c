/* The spool's files: what is in one, and whose it is. */
#include "spool/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spool/claim.h"
#include "test.h"

static char directory[64], message[200];
static const pe_store_config usual = {.endpoint = "https://x/1", .dead_letters = 2};

static int make_directory(void **state) {
  (void)state;
  (void)snprintf(directory, sizeof directory, "%s/postevent-store-XXXXXX",
                 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
  return mkdtemp(directory) ? 0 : 1;
}

static int remove_directory(void **state) {
  char command[100];
  (void)state;
  (void)snprintf(command, sizeof command, "rm -r '%s'", directory);
  return system(command);
}

static const char *path_of(const char *name) {
  static char path[128];
  (void)snprintf(path, sizeof path, "%s/%s", directory, name);
  return path;
}

static pe_store *create(const char *name) {
  pe_store *store;
  assert_int_equal(pe_store_create(path_of(name), &usual, &store, message), PE_DB_OK);
  return store;
}

static pe_store *reopen(const char *name) {
  pe_store *store;
  pe_store_kind kind;
  assert_int_equal(pe_store_open(path_of(name), &usual, &store, &kind, message), PE_DB_OK);
  assert_int_equal(kind, PE_STORE_OURS);
  return store;
}

static pe_bytes bytes(const char *text) {
  return (pe_bytes){text, strlen(text)};
}

static void append(pe_store *store, int64_t row, const char *body) {
  const pe_stored event = {row, 1000 + row, bytes("id"), {NULL, 0}, bytes(body), 0};
  assert_int_equal(pe_store_append(store, &event), PE_DB_OK);
}

static pe_store_counts counted(const pe_store *store) {
  pe_store_counts counts;
  pe_store_count(store, &counts);
  return counts;
}

static void test_keeps_what_was_committed(void **state) {
  pe_store *store = create("a");
  pe_stored event;
  (void)state;
  append(store, 1, "one");
  append(store, 2, "two");
  assert_int_equal(pe_store_commit(store), PE_DB_OK);
  append(store, 3, "three");
  pe_store_close(store);
  store = reopen("a");
  assert_int_equal(counted(store).pending, 2);
  assert_int_equal(counted(store).last_row, 2);
  assert_int_equal(pe_store_next(store, 0, &event), PE_DB_ROW);
  assert_int_equal(event.row, 1);
  assert_int_equal(event.accepted_at, 1001);
  assert_memory_equal(event.body.data, "one", 3);
  assert_memory_equal(event.id.data, "id", 2);
  assert_null(event.name.data);
  assert_int_equal(event.attempts, 0);
  assert_int_equal(pe_store_tried(store, 2, 3), PE_DB_OK);
  assert_int_equal(pe_store_commit(store), PE_DB_OK);
  assert_int_equal(pe_store_next(store, 1, &event), PE_DB_ROW);
  assert_int_equal(event.attempts, 3);
  assert_int_equal(pe_store_next(store, 2, &event), PE_DB_OK);
  assert_int_equal(pe_store_finish(store, 1), PE_DB_OK);
  assert_int_equal(pe_store_commit(store), PE_DB_OK);
  assert_int_equal(pe_store_finish(store, 1), PE_DB_OK); /* not there: of no interest */
  assert_int_equal(counted(store).pending, 1);
  pe_store_close(store);
}

static void test_takes_back_what_was_not(void **state) {
  pe_store *store = create("a");
  pe_stored event;
  (void)state;
  append(store, 1, "one");
  pe_store_undo(store);
  assert_int_equal(counted(store).pending, 0);
  append(store, 1, "one");
  assert_int_equal(pe_store_commit(store), PE_DB_OK);
  assert_int_equal(pe_store_finish(store, 1), PE_DB_OK);
  pe_store_undo(store);
  assert_int_equal(pe_store_next(store, 0, &event), PE_DB_ROW);
  assert_int_equal(counted(store).pending, 1);
  pe_store_close(store);
}

static void test_keeps_so_many_dead(void **state) {
  const pe_dead dead = {"rejected", "rejected", "no", 400, 5, {NULL, 0}};
  pe_store *store = create("a");
  (void)state;
  for (int row = 1; row <= 5; row++)
    append(store, row, "x");
  for (int row = 1; row <= 4; row++)
    assert_int_equal(pe_store_bury(store, row, &dead), PE_DB_OK);
  assert_int_equal(pe_store_bury(store, 99, &dead), PE_DB_OK); /* not there */
  assert_int_equal(pe_store_commit(store), PE_DB_OK);
  pe_store_close(store);
  store = reopen("a");
  assert_int_equal(counted(store).pending, 1);
  assert_int_equal(counted(store).dead, 2);
  assert_int_equal(counted(store).dead_dropped, 2);
  pe_store_close(store);
}

static void test_is_full_at_its_share(void **state) {
  static char body[100000];
  const pe_stored event = {2, 0, {NULL, 0}, {NULL, 0}, {body, sizeof body}, 0};
  pe_store_config config = usual;
  pe_store *store;
  (void)state;
  memset(body, 'x', sizeof body);
  config.max_bytes = 150000;
  assert_int_equal(pe_store_create(path_of("a"), &config, &store, message), PE_DB_OK);
  append(store, 1, "x");
  assert_int_equal(pe_store_append(store, &event), PE_DB_OK);
  assert_int_equal(pe_store_commit(store), PE_DB_OK);
  assert_int_equal(pe_store_append(store, &(pe_stored){3, 0, {NULL, 0}, {NULL, 0}, {body, sizeof body}, 0}),
                   PE_DB_FULL);
  assert_int_equal(pe_store_finish(store, 2), PE_DB_OK);
  assert_int_equal(pe_store_commit(store), PE_DB_OK);
  assert_int_equal(pe_store_append(store, &(pe_stored){3, 0, {NULL, 0}, {NULL, 0}, {body, sizeof body}, 0}), PE_DB_OK);
  assert_int_equal(pe_store_commit(store), PE_DB_OK);
  pe_store_close(store);
}

static pe_store_kind kind_of(const char *name, const char *endpoint) {
  const pe_store_config config = {.endpoint = endpoint};
  pe_store *store;
  pe_store_kind kind;
  assert_int_equal(pe_store_open(path_of(name), &config, &store, &kind, message), PE_DB_OK);
  pe_store_close(store);
  return kind;
}

static void test_leaves_others_alone(void **state) {
  pe_database *database;
  (void)state;
  pe_store_close(create("a"));
  assert_int_equal(kind_of("a", usual.endpoint), PE_STORE_OURS);
  assert_int_equal(kind_of("a", NULL), PE_STORE_OURS);
  assert_int_equal(kind_of("a", "https://x/2"), PE_STORE_FOREIGN);
  assert_int_equal(pe_database_open(path_of("a"), &database), PE_DB_OK);
  assert_int_equal(pe_database_run(database, "PRAGMA user_version = 2"), PE_DB_OK);
  pe_database_close(database);
  assert_int_equal(kind_of("a", usual.endpoint), PE_STORE_NEWER);
}

static void test_refuses_links_and_rubbish(void **state) {
  pe_store *store;
  pe_store_kind kind;
  FILE *file = fopen(path_of("rubbish"), "w");
  char target[128];
  (void)state;
  for (int i = 0; i < 10000; i++)
    (void)fputc(i * 7 % 251, file);
  assert_int_equal(fclose(file), 0);
  assert_int_equal(pe_store_open(path_of("rubbish"), &usual, &store, &kind, message), PE_DB_DAMAGED);
  pe_store_close(create("a"));
  (void)snprintf(target, sizeof target, "%s", path_of("a"));
  assert_int_equal(symlink(target, path_of("link")), 0);
  assert_int_equal(pe_store_open(path_of("link"), &usual, &store, &kind, message), PE_DB_FAILED);
  assert_int_equal(pe_store_create(path_of("link"), &usual, &store, message), PE_DB_FAILED);
  assert_int_equal(pe_store_open(path_of("none"), &usual, &store, &kind, message), PE_DB_FAILED);
}

static void test_sees_that_its_file_is_gone(void **state) {
  pe_store *store = create("a");
  struct stat found;
  (void)state;
  assert_int_equal(stat(path_of("a"), &found), 0);
  assert_int_equal(found.st_mode & 0777, 0600);
  assert_true(pe_store_is_there(store));
  assert_int_equal(unlink(path_of("a")), 0);
  assert_false(pe_store_is_there(store));
  pe_store_close(store);
}

/* ---- from outside ---- */

static const pe_dead refused = {.outcome = "rejected", .code = "rejected", .ended_at = 7, .reply = {"no", 2}};

enum { SHARE = 200000, EVENT = 3000 };

static pe_store *create_with_share(const char *name) {
  const pe_store_config config = {.endpoint = "https://x/1", .dead_letters = 1000, .max_bytes = SHARE};
  pe_store *store;
  assert_int_equal(pe_store_create(path_of(name), &config, &store, message), PE_DB_OK);
  return store;
}

static pe_db_status append_large(pe_store *store, int64_t row) {
  static char body[EVENT];
  const pe_stored event = {.row = row, .body = {body, sizeof body}};
  pe_db_status status;
  memset(body, 'x', sizeof body);
  status = pe_store_append(store, &event);
  if (status == PE_DB_OK) return pe_store_commit(store);
  pe_store_undo(store);
  return status;
}

/* Appends and buries events until the file is at its share and dead letters have gone. Returns the next row. */
static int64_t fill_with_dead(pe_store *store) {
  int64_t row = 1;
  for (; counted(store).dead_dropped < 5; row++) {
    assert_int_equal(append_large(store, row), PE_DB_OK);
    assert_int_equal(pe_store_bury(store, row, &refused), PE_DB_OK);
    assert_int_equal(pe_store_commit(store), PE_DB_OK);
    assert_true(counted(store).used_bytes < SHARE + 4 * 4096);
  }
  return row;
}

static void test_dead_letters_give_way_to_events(void **state) {
  pe_store *store = create_with_share("a");
  int64_t first = fill_with_dead(store), row = first;
  int64_t dead = counted(store).dead, dropped = counted(store).dead_dropped, room = pe_store_room(store);
  (void)state;
  assert_true(dead > 20);
  assert_true(room > SHARE / 2);
  for (; pe_store_room(store) > 2 * EVENT; row++)
    assert_int_equal(append_large(store, row), PE_DB_OK); /* what it says that it has, it has */
  while (append_large(store, row) == PE_DB_OK)
    row++;
  assert_int_equal(counted(store).pending, row - first);
  assert_true(counted(store).pending * EVENT > SHARE / 2);
  assert_int_equal(counted(store).dead + counted(store).dead_dropped, dead + dropped);
  pe_store_close(store);
}

/* And one that was opened knows how much they take. */
static void test_dead_letters_that_it_finds_give_way(void **state) {
  const pe_store_config config = {.endpoint = "https://x/1", .dead_letters = 1000, .max_bytes = SHARE};
  pe_store *store = create_with_share("a");
  int64_t row = fill_with_dead(store), room = pe_store_room(store);
  pe_store_kind kind;
  (void)state;
  pe_store_close(store);
  assert_int_equal(pe_store_open(path_of("a"), &config, &store, &kind, message), PE_DB_OK);
  assert_int_equal(pe_store_room(store), room);
  assert_int_equal(append_large(store, row), PE_DB_OK);
  pe_store_close(store);
}

static void test_takes_over_as_many_dead_as_there_is_room_for(void **state) {
  pe_store *from = create_with_share("a"), *into = create_with_share("b");
  int64_t dead;
  (void)state;
  (void)fill_with_dead(from);
  dead = counted(from).dead;
  for (int64_t row = 1; row <= 30; row++)
    assert_int_equal(append_large(into, row), PE_DB_OK);
  assert_int_equal(pe_store_move_dead(from, into), PE_DB_OK);
  assert_true(counted(into).used_bytes <= SHARE);
  assert_int_equal(counted(into).pending, 30);
  assert_true(counted(into).dead > 5);
  assert_int_equal(counted(into).dead + counted(into).dead_dropped, dead);
  pe_store_close(from);
  pe_store_close(into);
}

/* A file with the pending event 1, and the dead 2 and 3. */
static pe_store *create_with_dead(const char *name) {
  pe_store *store = create(name);
  for (int64_t row = 1; row <= 3; row++)
    append(store, row, "body");
  assert_int_equal(pe_store_bury(store, 2, &refused), PE_DB_OK);
  assert_int_equal(pe_store_bury(store, 3, &refused), PE_DB_OK);
  assert_int_equal(pe_store_commit(store), PE_DB_OK);
  return store;
}

static void test_goes_on_when_dead_letters_are_taken_from_its_file(void **state) {
  pe_store *owner = create_with_dead("a"), *other = reopen("a");
  pe_dead_letter dead;
  pe_stored event;
  (void)state;
  assert_int_equal(pe_store_next(owner, 0, &event), PE_DB_ROW); /* and sees the file as it is now, until it is reset */
  assert_int_equal(pe_store_next_dead(other, 0, &dead), PE_DB_ROW);
  assert_int_equal(dead.event.accepted_at, 1002);
  assert_memory_equal(dead.reply.data, "no", 2);
  assert_int_equal(pe_store_remove_dead(other, dead.event.row), PE_DB_OK);
  assert_int_equal(pe_store_commit(other), PE_DB_OK);
  append(owner, 4, "four");
  assert_int_equal(pe_store_commit(owner), PE_DB_OK);
  assert_int_equal(counted(owner).dead, 1);
  assert_int_equal(counted(owner).pending, 2);
  pe_store_close(other);
  pe_store_close(owner);
  owner = reopen("a");
  assert_int_equal(counted(owner).dead, 1);
  assert_int_equal(counted(owner).pending, 2);
  pe_store_close(owner);
}

static void test_purges_what_is_older(void **state) {
  pe_store *store = create_with_dead("a");
  int64_t removed;
  (void)state;
  assert_int_equal(pe_store_purge(store, true, 1003, &removed), PE_DB_OK);
  assert_int_equal(removed, 1);
  assert_int_equal(pe_store_purge(store, false, 1001, &removed), PE_DB_OK);
  assert_int_equal(removed, 0);
  assert_int_equal(pe_store_commit(store), PE_DB_OK);
  assert_int_equal(counted(store).dead, 1);
  assert_int_equal(counted(store).pending, 1);
  pe_store_close(store);
}

static void test_tallies(void **state) {
  pe_store *store = create_with_dead("a");
  pe_tally tally;
  (void)state;
  pe_store_tally(store, true, INT64_MAX);
  assert_int_equal(pe_store_next_tally(store, true, &tally), PE_DB_ROW);
  assert_memory_equal(tally.code.data, "rejected", 8);
  assert_int_equal(tally.count, 2);
  assert_int_equal(tally.oldest, 1002);
  assert_int_equal(pe_store_next_tally(store, true, &tally), PE_DB_OK);
  pe_store_tally(store, false, 1001);
  assert_int_equal(pe_store_next_tally(store, false, &tally), PE_DB_OK);
  pe_store_close(store);
}

static void test_looks_at_a_file_that_nobody_may_write(void **state) {
  const pe_store_config looking = {.looks = true};
  bool is_root = geteuid() == 0;
  pe_store *store = create_with_dead("a%#?");
  pe_store_kind kind;
  (void)state;
  pe_store_close(store);
  assert_int_equal(chmod(path_of("a%#?"), 0444), 0);
  assert_int_equal(chmod(directory, 0555), 0);
  if (is_root) assert_int_equal(seteuid(65534), 0);
  assert_int_equal(pe_store_open(path_of("a%#?"), &looking, &store, &kind, message), PE_DB_OK);
  assert_int_equal(counted(store).dead, 2);
  assert_int_not_equal(pe_store_probe(store), PE_DB_OK);
  pe_store_close(store);
  if (is_root) assert_int_equal(seteuid(0), 0);
  assert_int_equal(chmod(directory, 0700), 0);
}

/* ---- claims ---- */

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

#define IN_DIRECTORY(function) cmocka_unit_test_setup_teardown(function, make_directory, remove_directory)

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_DIRECTORY(test_keeps_what_was_committed),
      IN_DIRECTORY(test_takes_back_what_was_not),
      IN_DIRECTORY(test_keeps_so_many_dead),
      IN_DIRECTORY(test_is_full_at_its_share),
      IN_DIRECTORY(test_leaves_others_alone),
      IN_DIRECTORY(test_refuses_links_and_rubbish),
      IN_DIRECTORY(test_sees_that_its_file_is_gone),
      IN_DIRECTORY(test_dead_letters_give_way_to_events),
      IN_DIRECTORY(test_dead_letters_that_it_finds_give_way),
      IN_DIRECTORY(test_takes_over_as_many_dead_as_there_is_room_for),
      IN_DIRECTORY(test_goes_on_when_dead_letters_are_taken_from_its_file),
      IN_DIRECTORY(test_purges_what_is_older),
      IN_DIRECTORY(test_tallies),
      IN_DIRECTORY(test_looks_at_a_file_that_nobody_may_write),
      IN_DIRECTORY(test_claims_a_name),
      IN_DIRECTORY(test_says_who_holds_a_file),
      IN_DIRECTORY(test_finds_files_in_order_of_their_making),
      IN_DIRECTORY(test_says_why_there_is_no_directory),
      IN_DIRECTORY(test_sets_a_damaged_file_aside),
      IN_DIRECTORY(test_sweeps_up_locks_of_nothing),
  };
  if (!pe_database_version()) return 0; /* a build without SQLite */
  return cmocka_run_group_tests(tests, NULL, NULL);
}
