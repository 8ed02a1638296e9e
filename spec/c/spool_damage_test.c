/* Files that are not what they were: a bit of each page changed, cut off, rubbish, never finished, of another kind.
 * Whoever adopts them does not crash, delivers what can be read, counts the rest, and is done with the file. */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "numbers.h"
#include "spooling.h"

enum { EVENTS = 40, PAGE = 4096 };

/* A file, its log and the index of that, as a process left them. */
typedef struct left {
  char name[256]; /* in the directory */
  char *bytes, *log, *index;
  size_t size, log_size, index_size;
} left;

static char path[512];

/* A power cut is no part of this, and it takes its time. */
__attribute__((visibility("default"))) int fsync(int file);
int fsync(int file) {
  (void)file;
  return 0;
}

__attribute__((visibility("default"))) int fdatasync(int file);
int fdatasync(int file) {
  return fsync(file);
}

static const char *path_of(const char *name, const char *suffix) {
  (void)snprintf(path, sizeof path, "%s/%s%s", spooling_directory, name, suffix);
  return path;
}

static char *read_file(const char *from, size_t *size) {
  FILE *file = fopen(from, "rb");
  char *bytes = calloc(1, 1 << 20);
  *size = 0;
  if (file) {
    *size = fread(bytes, 1, 1 << 20, file);
    (void)fclose(file);
  }
  return bytes;
}

