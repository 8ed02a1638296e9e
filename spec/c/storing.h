/* For the tests of the spool's files: a directory for each test, and files in it. */
#ifndef PE_TEST_STORING_H
#define PE_TEST_STORING_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/store.h"
#include "test.h"

static char directory[64], message[200];
static const pe_store_config usual = {.endpoint = "https://x/1", .dead_letters = 2};

static inline int make_directory(void **state) {
  (void)state;
  (void)snprintf(directory, sizeof directory, "%s/postevent-store-XXXXXX",
                 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
  return mkdtemp(directory) ? 0 : 1;
}

static inline int remove_directory(void **state) {
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

static inline pe_store_counts counted(const pe_store *store) {
  pe_store_counts counts;
  pe_store_count(store, &counts);
  return counts;
}

static inline void bury(pe_store *store, int64_t row, const pe_dead *dead) {
  bool found;
  assert_int_equal(pe_store_bury(store, row, dead, &found), PE_DB_OK);
  assert_true(found);
}

#define IN_DIRECTORY(function) cmocka_unit_test_setup_teardown(function, make_directory, remove_directory)

#endif
