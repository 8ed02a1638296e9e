/* The part of store.h that moves events from one file to another. */
#include "spool/store.h"

#include "spool/store_private.h"

enum { DEAD_COLUMNS = 11, REPLY = 7, BODY = 10 };

/* Dead letters in one commit, or two: where the second fails, they are in both files, and copied again. */
enum { TOGETHER = 16 };

/* Copies the row that the reading statement stands on. */
static pe_db_status copy_dead(pe_statement *read, pe_store *into) {
  pe_statement *add = into->statements[PE_STORE_ADD_DEAD];
  int64_t size = (int64_t)(pe_statement_bytes(read, REPLY).size + pe_statement_bytes(read, BODY).size);
  pe_db_status status = pe_store_begin(into);
  bool found;

  if (status != PE_DB_OK) return status;
  for (int column = 1; column < DEAD_COLUMNS; column++) {
    if (column == 1 || column == 2 || column == 6)
      pe_statement_set_number(add, column + 1, pe_statement_number(read, column));
    else
      pe_statement_set_bytes(add, column + 1, pe_statement_bytes(read, column));
  }
  status = pe_statement_run(add);
  if (status != PE_DB_OK) return status;
  status = pe_store_add_dead(into, size);
  if (status == PE_DB_OK) status = pe_store_measure(into);
  return status == PE_DB_OK ? pe_store_find_room(into, 0, &found) : status;
}

/* Copies the first dead letters behind that row, and commits them. Which, and how many, comes back. */
static pe_db_status copy_some_dead(pe_store *from, int64_t after, pe_store *into, int64_t rows[TOGETHER],
                                   size_t *copied) {
  pe_dead_letter dead;
  pe_db_status status = pe_store_next_dead(from, after, &dead);

  *copied = 0;
  while (status == PE_DB_ROW && *copied < TOGETHER) {
    int64_t row = dead.event.row;
    status = copy_dead(from->statements[PE_STORE_NEXT_DEAD], into);
    rows[(*copied)++] = row;
    if (status == PE_DB_OK) status = pe_store_next_dead(from, row, &dead);
  }
  pe_store_end_reading(from);
  return status == PE_DB_OK || status == PE_DB_ROW ? pe_store_commit(into) : status;
}

static pe_db_status copy_all_dead(pe_store *from, pe_store *into, int64_t *copied) {
  int64_t rows[TOGETHER], after = 0;
  size_t some;
  pe_db_status status;

  *copied = 0;
  do {
    status = copy_some_dead(from, after, into, rows, &some);
    if (some > 0) after = rows[some - 1];
    *copied += (int64_t)some;
  } while (status == PE_DB_OK && some == TOGETHER);
  return status;
}

static pe_db_status remove_dead(pe_store *store, const int64_t rows[TOGETHER], size_t count) {
  pe_db_status status = PE_DB_OK;
  for (size_t i = 0; i < count && status == PE_DB_OK; i++)
    status = pe_store_remove_dead(store, rows[i]);
  return status == PE_DB_OK ? pe_store_commit(store) : status;
}

pe_db_status pe_store_move_dead(pe_store *from, pe_store *into) {
  int64_t rows[TOGETHER];
  pe_db_status status;
  size_t some;

  do {
    status = copy_some_dead(from, 0, into, rows, &some);
    if (status == PE_DB_OK) status = remove_dead(from, rows, some);
  } while (status == PE_DB_OK && some == TOGETHER);
  return status;
}

/* So many bytes more were added: commits where that is enough. */
static pe_db_status commit_much(pe_store *store, size_t more, size_t *bytes) {
  pe_db_status status;
  *bytes += more;
  if (*bytes < PE_STORE_TOGETHER) return PE_DB_OK;
  *bytes = 0;
  status = pe_store_commit(store);
  return status == PE_DB_OK ? pe_store_tidy(store, false) : status;
}

static pe_db_status copy_events(pe_store *from, int64_t row, pe_store *into, int64_t *copied) {
  pe_stored event;
  size_t bytes = 0;
  pe_db_status status = pe_store_next(from, row, &event);

  while (status == PE_DB_ROW) {
    row = event.row;
    status = pe_store_append(into, &event);
    if (status == PE_DB_OK) ++*copied;
    if (status == PE_DB_OK) status = commit_much(into, event.body.size, &bytes);
    if (status == PE_DB_OK) status = pe_store_next(from, row, &event);
  }
  pe_store_end_reading(from);
  return status;
}

pe_db_status pe_store_salvage(pe_store *from, int64_t row, pe_store *into, pe_store_salvaged *salvaged) {
  pe_db_status status;

  *salvaged = (pe_store_salvaged){0};
  from->passes_over = true;
  status = copy_events(from, row, into, &salvaged->copied); /* they had their room already */
  salvaged->is_all = !from->has_passed;
  return status == PE_DB_OK ? copy_all_dead(from, into, &salvaged->dead) : status;
}

pe_db_status pe_store_recount(pe_store *store) {
  return pe_database_number(store->database, "SELECT count(*) FROM event WHERE row > 0", &store->counts.pending);
}
