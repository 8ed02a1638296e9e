/* What store.c and the files whose names begin with store_ share. Included by these. */
#ifndef PE_STORE_PRIVATE_H
#define PE_STORE_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "spool/store.h"

typedef enum pe_store_statement {
  PE_STORE_BEGIN,
  PE_STORE_COMMIT,
  PE_STORE_APPEND,
  PE_STORE_TRIED,
  PE_STORE_REMOVE,
  PE_STORE_BURY,
  PE_STORE_NEXT,
  PE_STORE_NEXT_DEAD,
  PE_STORE_ADD_DEAD,
  PE_STORE_REMOVE_DEAD,
  PE_STORE_SIZE,
  PE_STORE_ACCOUNT,
  PE_STORE_PAGES,
  PE_STORE_FREE_PAGES,
  PE_STORE_VERSION,
  PE_STORE_DAILY, /* those from here on are prepared at need */
  PE_STORE_TALLY = PE_STORE_DAILY,
  PE_STORE_TALLY_DEAD,
  PE_STORE_PURGE,
  PE_STORE_PURGE_DEAD,
  PE_STORE_STATEMENTS
} pe_store_statement;

/* The file, and what SQLite has beside it. */
enum { PE_STORE_FILE, PE_STORE_LOG, PE_STORE_INDEX, PE_STORE_PLACES };

/* Which one it was when it was opened. */
typedef struct pe_store_place {
  dev_t device;
  ino_t inode; /* 0: there was none, or it is of no interest */
} pe_store_place;

struct pe_store {
  pe_store_config config;
  char *path, *endpoint; /* owned */
  pe_database *database;
  pe_statement *statements[PE_STORE_STATEMENTS];
  pe_store_place places[PE_STORE_PLACES];
  bool changing; /* a transaction lasts */
  bool reading;  /* behind read_row */
  int64_t read_row;
  bool passes_over; /* what cannot be read */
  bool has_passed;  /* it did */
  int64_t page_size;
  int64_t tidy_pages;               /* of the log, when it was written back last */
  int64_t unused_bytes;             /* of the file, when it was measured last */
  int64_t file_bytes, filled_bytes; /* of all its pages; of the disk, which it has for these */
  int64_t version; /* of the content, as SQLite counts it: another one where another process has changed it */
  pe_store_counts counts, committed;
};

/* ---- store_file.c ---- */

/* Sets the words of an error that is the file's, not SQLite's. Returns PE_DB_FAILED. */
pe_db_status pe_store_fail(char message[200], const char *what);

/* The same, with the system's words for that errno. Returns what it says. */
pe_db_status pe_store_fail_for(char message[200], const char *what, int error);

/* Makes an empty file, 0600 whatever the umask adds; SQLite gives its log the same. */
bool pe_store_make_file(const char *path);

/* Whether it is not there, or has no page. SQLite must not look at it then, since it would remove the log. */
bool pe_store_has_nothing(const char *path);

/* What is to be said of that: PE_DB_OK or, where it is not there, PE_DB_FAILED, and PE_STORE_NOTHING; PE_DB_DAMAGED; or
 * PE_DB_FAILED and PE_STORE_FOREIGN. */
pe_db_status pe_store_judge_nothing(const char *path, pe_store_kind *kind, char message[200]);

/* Gives it a page, so that SQLite reads its log, unless config.looks. Returns whether it has one. */
bool pe_store_give_page(const pe_store *store);

/* Whether the end of the file is missing: SQLite would read zeros there. Not where a log has it, or may get it. */
bool pe_store_is_cut(const pe_store *store);

/* Opens the database of a file that is there. On an error the words are in `message`. */
pe_db_status pe_store_open_database(pe_store *store, char message[200]);

/* ---- store_place.c ---- */

/* Remembers which one it is, from now on. False: it is not there, or no plain file. */
bool pe_store_remember(pe_store *store, int place);

/* ---- the others ---- */

/* Begins the transaction unless one lasts. */
pe_db_status pe_store_begin(pe_store *store);

/* Prepares a statement that is not one of the daily ones. */
pe_db_status pe_store_prepare(pe_store *store, pe_store_statement statement);

/* So many rows that cannot be read are passed over, one by one: a page may hold many. */
enum { PE_STORE_GIVE_UP = 100000 };

/* Whether a row that cannot be read, for that reason, is passed over. */
bool pe_store_passes(pe_store *store, pe_db_status status);

/* Whether that can be the JSON of an event: zeros are where a disk has nothing any more. */
bool pe_store_is_whole(pe_bytes body);

/* Reads the counts that are in the file. */
pe_db_status pe_store_read_account(pe_store *store);

/* Whether it would have disk without its dead letters. */
bool pe_store_can_have_disk(const pe_store *store);

/* A dead letter was written, of so many bytes: counts it, and drops the oldest where there are too many. */
pe_db_status pe_store_add_dead(pe_store *store, int64_t bytes);

/* Measures how many bytes are used. */
pe_db_status pe_store_measure(pe_store *store);

#endif
