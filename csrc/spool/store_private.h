/* What store.c, store_open.c, store_dead.c, store_move.c and store_look.c share. Included by these. */
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

struct pe_store {
  pe_store_config config;
  char *path, *endpoint; /* owned */
  pe_database *database;
  pe_statement *statements[PE_STORE_STATEMENTS];
  dev_t device;
  ino_t inode;
  bool changing; /* a transaction lasts */
  bool reading;  /* behind read_row */
  int64_t read_row;
  int64_t page_size;
  int64_t tidy_pages; /* of the log, when it was written back last */
  int64_t version;    /* of the content, as SQLite counts it: another one where another process has changed it */
  pe_store_counts counts, committed;
};

/* Begins the transaction unless one lasts. */
pe_db_status pe_store_begin(pe_store *store);

/* Prepares a statement that is not one of the daily ones. */
pe_db_status pe_store_prepare(pe_store *store, pe_store_statement statement);

/* Reads the counts that are in the file. */
pe_db_status pe_store_read_account(pe_store *store);

/* A dead letter was written, of so many bytes: counts it, and drops the oldest where there are too many. */
pe_db_status pe_store_add_dead(pe_store *store, int64_t bytes);

/* Whether so many bytes more are within max_bytes. */
bool pe_store_fits(const pe_store *store, int64_t bytes);

/* Drops the oldest dead letters until they do, or there is none. */
pe_db_status pe_store_give_way(pe_store *store, int64_t bytes);

/* Measures how many bytes are used. */
pe_db_status pe_store_measure(pe_store *store);

#endif
