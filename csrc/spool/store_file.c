/* The part of store.h that looks at the file on the disk, before SQLite does and beside it. */
#include "spool/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "spool/store_private.h"

enum { PAGE = 4096 }; /* bytes, of all our files */

pe_db_status pe_store_fail(char message[200], const char *what) {
  (void)snprintf(message, 200, "%s", what);
  return PE_DB_FAILED;
}

pe_db_status pe_store_fail_for(char message[200], const char *what, int error) {
  (void)snprintf(message, 200, "%s: %s", what, strerror(error));
  return pe_database_status_of(error);
}

bool pe_store_make_file(const char *path) {
  int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  return file >= 0 && close(file) == 0;
}

static bool is_missing(const char *path) {
  struct stat found;
  return lstat(path, &found) != 0 && errno == ENOENT;
}

/* SQLite takes one byte for none. */
static bool is_blank(const char *path) {
  struct stat found;
  return lstat(path, &found) == 0 && S_ISREG(found.st_mode) && found.st_size <= 1;
}

bool pe_store_has_nothing(const char *path) {
  return is_blank(path) || is_missing(path);
}

/* Whether that is a plain file, or not there: of another kind, SQLite might wait for it. */
static bool is_plain(const char *path, const char *suffix) {
  struct stat found;
  char beside[4096];
  int length = snprintf(beside, sizeof beside, "%s%s", path, suffix);
  if (length < 0 || (size_t)length >= sizeof beside) return false;
  return lstat(beside, &found) == 0 ? S_ISREG(found.st_mode) : errno == ENOENT;
}

/* A log is there from the moment on when the file has a page: beside one that has none it tells of damage. */
pe_db_status pe_store_judge_nothing(const char *path, pe_store_kind *kind, char message[200]) {
  bool is_gone = is_missing(path);
  *kind = PE_STORE_FOREIGN;
  if (!is_plain(path, "-wal")) return pe_store_fail(message, "its -wal is no plain file");
  *kind = PE_STORE_NOTHING;
  if (!pe_database_has_log(path)) return is_gone ? pe_store_fail(message, "it is not there") : PE_DB_OK;
  (void)pe_store_fail(message, is_gone ? "it is gone, and its log is there" : "nothing is in it but its log");
  return PE_DB_DAMAGED;
}

bool pe_store_is_cut(const pe_store *store) {
  struct stat found;
  return stat(store->path, &found) == 0 && found.st_size % PAGE != 0 && !pe_database_has_log(store->path);
}

bool pe_store_give_page(const pe_store *store) {
  bool is_gone = is_missing(store->path);
  if (!is_gone && !is_blank(store->path)) return true;
  if (store->config.looks || (is_gone && !pe_store_make_file(store->path))) return false;
  return truncate(store->path, PAGE) == 0;
}

pe_db_status pe_store_open_database(pe_store *store, char message[200]) {
  pe_db_status status;
  if (!pe_store_remember(store, PE_STORE_FILE)) return pe_store_fail(message, "it is no plain file");
  if (!is_plain(store->path, "-wal")) return pe_store_fail(message, "its -wal is no plain file");
  if (!is_plain(store->path, "-shm")) return pe_store_fail(message, "its -shm is no plain file");
  if (!is_plain(store->path, "-journal")) return pe_store_fail(message, "its -journal is no plain file");
  status = store->config.looks ? pe_database_look(store->path, &store->database)
                               : pe_database_open(store->path, &store->database);
  if (status != PE_DB_OK)
    (void)pe_store_fail(message, access(store->path, R_OK | W_OK) != 0 ? strerror(errno) : "it cannot be opened");
  return status;
}
