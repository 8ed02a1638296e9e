/* Dead letters, and how they give way to events that are alive. */
#include "little_disk.h"

#include "storing.h"

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
  bool found;
  status = pe_store_find_room(store, EVENT, &found);
  if (status == PE_DB_OK && !found) status = PE_DB_FULL;
  if (status == PE_DB_OK) status = pe_store_append(store, &event);
  if (status == PE_DB_OK) return pe_store_commit(store);
  pe_store_undo(store);
  return status;
}

/* Appends and buries events until the file is at its share and dead letters have gone. Returns the next row. */
static int64_t fill_with_dead(pe_store *store) {
  int64_t row = 1;
  for (; counted(store).dead_dropped < 5; row++) {
    assert_int_equal(append_large(store, row), PE_DB_OK);
    bury(store, row, &refused);
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

/* So many letters, and then too little of the disk. Returns how many gave way, and whether that was enough. */
static int64_t lack_disk(int64_t letters, bool *found) {
  const pe_store_config config = {.endpoint = "https://x/1", .dead_letters = 1000, .max_bytes = 1 << 24};
  pe_store_kind kind;
  pe_store *store;
  int64_t dropped;
  assert_int_equal(pe_store_create(path_of("a"), &config, &store, message), PE_DB_OK);
  for (int64_t row = 1; row <= letters; row++) {
    assert_int_equal(append_large(store, row), PE_DB_OK);
    bury(store, row, &refused);
    assert_int_equal(pe_store_commit(store), PE_DB_OK);
  }
  pe_store_close(store); /* a log would be room */
  assert_int_equal(pe_store_open(path_of("a"), &config, &store, &kind, message), PE_DB_OK);
  has_little = true;
  assert_int_equal(pe_store_find_disk(store, found), PE_DB_OK);
  has_little = false;
  assert_int_equal(pe_store_commit(store), PE_DB_OK);
  dropped = counted(store).dead_dropped;
  assert_int_equal(counted(store).dead + dropped, letters);
  pe_store_close(store);
  return dropped;
}

static void test_dead_letters_give_way_to_a_disk_that_is_short(void **state) {
  bool found;
  (void)state;
  assert_in_range(lack_disk(200, &found), 50, 150);
  assert_true(found);
}

static void test_dead_letters_stay_where_that_would_not_be_enough(void **state) {
  bool found;
  (void)state;
  assert_int_equal(lack_disk(20, &found), 0);
  assert_false(found);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_DIRECTORY(test_dead_letters_give_way_to_events),
      IN_DIRECTORY(test_dead_letters_that_it_finds_give_way),
      IN_DIRECTORY(test_dead_letters_give_way_to_a_disk_that_is_short),
      IN_DIRECTORY(test_dead_letters_stay_where_that_would_not_be_enough),
      IN_DIRECTORY(test_takes_over_as_many_dead_as_there_is_room_for),
  };
  if (!pe_database_version()) return 0; /* a build without SQLite */
  return cmocka_run_group_tests(tests, NULL, NULL);
}
