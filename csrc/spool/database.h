/* A database file: opened so that nobody else reads it, spoken to by prepared statements. Owns what SQLite must be told
 * and what its result codes mean; knows no table. SQLite is included by its source alone. A database and its statements
 * belong to one thread. */
#ifndef PE_DATABASE_H
#define PE_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct pe_database pe_database;
typedef struct pe_statement pe_statement;

typedef enum pe_db_status {
  PE_DB_OK,  /* done; of a step: no row (any more) */
  PE_DB_ROW, /* a step brought a row */
  PE_DB_NO_MEMORY,
  PE_DB_FULL,      /* the disk */
  PE_DB_BUSY,      /* another process holds a lock */
  PE_DB_READ_ONLY, /* the file or its file system */
  PE_DB_DAMAGED,   /* the file is no database, or not a sound one */
  PE_DB_FAILED     /* an I/O error, and all else */
} pe_db_status;

/* What statements are made of. */
typedef struct pe_bytes {
  const void *data; /* NULL: SQL's NULL */
  size_t size;
} pe_bytes;

/* What the system's errno says: PE_DB_FULL where there is no room for more bytes, or for one more file; else
 * PE_DB_FAILED. */
pe_db_status pe_database_status_of(int error);

/* The version of SQLite ("3.40.1"); NULL: this build has none, or one that must not be used by threads. */
const char *pe_database_version(void);

/* Opens the file, which must exist; a symbolic link is refused. Another process is waited for, a second at most.
 * Returns PE_DB_OK and sets *database; or another status, and *database is NULL. Says nothing of the content: that is
 * seen by the first statement. */
pe_db_status pe_database_open(const char *path, pe_database **database);

/* The same, to read alone. Where the file system lets nobody write, and there is no log, the file as it stands. */
pe_db_status pe_database_look(const char *path, pe_database **database);

/* Whether the file has a log, without which it is not all there. */
bool pe_database_has_log(const char *path);

/* Leaves the file and the log as they are when it is closed. */
void pe_database_keep_log(pe_database *database);

/* Closes it: what is in the log goes to the file, and the log goes away, if nobody else has it open. NULL is legal.
 * Every statement was freed before. */
void pe_database_close(pe_database *database);

/* Runs SQL that has no parameter and whose rows are of no interest. */
pe_db_status pe_database_run(pe_database *database, const char *sql);

/* The number in the first column of the first row; PE_DB_OK where there is one. */
pe_db_status pe_database_number(pe_database *database, const char *sql, int64_t *number);

/* How many rows the last statement changed. */
int64_t pe_database_changes(pe_database *database);

/* What went wrong last, for people. Valid until the next call. */
const char *pe_database_message(pe_database *database);

/* How many pages the log has, which nobody writes back but pe_database_checkpoint. */
int64_t pe_database_log_pages(const pe_database *database);

/* Whether the log that is open still has that many pages: somebody may have cut it off. */
bool pe_database_log_is_whole(const pe_database *database, int64_t pages, int64_t page_size);

/* pe_database_close leaves the log as it is. */
void pe_database_leave_log(pe_database *database);

/* Gives the file so many bytes of the disk, if it has fewer: what is in the log can be copied to it then, however full
 * the disk becomes. Returns whether it has them. */
bool pe_database_fill(pe_database *database, int64_t bytes);

/* Copies the log into the file as far as nobody reads it, and syncs: the one thing here that takes its time. */
pe_db_status pe_database_checkpoint(pe_database *database);

/* Prepares a statement, which the caller frees. */
pe_db_status pe_statement_new(pe_database *database, const char *sql, pe_statement **statement);

/* NULL is legal. */
void pe_statement_free(pe_statement *statement);

/* Parameters count from 1. The bytes are borrowed until the statement is reset. */
void pe_statement_set_number(pe_statement *statement, int at, int64_t number);
void pe_statement_set_bytes(pe_statement *statement, int at, pe_bytes bytes);

/* PE_DB_ROW, PE_DB_OK (done) or what went wrong; after the last two the statement is reset. */
pe_db_status pe_statement_step(pe_statement *statement);

/* For a statement whose rows are of no interest: one step, then reset. PE_DB_OK, or what went wrong. */
pe_db_status pe_statement_run(pe_statement *statement);

/* Ends a reading before its last row. */
void pe_statement_reset(pe_statement *statement);

/* Columns count from 0. The bytes are valid until the next step; NULL is {NULL, 0}, also when memory is out. */
int64_t pe_statement_number(pe_statement *statement, int column);
pe_bytes pe_statement_bytes(pe_statement *statement, int column);

#endif