static void write_file(const char *to, const char *bytes, size_t size) {
  FILE *file = fopen(to, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

static void find_name(char *name, size_t size) {
  DIR *directory = opendir(spooling_directory);
  const struct dirent *entry;
  assert_non_null(directory);
  while ((entry = readdir(directory)))
    if (strstr(entry->d_name, ".spool") && strlen(strstr(entry->d_name, ".spool")) == 6)
      (void)snprintf(name, size, "%s", entry->d_name);
  (void)closedir(directory);
}

/* With long texts, so that there are some pages. */
static void push_long(spooling *self, unsigned number) {
  static char body[700];
  pe_event event = {.body = body, .body_size = sizeof body, .id = "id", .id_size = 2};
  pe_push push;
  memset(body, ' ', sizeof body);
  body[snprintf(body, sizeof body, "{%u}", number)] = ' ';
  assert_int_equal(pe_queue_push(self->queue, &event, spooling_now, &push), PE_OK);
}

/* Events 0 to 2 were delivered, all others are in the file; in its log where the process was killed. */
static void leave(left *self, bool killed) {
  pid_t child = fork();
  int status = 0;
  memset(self, 0, sizeof *self);
  if (child == 0) {
    spooling life;
    spooling_start(&life);
    for (unsigned i = 0; i < EVENTS; i++) {
      push_long(&life, i);
      spooling_run(&life);
    }
    for (int i = 0; i < 2; i++)
      (void)spooling_cycle(&life);
    if (killed) (void)raise(SIGKILL);
    spooling_stop(&life);
    _exit(0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(killed ? WIFSIGNALED(status) : status == 0);
  find_name(self->name, sizeof self->name);
  self->bytes = read_file(path_of(self->name, ""), &self->size);
  self->log = read_file(path_of(self->name, "-wal"), &self->log_size);
  self->index = read_file(path_of(self->name, "-shm"), &self->index_size);
  assert_true(killed ? self->log_size > 0 : self->log_size == 0);
}

static void forget(left *self) {
  free(self->bytes);
  free(self->log);
  free(self->index);
}

/* A directory with that file alone. */
static void lay_out(const left *self) {
  void *none = NULL;
  assert_int_equal(spooling_tear_down(&none), 0);
  assert_int_equal(spooling_set_up(&none), 0);
  write_file(path_of(self->name, ""), self->bytes, self->size);
  if (self->log_size > 0) write_file(path_of(self->name, "-wal"), self->log, self->log_size);
  if (self->index_size > 0) write_file(path_of(self->name, "-shm"), self->index, self->index_size);
}

/* Adopts what there is. Returns the counters at the end; *lost is how many of the events came never. */
static pe_counters adopt(unsigned *lost) {
  spooling life;
  pe_counters counters;
  unsigned missing, twice;
  spooling_start(&life);
  spooling_drain(&life);
  counters = accounted(life.queue);
  spooling_stop(&life);
  spooling_judge(EVENTS, &missing, &twice);
  assert_true(twice == 0);
  *lost = missing - 4;                                                         /* of those that came before */
  assert_int_equal(spooling_files(".spool"), counters.spool.dead > 0 ? 1 : 0); /* its dead letters are ours */
  return counters;
}

static void test_delivers_a_sound_one(void **state) {
  (void)state;
  for (int killed = 0; killed < 2; killed++) {
    left file;
    unsigned lost;
    pe_counters counters;
    leave(&file, killed);
    lay_out(&file);
    counters = adopt(&lost);
    assert_int_equal(lost, 0);
    assert_int_equal(counters.restored, EVENTS - 4);
    assert_int_equal(counters.spool.damaged, 0);
    forget(&file);
  }
}

static void test_survives_a_bit_of_each_page(void **state) {
  left file;
  numbers random = {7};
  unsigned all_lost = 0;
  (void)state;
  leave(&file, false);
  for (size_t at = 0; at < file.size; at += PAGE / 8) {
    size_t byte = at + below(&random, PAGE / 8);
    char bit = (char)(1 << below(&random, 8));
    unsigned lost;
    pe_counters counters;
    file.bytes[byte] ^= bit;
    lay_out(&file);
    counters = adopt(&lost);
    all_lost += lost;
    assert_true(counters.outcomes[PE_DROPPED] <= EVENTS);
    assert_true(lost == 0 || counters.outcomes[PE_DROPPED] + counters.spool.damaged > 0); /* it is told */
    file.bytes[byte] ^= bit;
  }
  assert_true(all_lost < file.size / PAGE * 8); /* less than one for each: a page has five */
  forget(&file);
}

/* What stands behind it in the log is not there for SQLite. */
static void test_tells_of_a_bit_of_its_log(void **state) {
  left file;
  numbers random = {11};
  unsigned all_lost = 0, rounds = 0;
  (void)state;
  leave(&file, true);
  for (size_t at = 0; at < file.log_size; at += PAGE / 2) {
    size_t byte = at + below(&random, PAGE / 2);
    unsigned lost;
    pe_counters counters;
    if (byte >= file.log_size) break;
    file.log[byte] ^= 16;
    lay_out(&file);
    counters = adopt(&lost);
    assert_int_equal(counters.spool.damaged, 1);
    assert_true(counters.spool.uncounted == 1 || counters.outcomes[PE_DROPPED] >= lost);
    all_lost += lost;
    rounds++;
    file.log[byte] ^= 16;
  }
  assert_true(all_lost < rounds * 5); /* a page has five */
  forget(&file);
}

/* Without the index, nobody knows of the last commit. */
static void test_tells_of_its_log_without_an_index(void **state) {
  left file;
  (void)state;
  leave(&file, true);
  file.index_size = 0;
  for (size_t at = 100; at < file.log_size * 3 / 4; at += 5 * PAGE + 100) {
    unsigned lost;
    pe_counters counters;
    file.log[at] ^= 1;
    lay_out(&file);
    counters = adopt(&lost);
    assert_int_equal(counters.spool.damaged, 1);
    assert_true(counters.spool.uncounted == 1 || counters.outcomes[PE_DROPPED] >= lost);
    file.log[at] ^= 1;
  }
  forget(&file);
}

/* With the index, and without: then there is nothing to be read of it. */
static void test_tells_of_rubbish_in_its_log(void **state) {
  left file;
  numbers random = {5};
  size_t index_size;
  (void)state;
  leave(&file, true);
  index_size = file.index_size;
  for (int round = 0; round < 8; round++) {
    unsigned lost;
    pe_counters counters;
    for (size_t i = 0; i < file.log_size; i++)
      file.log[i] = round / 2 % 2 == 0 ? (char)below(&random, 256) : 0;
    file.index_size = round % 2 == 0 ? index_size : 0;
    lay_out(&file);
    write_file(path_of(file.name, ".lock"), "\n", 1);
    counters = adopt(&lost);
    assert_int_equal(counters.spool.damaged, 1);
    assert_int_equal(counters.spool.uncounted, 1);
  }
  forget(&file);
}

/* What is wrong in it makes nobody lose anything, or crash. */
static void test_survives_rubbish_in_the_index(void **state) {
  left file;
  numbers random = {6};
  (void)state;
  leave(&file, true);
  for (int round = 0; round < 40; round++) {
    unsigned lost;
    for (size_t i = 0; i < 136; i++) /* both copies alike, so that they are believed */
      if (i != 0 && below(&random, 8) == 0) file.index[i] = (char)below(&random, 256);
    memcpy(file.index + 48, file.index, 48);
    memcpy(file.index, "\x18\xe2\x2d\0", 4);
    memcpy(file.index + 48, file.index, 4);
    lay_out(&file);
    (void)adopt(&lost);
    assert_int_equal(lost, 0);
  }
  forget(&file);
}

static void test_tells_of_a_log_that_is_cut_off(void **state) {
  left file;
  size_t whole;
  (void)state;
  leave(&file, true);
  whole = file.log_size;
  for (size_t size = 0; size < whole; size += 3 * PAGE + 5) {
    unsigned lost;
    pe_counters counters;
    file.log_size = size;
    lay_out(&file);
    counters = adopt(&lost);
    assert_int_equal(counters.spool.damaged, 1);
    assert_int_equal(counters.spool.uncounted, 1);
    assert_int_equal(spooling_files(".damaged"), 1);
  }
  forget(&file);
}

static void test_survives_one_that_is_cut_off(void **state) {
  left file;
  size_t whole;
  (void)state;
  leave(&file, false);
  whole = file.size;
  for (size_t size = 0; size < whole; size += PAGE / 2 + 5) {
    unsigned lost;
    pe_counters counters;
    file.size = size;
    lay_out(&file);
    write_file(path_of(file.name, ".lock"), "\n", 1);
    counters = adopt(&lost);
    assert_int_equal(counters.spool.damaged, 1);
    assert_true(counters.spool.uncounted == 1 || counters.outcomes[PE_DROPPED] == lost);
    assert_int_equal(spooling_files(".damaged"), 1);
  }
  forget(&file);
}

/* Its lock tells that it was made. */
static void test_tells_of_one_that_was_emptied(void **state) {
  left file;
  unsigned lost;
  pe_counters counters;
  (void)state;
  leave(&file, false);
  file.size = 0;
  lay_out(&file);
  write_file(path_of(file.name, ".lock"), "\n", 1);
  counters = adopt(&lost);
  assert_int_equal(counters.spool.damaged, 1);
  assert_int_equal(counters.spool.uncounted, 1);
  assert_int_equal(spooling_files(".damaged"), 1);
  forget(&file);
}

static void test_reads_the_log_of_one_that_was_emptied(void **state) {
  left file;
  unsigned lost;
  (void)state;
  leave(&file, true);
  file.size = 0;
  lay_out(&file);
  write_file(path_of(file.name, ".lock"), "\n", 1);
  assert_int_equal(adopt(&lost).spool.damaged, 1);
  assert_int_equal(lost, 0);
  forget(&file);
}

static void test_survives_rubbish(void **state) {
  left file;
  numbers random = {3};
  unsigned lost;
  (void)state;
  leave(&file, false);
  for (size_t i = 0; i < file.size; i++)
    file.bytes[i] = (char)below(&random, 256);
  lay_out(&file);
  assert_int_equal(adopt(&lost).spool.damaged, 1);
  assert_int_equal(lost, EVENTS - 4);
  assert_int_equal(spooling_files(".damaged"), 1);
  forget(&file);
}

/* Killed while it was made: at any of its writes. */
static void test_clears_away_what_was_never_finished(void **state) {
  left file;
  unsigned lost;
  (void)state;
  leave(&file, false);
  file.size = 0;
  lay_out(&file);
  (void)adopt(&lost);
  assert_int_equal(spooling_files(""), 0);
  forget(&file);
}

static void test_leaves_a_newer_one_alone(void **state) {
  left file;
  unsigned lost;
  pe_counters counters;
  size_t size;
  char *bytes;
  (void)state;
  leave(&file, false);
  file.bytes[63] = 9; /* the schema's version */
  lay_out(&file);
  spooling_judge(EVENTS, &lost, &lost);
  {
    spooling life;
    spooling_start(&life);
    spooling_drain(&life);
    counters = accounted(life.queue);
    spooling_stop(&life);
  }
  assert_int_equal(counters.restored, 0);
  assert_int_equal(counters.spool.newer, 1);
  bytes = read_file(path_of(file.name, ""), &size);
  assert_int_equal(size, file.size);
  assert_memory_equal(bytes, file.bytes, size);
  free(bytes);
  forget(&file);
}

static void test_follows_no_link(void **state) {
  left file;
  spooling life;
  char target[600];
  (void)state;
  leave(&file, false);
  lay_out(&file);
  (void)snprintf(target, sizeof target, "%s", path_of("elsewhere", ""));
  assert_int_equal(rename(path_of(file.name, ""), target), 0);
  assert_int_equal(symlink(target, path_of(file.name, "")), 0);
  spooling_start(&life);
  spooling_drain(&life);
  assert_int_equal(accounted(life.queue).restored, 0);
  assert_true(spooling_push(&life, 0));
  spooling_drain(&life);
  assert_int_equal(accounted(life.queue).spool.state, PE_SPOOL_WORKS); /* of which our own file knows nothing */
  spooling_stop(&life);
  forget(&file);
}

#define SPOOLING(function) cmocka_unit_test_setup_teardown(function, spooling_set_up, spooling_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      SPOOLING(test_delivers_a_sound_one),
      SPOOLING(test_survives_a_bit_of_each_page),
      SPOOLING(test_tells_of_a_bit_of_its_log),
      SPOOLING(test_tells_of_its_log_without_an_index),
      SPOOLING(test_tells_of_rubbish_in_its_log),
      SPOOLING(test_survives_rubbish_in_the_index),
      SPOOLING(test_tells_of_a_log_that_is_cut_off),
      SPOOLING(test_survives_one_that_is_cut_off),
      SPOOLING(test_tells_of_one_that_was_emptied),
      SPOOLING(test_reads_the_log_of_one_that_was_emptied),
      SPOOLING(test_survives_rubbish),
      SPOOLING(test_clears_away_what_was_never_finished),
      SPOOLING(test_leaves_a_newer_one_alone),
      SPOOLING(test_follows_no_link),
  };
  if (!pe_spool_version()) return 0; /* a build without SQLite */
  return cmocka_run_group_tests(tests, spooling_use_clock, NULL);
}
