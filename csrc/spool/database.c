#include "spool/database.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

pe_db_status pe_database_status_of(int error) {
  return error == ENOSPC || error == EDQUOT ? PE_DB_FULL : PE_DB_FAILED;
}

bool pe_database_has_log(const char *path) {
  struct stat found;
  char log[4096];
  int length = snprintf(log, sizeof log, "%s-wal", path);
  return length < 0 || (size_t)length >= sizeof log ||
         (stat(log, &found) == 0 && S_ISREG(found.st_mode) && found.st_size > 0);
}

#ifdef PE_HAVE_SQLITE

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

struct pe_database {
  sqlite3 *handle;
  int log_pages;
};

/* A pe_statement is SQLite's own. */
static sqlite3_stmt *raw(pe_statement *statement) {
  return (sqlite3_stmt *)statement;
}

const char *pe_database_version(void) {
  return sqlite3_threadsafe() ? sqlite3_libversion() : NULL;
}

static pe_db_status status_of(int result) {
  switch (result & 0xff) {
  case SQLITE_OK:
  case SQLITE_DONE: return PE_DB_OK;
  case SQLITE_ROW: return PE_DB_ROW;
  case SQLITE_NOMEM: return PE_DB_NO_MEMORY;
  case SQLITE_FULL: return PE_DB_FULL;
  case SQLITE_BUSY:
  case SQLITE_LOCKED: return PE_DB_BUSY;
  case SQLITE_READONLY:
  case SQLITE_PERM: return PE_DB_READ_ONLY;
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB: return PE_DB_DAMAGED;
  default: return PE_DB_FAILED;
  }
}

/* Where not even an index has room, SQLite speaks of an I/O error; and where there may be no more files, of one that
 * cannot be opened. Some file systems count no files. */
static bool is_disk_full(sqlite3 *handle) {
  const uint64_t least = 65536;
  const char *path = sqlite3_db_filename(handle, "main");
  struct statvfs disk;
  if (!path || statvfs(path, &disk) != 0) return false;
  return (uint64_t)disk.f_bavail * disk.f_frsize < least || (disk.f_files > 0 && disk.f_favail == 0);
}

static pe_db_status judge(sqlite3 *handle, int result) {
  int what = result & 0xff;
  return (what == SQLITE_IOERR || what == SQLITE_CANTOPEN) && is_disk_full(handle) ? PE_DB_FULL : status_of(result);
}

/* In the place of SQLite's own, which would write the log back in the middle of the work. */
static int note_log(void *database, sqlite3 *handle, const char *name, int pages) {
  (void)handle;
  (void)name;
  ((pe_database *)database)->log_pages = pages;
  return SQLITE_OK;
}

#ifndef SQLITE_OPEN_NOFOLLOW
#define SQLITE_OPEN_NOFOLLOW 0 /* 3.31; before, whoever opens has looked */
#endif

/* The command writes to files of living processes, for a moment: that is no reason to give the disk up. */
enum { PATIENCE = 1000 };

static pe_db_status open_with(const char *path, int flags, pe_database **database) {
  pe_database *made = calloc(1, sizeof *made);
  pe_db_status status;

  *database = NULL;
  if (!made) return PE_DB_NO_MEMORY;
  flags |= SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_NOFOLLOW;
  status = status_of(sqlite3_open_v2(path, &made->handle, flags, NULL));
  if (status != PE_DB_OK) {
    pe_database_close(made);
    return status;
  }
  (void)sqlite3_extended_result_codes(made->handle, 1);
  (void)sqlite3_busy_timeout(made->handle, PATIENCE);
  (void)sqlite3_wal_hook(made->handle, note_log, made);
  *database = made;
  return PE_DB_OK;
}

pe_db_status pe_database_open(const char *path, pe_database **database) {
  pe_db_status status = open_with(path, SQLITE_OPEN_READWRITE, database);
  if (status != PE_DB_OK || sqlite3_db_readonly((*database)->handle, "main") == 0) return status;
  pe_database_close(*database); /* where it may not write, SQLite goes on by reading alone */
  *database = NULL;
  return PE_DB_READ_ONLY;
}

