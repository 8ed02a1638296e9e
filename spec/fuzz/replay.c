/* Gives every file of a target's corpus (CORPUS) to the target, without libFuzzer: what once crashed never does again.
 * A claim that does not hold ends the process; the last name in the output is the file's. */
#include <dirent.h>

#include "fuzz.h"
#include "test.h"

enum { MAX_SIZE = 1 << 16 };

static void replay(const char *name) {
  static uint8_t bytes[MAX_SIZE];
  char path[512];
  size_t size;
  FILE *file;

  (void)snprintf(path, sizeof path, "%s/%s", CORPUS, name);
  print_message("# %s\n", path);
  file = fopen(path, "rb");
  assert_non_null(file);
  size = fread(bytes, 1, sizeof bytes, file);
  (void)fclose(file);
  assert_true(size < sizeof bytes);
  assert_int_equal(LLVMFuzzerTestOneInput(bytes, size), 0);
}

static void every_claim_holds_for_the_corpus(void **state) {
  DIR *directory = opendir(CORPUS);
  const struct dirent *entry;
  int count = 0;
  (void)state;
  assert_non_null(directory);
  while ((entry = readdir(directory))) {
    if (entry->d_name[0] == '.') continue;
    replay(entry->d_name);
    count++;
  }
  (void)closedir(directory);
  assert_true(count >= 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(every_claim_holds_for_the_corpus)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
