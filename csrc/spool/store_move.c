/* The part of store.h that moves events from one file to another. */
#include "spool/store.h"

#include "spool/store_private.h"

enum { TOGETHER = 1000, DEAD_COLUMNS = 11, REPLY = 7, BODY = 10, GIVE_UP = 100000 };

/* The next event that can be read behind *row, which is set to its row, or to the last that was tried. What is damaged
 * is passed over, row by row: a page of it may hold many. */
static pe_db_status next_sound(pe_store *from, int64_t *row, pe_stored *event) {
  pe_db_status status = pe_store_next(from, *row, event);
  for (int tries = 0; status != PE_DB_ROW && status != PE_DB_OK; tries++) {
    if (tries == GIVE_UP || *row >= from->counts.last_row) return PE_DB_OK;
    ++*row;
    status = pe_store_next(from, *row, event);
  }
  if (status == PE_DB_ROW) *row = event->row;
  return status;
}

pe_db_status pe_store_salvage(pe_store *from, int64_t row, pe_store *into, int64_t *copied) {
  pe_stored event;
  pe_db_status status = PE_DB_OK;

  *copied = 0;
  while (status == PE_DB_OK && next_sound(from, &row, &event) == PE_DB_ROW) {
    status = pe_store_append(into, &event);
    if (status == PE_DB_OK && ++*copied % TOGETHER == 0) status = pe_store_commit(into);
  }
  return status == PE_DB_OK ? pe_store_commit(into) : status;
}

/* Copies the row that the reading statement stands on. */
static pe_db_status copy_dead(pe_statement *read, pe_store *into) {
  pe_statement *add = into->statements[PE_STORE_ADD_DEAD];
  int64_t size = (int64_t)(pe_statement_bytes(read, REPLY).size + pe_statement_bytes(read, BODY).size);
  pe_db_status status = pe_store_begin(into);

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
  return status == PE_DB_OK ? pe_store_give_way(into, 0) : status;
}

pe_db_status pe_store_move_dead(pe_store *from, pe_store *into) {
  pe_statement *read = from->statements[PE_STORE_NEXT_DEAD];
  pe_db_status status = PE_DB_ROW;
  int64_t row = 0;

  while (status == PE_DB_ROW) {
    pe_statement_set_number(read, 1, row);
    status = pe_statement_step(read);
    if (status != PE_DB_ROW) break;
    row = pe_statement_number(read, 0);
    status = copy_dead(read, into);
    pe_statement_reset(read);
    if (status == PE_DB_OK) status = PE_DB_ROW;
  }
  if (status == PE_DB_OK) status = pe_store_commit(into);
  if (status != PE_DB_OK) return status;
  status = pe_store_begin(from);
  if (status == PE_DB_OK) status = pe_database_run(from->database, "DELETE FROM dead");
  from->counts.dead = from->counts.dead_bytes = 0;
  return status == PE_DB_OK ? pe_store_commit(from) : status;
}

pe_db_status pe_store_recount(pe_store *store) {
  return pe_database_number(store->database, "SELECT count(*) FROM event WHERE row > 0", &store->counts.pending);
}