/* file:PATH?immutable=1, each byte of the path that means something there as its number. NULL: no memory. */
static char *immutable_uri(const char *path) {
  static const char before[] = "file:", behind[] = "?immutable=1";
  char *uri = malloc(sizeof before + sizeof behind + 3 * strlen(path));
  char *end = uri;

  if (!uri) return NULL;
  end += sprintf(end, "%s", before);
  for (; *path != '\0'; path++)
    end += strchr("%?#", *path) ? sprintf(end, "%%%02X", (unsigned)*path) : sprintf(end, "%c", *path);
  (void)sprintf(end, "%s", behind);
  return uri;
}

/* What SQLite does not read without writing beside it, where nobody can write. */
static pe_db_status open_unchanging(const char *path, pe_database **database) {
  char *uri = immutable_uri(path);
  pe_db_status status = uri ? open_with(uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, database) : PE_DB_NO_MEMORY;
  free(uri);
  return status;
}

pe_db_status pe_database_look(const char *path, pe_database **database) {
  int64_t ignored;
  pe_db_status status = open_with(path, SQLITE_OPEN_READONLY, database);

  if (status != PE_DB_OK) return status;
  status = pe_database_number(*database, "SELECT count(*) FROM sqlite_master", &ignored);
  if ((status != PE_DB_FAILED && status != PE_DB_READ_ONLY) || pe_database_has_log(path)) return PE_DB_OK;
  pe_database_close(*database);
  return open_unchanging(path, database);
}

void pe_database_keep_log(pe_database *database) {
  (void)sqlite3_db_config(database->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
                          NULL); /* an old SQLite does not know it */
}

void pe_database_close(pe_database *database) {
  if (!database) return;
  (void)sqlite3_close(database->handle); /* fails only while a statement lives */
  free(database);
}

pe_db_status pe_database_run(pe_database *database, const char *sql) {
  return judge(database->handle, sqlite3_exec(database->handle, sql, NULL, NULL, NULL));
}

pe_db_status pe_database_number(pe_database *database, const char *sql, int64_t *number) {
  pe_statement *statement;
  pe_db_status status = pe_statement_new(database, sql, &statement);

  if (status == PE_DB_OK) status = pe_statement_step(statement);
  if (status == PE_DB_ROW) *number = pe_statement_number(statement, 0);
  pe_statement_free(statement);
  if (status == PE_DB_OK) return PE_DB_FAILED; /* no row */
  return status == PE_DB_ROW ? PE_DB_OK : status;
}

int64_t pe_database_changes(pe_database *database) {
  return sqlite3_changes(database->handle);
}

const char *pe_database_message(pe_database *database) {
  return sqlite3_errmsg(database->handle);
}

int64_t pe_database_log_pages(const pe_database *database) {
  return database->log_pages;
}

/* What SQLite's format of a log begins with, for the page and for each of its pages. */
enum { LOG_HEAD = 32, PAGE_HEAD = 24 };

