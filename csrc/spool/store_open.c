/* The part of store.h that makes, opens and closes a file, and the schema. */
#include "spool/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spool/store_private.h"
#include "spool/wal.h"

/* "pesp", and the version of the schema: what a newer release has written is not for us to touch. */
#define APPLICATION 1885696880
#define SCHEMA      1
#define NUMBER_(x)  #x
#define NUMBER(x)   NUMBER_(x)

enum { MOST_DEAD = 1000000 }; /* spool.dead_letters */

/* 16 KiB would hold most events in one page, but a commit writes whole pages. */
#define LOOKING_                                                                                                       \
  "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -1024; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"

static const char LOOKING[] = LOOKING_;
static const char SETTINGS[] = "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL;"
                               "PRAGMA journal_size_limit = 262144; PRAGMA secure_delete = FAST;" LOOKING_;

static const char TABLES[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE event (row INTEGER PRIMARY KEY, accepted_at INTEGER NOT NULL, attempts INTEGER NOT NULL, id TEXT,"
    " name TEXT, body TEXT NOT NULL);"
    "CREATE TABLE dead (row INTEGER PRIMARY KEY, accepted_at INTEGER NOT NULL, ended_at INTEGER NOT NULL,"
    " outcome TEXT NOT NULL, code TEXT, message TEXT, http_status INTEGER, reply TEXT, id TEXT, name TEXT,"
    " body TEXT NOT NULL);"
    "CREATE TABLE account (pending INTEGER, dead INTEGER, dead_dropped INTEGER, last_row INTEGER);"
    "INSERT INTO account VALUES (0, 0, 0, 0);"
    "CREATE TABLE about (endpoint TEXT NOT NULL);"
    "PRAGMA application_id = " NUMBER(APPLICATION) "; PRAGMA user_version = " NUMBER(SCHEMA) ";";

/* A row of zeros, where the disk has nothing any more, is none. */
#define ACCOUNT " FROM account WHERE typeof(pending) = 'integer' AND typeof(last_row) = 'integer'"

static const char DEAD_BYTES[] =
    "SELECT ifnull(sum(length(CAST(body AS BLOB)) + ifnull(length(CAST(reply AS BLOB)), 0)), 0) FROM dead";

#define WHY_DEAD                                                                                                       \
  "SELECT name, ifnull(code, outcome), count(*), min(accepted_at) FROM dead WHERE accepted_at < ?1 GROUP BY 1, 2"

static const char *const sql[PE_STORE_STATEMENTS] = {
    [PE_STORE_BEGIN] = "BEGIN IMMEDIATE",
    [PE_STORE_COMMIT] = "COMMIT",
    [PE_STORE_APPEND] = "INSERT OR IGNORE INTO event VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [PE_STORE_TRIED] = "UPDATE event SET attempts = ?2 WHERE row = ?1",
    [PE_STORE_REMOVE] = "DELETE FROM event WHERE row = ?1",
    [PE_STORE_BURY] =
        "INSERT INTO dead SELECT NULL, accepted_at, ?2, ?3, ?4, ?5, ?6, ?7, id, name, body FROM event WHERE row = ?1",
    [PE_STORE_NEXT] = "SELECT row, accepted_at, attempts, id, name, body FROM event WHERE row > ?1 ORDER BY row",
    [PE_STORE_NEXT_DEAD] = "SELECT * FROM dead WHERE row > ?1 ORDER BY row LIMIT 1",
    [PE_STORE_ADD_DEAD] = "INSERT INTO dead VALUES (NULL, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    [PE_STORE_REMOVE_DEAD] = "DELETE FROM dead WHERE row = ?1",
    [PE_STORE_SIZE] = "SELECT length(CAST(body AS BLOB)) FROM event WHERE row = ?1",
    [PE_STORE_ACCOUNT] = "UPDATE account SET pending = ?1, dead = ?2, dead_dropped = ?3, last_row = ?4",
    [PE_STORE_PAGES] = "PRAGMA page_count",
    [PE_STORE_FREE_PAGES] = "PRAGMA freelist_count",
    [PE_STORE_VERSION] = "PRAGMA data_version",
    [PE_STORE_TALLY] = "SELECT name, NULL, count(*), min(accepted_at) FROM event WHERE accepted_at < ?1 GROUP BY name",
    [PE_STORE_TALLY_DEAD] = WHY_DEAD,
    [PE_STORE_PURGE] = "DELETE FROM event WHERE row IN (SELECT row FROM event WHERE accepted_at < ?1 LIMIT 1000)",
    [PE_STORE_PURGE_DEAD] = "DELETE FROM dead WHERE row IN (SELECT row FROM dead WHERE accepted_at < ?1 LIMIT 1000)",
};

/* ---- opening ---- */

static char *copy_text(const char *text, size_t size) {
  char *copy = malloc(size + 1);
  if (!copy) return NULL;
  memcpy(copy, text, size);
  copy[size] = '\0';
  return copy;
}

static pe_store *new_store(const char *path, const pe_store_config *config) {
  pe_store *made = calloc(1, sizeof *made);
  if (!made) return NULL;
  made->config = *config;
  made->passes_over = config->looks;
  made->path = copy_text(path, strlen(path));
  if (made->path) return made;
  free(made);
  return NULL;
}

/* The statements from that one to before the other. */
static pe_db_status prepare(pe_store *store, int from, int to) {
  pe_db_status status = PE_DB_OK;
  for (int i = from; i < to && status == PE_DB_OK; i++)
    status = pe_statement_new(store->database, sql[i], &store->statements[i]);
  return status;
}

pe_db_status pe_store_prepare(pe_store *store, pe_store_statement statement) {
  return store->statements[statement] ? PE_DB_OK : prepare(store, (int)statement, (int)statement + 1);
}

static pe_db_status set_up(pe_store *store) {
  pe_db_status status = pe_database_run(store->database, store->config.looks ? LOOKING : SETTINGS);
  const char *sync = store->config.full_sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL";
  return status == PE_DB_OK ? pe_database_run(store->database, sync) : status;
}

static pe_db_status make_tables(pe_store *store) {
  pe_bytes endpoint = {store->config.endpoint, strlen(store->config.endpoint)};
  pe_statement *statement = NULL;
  pe_db_status status = pe_database_run(store->database, TABLES);

  if (status == PE_DB_OK) status = pe_statement_new(store->database, "INSERT INTO about VALUES (?1)", &statement);
  if (status == PE_DB_OK) {
    pe_statement_set_bytes(statement, 1, endpoint);
    status = pe_statement_run(statement);
  }
  pe_statement_free(statement);
  return status == PE_DB_OK ? pe_database_run(store->database, "COMMIT") : status;
}

/* Whether the account can be true: a bit of it may have changed. */
static pe_db_status check_account(pe_store *store) {
  int64_t events = 0, dead = 0, last = 0;
  const pe_store_counts *counts = &store->counts;
  pe_db_status status =
      pe_database_number(store->database, "SELECT ifnull(max(row), 0) - ifnull(min(row), 1) + 1 FROM event", &events);
  if (status == PE_DB_OK)
    status = pe_database_number(store->database, "SELECT ifnull(max(row) - min(row) + 1, 0) FROM dead", &dead);
  if (status == PE_DB_OK) status = pe_database_number(store->database, "SELECT ifnull(max(row), 0) FROM event", &last);
  if (status != PE_DB_OK) return status;
  if (counts->pending < 0 || counts->pending > events || counts->dead < 0 || counts->dead > dead) return PE_DB_DAMAGED;
  return last <= counts->last_row && counts->dead_dropped >= 0 ? PE_DB_OK : PE_DB_DAMAGED;
}

pe_db_status pe_store_read_account(pe_store *store) {
  pe_store_counts *counts = &store->counts;
  pe_statement *statement;
  pe_db_status status = pe_statement_new(store->database, "SELECT *" ACCOUNT, &statement);

  if (status == PE_DB_OK) status = pe_statement_step(statement);
  if (status == PE_DB_ROW) {
    counts->pending = pe_statement_number(statement, 0);
    counts->dead = pe_statement_number(statement, 1);
    counts->dead_dropped = pe_statement_number(statement, 2);
    counts->last_row = pe_statement_number(statement, 3);
    status = PE_DB_OK;
  } else if (status == PE_DB_OK) {
    status = PE_DB_DAMAGED;
  }
  pe_statement_free(statement);
  counts->dead_bytes = 0;
  if (status != PE_DB_OK || counts->dead <= 0 || store->config.max_bytes <= 0) return status;
  return pe_database_number(store->database, DEAD_BYTES, &counts->dead_bytes);
}

static pe_db_status read_endpoint(pe_store *store) {
  pe_statement *statement;
  pe_db_status status = pe_statement_new(store->database, "SELECT endpoint FROM about", &statement);

  if (status == PE_DB_OK) status = pe_statement_step(statement);
  if (status == PE_DB_ROW) {
    pe_bytes text = pe_statement_bytes(statement, 0);
    bool is_text = text.size > 0 && !memchr(text.data, 0, text.size);
    store->endpoint = is_text ? copy_text(text.data, text.size) : NULL;
    status = store->endpoint ? PE_DB_OK : is_text ? PE_DB_NO_MEMORY : PE_DB_DAMAGED;
  } else if (status == PE_DB_OK) {
    status = PE_DB_DAMAGED;
  }
  pe_statement_free(statement);
  return status;
}

/* PE_DB_OK, and what kind of file it is. */
static pe_db_status look(pe_store *store, pe_store_kind *kind) {
  int64_t application = 0, schema = 0, tables = 0;
  pe_db_status status = pe_database_number(store->database, "SELECT count(*) FROM sqlite_master", &tables);
  if (status == PE_DB_OK) status = pe_database_number(store->database, "PRAGMA application_id", &application);
  if (status == PE_DB_OK) status = pe_database_number(store->database, "PRAGMA user_version", &schema);
  if (status != PE_DB_OK) return status;
  *kind = tables == 0 && application == 0 ? PE_STORE_NOTHING : PE_STORE_FOREIGN;
  if (application != APPLICATION) return PE_DB_OK;
  *kind = schema > SCHEMA ? PE_STORE_NEWER : PE_STORE_OURS;
  if (*kind != PE_STORE_OURS) return PE_DB_OK;
  status = read_endpoint(store);
  if (status == PE_DB_OK && store->config.endpoint && strcmp(store->config.endpoint, store->endpoint) != 0)
    *kind = PE_STORE_FOREIGN;
  return status;
}

/* In one transaction: whoever has the file may commit between two looks, and they would not belong together. */
static pe_db_status read_sound_account(pe_store *store) {
  pe_db_status status = pe_database_run(store->database, "BEGIN");
  if (status == PE_DB_OK) status = pe_store_read_account(store);
  if (status == PE_DB_OK) status = check_account(store);
  return status == PE_DB_OK ? pe_database_run(store->database, "COMMIT") : status; /* else the file is closed */
}

static pe_db_status get_ready(pe_store *store) {
  pe_db_status status = read_sound_account(store);
  if (status == PE_DB_OK) status = pe_database_number(store->database, "PRAGMA page_size", &store->page_size);
  if (status == PE_DB_OK) status = prepare(store, 0, PE_STORE_DAILY);
  if (status == PE_DB_OK) status = pe_store_measure(store);
  if (status == PE_DB_OK) status = pe_database_number(store->database, "PRAGMA data_version", &store->version);
  store->committed = store->counts;
  for (int place = PE_STORE_LOG; place < PE_STORE_PLACES && status == PE_DB_OK && !store->config.looks; place++)
    (void)pe_store_remember(store, place); /* where it is there by now */
  return status;
}

static void keep_words(pe_store *store, pe_db_status status, char message[200]) {
  if (status == PE_DB_FULL)
    (void)pe_store_fail(message, "the disk is full");
  else if (status != PE_DB_OK && store->database)
    (void)pe_store_fail(message, pe_database_message(store->database));
}

pe_db_status pe_store_create(const char *path, const pe_store_config *config, pe_store **store, char message[200]) {
  pe_store *made = new_store(path, config);
  pe_db_status status = PE_DB_NO_MEMORY;

  *store = NULL;
  (void)pe_store_fail(message, "out of memory");
  if (!made) return status;
  if (!pe_store_make_file(path)) {
    status = pe_store_fail_for(message, "it cannot be made", errno);
    pe_store_close(made);
    return status;
  }
  status = pe_store_open_database(made, message);
  if (status == PE_DB_OK) {
    status = set_up(made);
    if (status == PE_DB_OK) status = make_tables(made);
    if (status == PE_DB_OK) status = read_endpoint(made);
    if (status == PE_DB_OK) status = get_ready(made);
    keep_words(made, status, message);
  }
  if (status == PE_DB_OK) {
    *store = made;
    return PE_DB_OK;
  }
  pe_store_close(made);
  (void)unlink(path); /* ours, and of no use */
  return status;
}

/* Opens one in which there is something. */
static pe_db_status open_content(pe_store *made, pe_store_kind *kind, char message[200]) {
  pe_db_status status;

  if (made->config.is_alone && !pe_wal_is_sound(made->path)) {
    (void)pe_store_fail(message, "its log is not whole");
    return PE_DB_DAMAGED;
  }
  status = pe_store_open_database(made, message);
  if (status != PE_DB_OK) return status;
  status = look(made, kind);
  if (status == PE_DB_OK && *kind == PE_STORE_OURS) status = set_up(made);
  if (status == PE_DB_OK && *kind == PE_STORE_OURS) status = get_ready(made);
  keep_words(made, status, message);
  if (status == PE_DB_OK && *kind == PE_STORE_OURS && pe_store_is_cut(made)) {
    (void)pe_store_fail(message, "its end is missing");
    status = PE_DB_DAMAGED;
  }
  return status;
}

pe_db_status pe_store_open(const char *path, const pe_store_config *config, pe_store **store, pe_store_kind *kind,
                           char message[200]) {
  pe_store *made = new_store(path, config);
  pe_db_status status;

  *store = NULL;
  *kind = PE_STORE_FOREIGN;
  (void)pe_store_fail(message, "out of memory");
  if (!made) return PE_DB_NO_MEMORY;
  status = pe_store_has_nothing(path) ? pe_store_judge_nothing(path, kind, message) : open_content(made, kind, message);
  if (status == PE_DB_OK && *kind == PE_STORE_OURS)
    *store = made;
  else
    pe_store_close(made);
  return status;
}

/* ---- damaged files ---- */

/* What a damaged file says of itself, where that can be true; else -1. */
static int64_t lost_count(pe_store *store) {
  int64_t pending = 0, last = 0;
  if (pe_database_number(store->database, "SELECT pending" ACCOUNT, &pending) != PE_DB_OK) return -1;
  if (pe_database_number(store->database, "SELECT last_row" ACCOUNT, &last) != PE_DB_OK) return -1;
  return pending >= 0 && pending <= last ? pending : -1;
}

/* The same of its dead letters, of which no option lets more be. */
static int64_t lost_dead_count(pe_store *store) {
  int64_t dead = 0;
  if (pe_database_number(store->database, "SELECT dead" ACCOUNT " AND typeof(dead) = 'integer'", &dead) != PE_DB_OK)
    return -1;
  return dead >= 0 && dead <= MOST_DEAD ? dead : -1;
}

/* Up to which row there is something; where that cannot be read, there is no telling. */
static int64_t damaged_last_row(pe_store *store) {
  int64_t last = INT64_MAX;
  if (pe_database_number(store->database, "SELECT max(row) FROM event", &last) != PE_DB_OK)
    (void)pe_database_number(store->database, "SELECT last_row" ACCOUNT, &last);
  return last > 0 ? last : INT64_MAX;
}

/* The setting has SQLite read a file that is shorter than it says. */
static pe_db_status open_as_it_is(pe_store *store) {
  char message[200];
  pe_db_status status;

  if (!pe_store_give_page(store)) return PE_DB_DAMAGED;
  status = pe_store_open_database(store, message);
  if (status == PE_DB_OK) pe_database_keep_log(store->database);
  if (status == PE_DB_OK) status = pe_database_run(store->database, "PRAGMA writable_schema = ON");
  if (status == PE_DB_OK) status = pe_database_run(store->database, LOOKING);
  return status == PE_DB_OK ? prepare(store, PE_STORE_NEXT, PE_STORE_NEXT_DEAD + 1) : status;
}

pe_store *pe_store_open_damaged(const char *path, const pe_store_config *config) {
  pe_store *made = new_store(path, config);
  bool is_whole = config->looks ? pe_wal_is_sound(path) : pe_wal_mend(path);

  if (!made) return NULL;
  if ((config->looks && !is_whole) || open_as_it_is(made) != PE_DB_OK) {
    pe_store_close(made);
    return NULL;
  }
  made->passes_over = true;
  made->has_passed = !is_whole;
  made->counts.last_row = damaged_last_row(made);
  made->counts.pending = is_whole ? lost_count(made) : -1;
  made->counts.dead = is_whole ? lost_dead_count(made) : -1;
  (void)read_endpoint(made); /* where it can be read */
  return made;
}

void pe_store_close(pe_store *store) {
  if (!store) return;
  if (store->changing) pe_store_undo(store);
  if (store->database && pe_store_log_is_cut(store)) pe_database_leave_log(store->database);
  for (int i = 0; i < PE_STORE_STATEMENTS; i++)
    pe_statement_free(store->statements[i]);
  pe_database_close(store->database);
  free(store->endpoint);
  free(store->path);
  free(store);
}
