/* What a commit of SQLite costs by itself: one row in one transaction, with a log (WAL), synchronous NORMAL, over and
 * over: commit_loop FILE COUNT BODY. Prints the 50th, 99th and 99.9th percentile, in nanoseconds. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifdef PE_HAVE_SQLITE
#include <sqlite3.h>

static int64_t now(void) {
  struct timespec ts;
  (void)clock_gettime(CLOCK_MONOTONIC, &ts);
  return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int compare(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static void check(sqlite3 *db, int result) {
  if (result == SQLITE_OK || result == SQLITE_DONE) return;
  fprintf(stderr, "%s\n", sqlite3_errmsg(db));
  exit(1);
}

static void run(sqlite3 *db, sqlite3_stmt *insert, const char *body) {
  check(db, sqlite3_exec(db, "BEGIN", NULL, NULL, NULL));
  check(db, sqlite3_bind_text(insert, 1, body, -1, SQLITE_STATIC));
  check(db, sqlite3_step(insert));
  check(db, sqlite3_reset(insert));
  check(db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
}

int main(int argc, char **argv) {
  static const char sql[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0;"
                            "CREATE TABLE event (row INTEGER PRIMARY KEY, body TEXT NOT NULL)";
  size_t count = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
  int64_t *took = calloc(count + 1, sizeof *took);
  sqlite3 *db = NULL;
  sqlite3_stmt *insert = NULL;

  if (count == 0 || !took) return 2;
  check(db, sqlite3_open(argv[1], &db));
  check(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
  check(db, sqlite3_prepare_v2(db, "INSERT INTO event (body) VALUES (?1)", -1, &insert, NULL));
  for (size_t i = 0; i < count; i++) {
    int64_t start = now();
    run(db, insert, argv[3]);
    took[i] = now() - start;
  }
  qsort(took, count, sizeof *took, compare);
  printf("%lld %lld %lld\n", (long long)took[count / 2], (long long)took[count * 99 / 100],
         (long long)took[count * 999 / 1000]);
  (void)sqlite3_finalize(insert);
  (void)sqlite3_close(db);
  free(took);
  return 0;
}
#else
int main(void) {
  fputs("this build has no SQLite\n", stderr);
  return 1;
}
#endif