static sqlite3_file *log_of(const pe_database *database) {
  sqlite3_file *log = NULL;
#ifdef SQLITE_FCNTL_JOURNAL_POINTER
  (void)sqlite3_file_control(database->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
#endif
  return log && log->pMethods ? log : NULL;
}

/* Its own file handle is asked. One that was cut off and written to again has nothing where it began. */
bool pe_database_log_is_whole(const pe_database *database, int64_t pages, int64_t page_size) {
  static const unsigned char none[4] = {0};
  unsigned char head[4];
  sqlite3_int64 size = 0;
  sqlite3_file *log = log_of(database);

  if (!log || pages == 0) return true;
  if (log->pMethods->xFileSize(log, &size) != SQLITE_OK) return true;
  if (size < LOG_HEAD + pages * (PAGE_HEAD + page_size)) return false;
  return log->pMethods->xRead(log, head, sizeof head, 0) != SQLITE_OK || memcmp(head, none, sizeof head) != 0;
}

void pe_database_leave_log(pe_database *database) {
#ifdef SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE
  (void)sqlite3_db_config(database->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
#else
  (void)database; /* 3.16; before, what can be read is written back */
#endif
}

bool pe_database_fill(pe_database *database, int64_t bytes) {
  int page = 4096; /* without a size of chunks there are no hints */
  return sqlite3_file_control(database->handle, "main", SQLITE_FCNTL_CHUNK_SIZE, &page) == SQLITE_OK &&
         sqlite3_file_control(database->handle, "main", SQLITE_FCNTL_SIZE_HINT, &bytes) == SQLITE_OK;
}

pe_db_status pe_database_checkpoint(pe_database *database) {
  return judge(database->handle,
               sqlite3_wal_checkpoint_v2(database->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL));
}

pe_db_status pe_statement_new(pe_database *database, const char *sql, pe_statement **statement) {
  sqlite3_stmt *made = NULL;
  pe_db_status status =
      judge(database->handle, sqlite3_prepare_v3(database->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &made, NULL));
  *statement = (pe_statement *)made;
  return status;
}

void pe_statement_free(pe_statement *statement) {
  (void)sqlite3_finalize(raw(statement)); /* tells of the last step, which has told */
}

void pe_statement_set_number(pe_statement *statement, int at, int64_t number) {
  (void)sqlite3_bind_int64(raw(statement), at, number); /* fails for a place that is not there */
}

void pe_statement_set_bytes(pe_statement *statement, int at, pe_bytes bytes) {
  /* The same; and too long, which no event is. As text, for whoever looks in with SQLite's own shell. */
  (void)sqlite3_bind_text64(raw(statement), at, bytes.data, bytes.size, SQLITE_STATIC, SQLITE_UTF8);
}

pe_db_status pe_statement_step(pe_statement *statement) {
  pe_db_status status = judge(sqlite3_db_handle(raw(statement)), sqlite3_step(raw(statement)));
  if (status != PE_DB_ROW) pe_statement_reset(statement);
  return status;
}

pe_db_status pe_statement_run(pe_statement *statement) {
  pe_db_status status = pe_statement_step(statement);
  if (status != PE_DB_ROW) return status;
  pe_statement_reset(statement);
  return PE_DB_OK;
}

void pe_statement_reset(pe_statement *statement) {
  (void)sqlite3_reset(raw(statement)); /* tells of the last step, which has told */
}

int64_t pe_statement_number(pe_statement *statement, int column) {
  return sqlite3_column_int64(raw(statement), column);
}

pe_bytes pe_statement_bytes(pe_statement *statement, int column) {
  const void *data = sqlite3_column_blob(raw(statement), column);
  return (pe_bytes){data, data ? (size_t)sqlite3_column_bytes(raw(statement), column) : 0};
}

#else /* a build without it: nothing can be opened, and the rest is never called */

#include <stdlib.h>

const char *pe_database_version(void) {
  return NULL;
}

pe_db_status pe_database_open(const char *path, pe_database **database) {
  (void)path;
  *database = NULL;
  return PE_DB_FAILED;
}

pe_db_status pe_database_look(const char *path, pe_database **database) {
  return pe_database_open(path, database);
}

#pragma GCC diagnostic ignored "-Wunused-parameter"

void pe_database_keep_log(pe_database *database) {}
void pe_database_close(pe_database *database) {}
pe_db_status pe_database_run(pe_database *database, const char *sql) {
  return PE_DB_FAILED;
}
pe_db_status pe_database_number(pe_database *database, const char *sql, int64_t *number) {
  return PE_DB_FAILED;
}
int64_t pe_database_changes(pe_database *database) {
  return 0;
}
const char *pe_database_message(pe_database *database) {
  return "";
}
int64_t pe_database_log_pages(const pe_database *database) {
  return 0;
}
bool pe_database_log_is_whole(const pe_database *database, int64_t pages, int64_t page_size) {
  return true;
}
void pe_database_leave_log(pe_database *database) {}
bool pe_database_fill(pe_database *database, int64_t bytes) {
  return false;
}
pe_db_status pe_database_checkpoint(pe_database *database) {
  return PE_DB_FAILED;
}
pe_db_status pe_statement_new(pe_database *database, const char *sql, pe_statement **statement) {
  return PE_DB_FAILED;
}
void pe_statement_free(pe_statement *statement) {}
void pe_statement_set_number(pe_statement *statement, int at, int64_t number) {}
void pe_statement_set_bytes(pe_statement *statement, int at, pe_bytes bytes) {}
pe_db_status pe_statement_step(pe_statement *statement) {
  return PE_DB_FAILED;
}
pe_db_status pe_statement_run(pe_statement *statement) {
  return PE_DB_FAILED;
}
void pe_statement_reset(pe_statement *statement) {}
int64_t pe_statement_number(pe_statement *statement, int column) {
  return 0;
}
pe_bytes pe_statement_bytes(pe_statement *statement, int column) {
  return (pe_bytes){NULL, 0};
}

#endif
