/* The spool's files: what is in one. */
#include "spool/store.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storing.h"

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
  bool found;
  (void)state;
  for (int row = 1; row <= 5; row++)
    append(store, row, "x");
  for (int row = 1; row <= 4; row++)
    bury(store, row, &dead);
  assert_int_equal(pe_store_bury(store, 99, &dead, &found), PE_DB_OK);
  assert_false(found);
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
  bool found;
  (void)state;
  memset(body, 'x', sizeof body);
  config.max_bytes = 150000;
  assert_int_equal(pe_store_create(path_of("a"), &config, &store, message), PE_DB_OK);
  append(store, 1, "x");
  assert_int_equal(pe_store_find_room(store, sizeof body, &found), PE_DB_OK);
  assert_true(found);
  assert_int_equal(pe_store_append(store, &event), PE_DB_OK);
  assert_int_equal(pe_store_find_room(store, sizeof body, &found), PE_DB_OK);
  assert_false(found);
  assert_int_equal(pe_store_finish(store, 2), PE_DB_OK);
  assert_int_equal(pe_store_find_room(store, sizeof body, &found), PE_DB_OK);
  assert_true(found); /* what is taken out makes room before it is committed */
  assert_int_equal(pe_store_commit(store), PE_DB_OK);
  pe_store_close(store);
}

/* What cannot be read is passed over row by row, up to the last that there can be. */
static void test_passes_over_no_more_rows_than_there_can_be(void **state) {
  pe_store *store = create("a");
  pe_dead_letter dead;
  pe_stored event;
  (void)state;
  append(store, 1, "x");
  bury(store, 1, &(pe_dead){.outcome = "rejected"});
  assert_int_equal(pe_store_append(store, &(pe_stored){.row = INT64_MAX, .body = bytes("x")}), PE_DB_OK);
  assert_int_equal(pe_store_commit(store), PE_DB_OK);
  pe_store_close(store);
  for (int64_t page = 1; page <= 2; page++) { /* behind the first, which names the tables */
    FILE *file = fopen(path_of("a"), "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, 4096 * page, SEEK_SET), 0);
    assert_int_equal(fputs("rubbish", file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
  }
  store = pe_store_open_damaged(path_of("a"), &usual);
  assert_non_null(store);
  assert_int_equal(pe_store_next(store, INT64_MAX - 3, &event), PE_DB_OK);
  assert_int_equal(pe_store_next_dead(store, INT64_MAX - 3, &dead), PE_DB_OK);
  assert_true(pe_store_has_passed(store));
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

/* A file with the pending event 1, and the dead 2 and 3. */
static pe_store *create_with_dead(const char *name) {
  pe_store *store = create(name);
  for (int64_t row = 1; row <= 3; row++)
    append(store, row, "body");
  bury(store, 2, &refused);
  bury(store, 3, &refused);
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

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_DIRECTORY(test_keeps_what_was_committed),
      IN_DIRECTORY(test_takes_back_what_was_not),
      IN_DIRECTORY(test_keeps_so_many_dead),
      IN_DIRECTORY(test_is_full_at_its_share),
      IN_DIRECTORY(test_passes_over_no_more_rows_than_there_can_be),
      IN_DIRECTORY(test_leaves_others_alone),
      IN_DIRECTORY(test_refuses_links_and_rubbish),
      IN_DIRECTORY(test_sees_that_its_file_is_gone),
      IN_DIRECTORY(test_goes_on_when_dead_letters_are_taken_from_its_file),
      IN_DIRECTORY(test_purges_what_is_older),
      IN_DIRECTORY(test_tallies),
      IN_DIRECTORY(test_looks_at_a_file_that_nobody_may_write),
  };
  if (!pe_database_version()) return 0; /* a build without SQLite */
  return cmocka_run_group_tests(tests, NULL, NULL);
}
