/* The part of store.h for those who look into a file, and put it in order: the command. */
#include "spool/store.h"

#include "spool/store_private.h"

enum { BODY = 10 }; /* a column of the dead */

static void read_event(pe_statement *statement, int column, pe_stored *event) {
  event->id = pe_statement_bytes(statement, column);
  event->name = pe_statement_bytes(statement, column + 1);
  event->body = pe_statement_bytes(statement, column + 2);
}

/* Has the statement read the next row behind that one. */
static pe_db_status step_dead(pe_statement *statement, int64_t row) {
  pe_db_status status;
  pe_statement_reset(statement); /* of the call before */
  pe_statement_set_number(statement, 1, row);
  status = pe_statement_step(statement);
  if (status != PE_DB_ROW) return status;
  return pe_store_is_whole(pe_statement_bytes(statement, BODY)) ? PE_DB_ROW : PE_DB_DAMAGED;
}

pe_db_status pe_store_next_dead(pe_store *store, int64_t row, pe_dead_letter *dead) {
  pe_statement *statement = store->statements[PE_STORE_NEXT_DEAD];
  pe_db_status status = step_dead(statement, row);

  for (int tries = 0; pe_store_passes(store, status); tries++) {
    if (tries == PE_STORE_GIVE_UP || row == INT64_MAX) return PE_DB_OK;
    status = step_dead(statement, ++row);
  }
  if (status != PE_DB_ROW) return status;
  dead->event.row = pe_statement_number(statement, 0);
  dead->event.accepted_at = pe_statement_number(statement, 1);
  dead->ended_at = pe_statement_number(statement, 2);
  dead->outcome = pe_statement_bytes(statement, 3);
  dead->code = pe_statement_bytes(statement, 4);
  dead->message = pe_statement_bytes(statement, 5);
  dead->http_status = pe_statement_number(statement, 6);
  dead->reply = pe_statement_bytes(statement, 7);
  read_event(statement, 8, &dead->event);
  return PE_DB_ROW;
}

void pe_store_tally(pe_store *store, bool dead, int64_t before) {
  pe_store_statement which = dead ? PE_STORE_TALLY_DEAD : PE_STORE_TALLY;
  if (pe_store_prepare(store, which) != PE_DB_OK) return; /* the first step says so */
  pe_statement_reset(store->statements[which]);
  pe_statement_set_number(store->statements[which], 1, before);
}

pe_db_status pe_store_next_tally(pe_store *store, bool dead, pe_tally *tally) {
  pe_statement *statement = store->statements[dead ? PE_STORE_TALLY_DEAD : PE_STORE_TALLY];
  pe_db_status status = statement ? pe_statement_step(statement) : PE_DB_FAILED;

  if (status != PE_DB_ROW) return status;
  tally->name = pe_statement_bytes(statement, 0);
  tally->code = pe_statement_bytes(statement, 1);
  tally->count = pe_statement_number(statement, 2);
  tally->oldest = pe_statement_number(statement, 3);
  return PE_DB_ROW;
}

/* Runs a statement that removes rows, of which `number` says which; adds to *count how many are left. */
static pe_db_status remove_rows(pe_store *store, pe_store_statement which, int64_t number, int64_t *count) {
  pe_db_status status = pe_store_begin(store);
  if (status == PE_DB_OK) status = pe_store_prepare(store, which);
  if (status != PE_DB_OK) return status;
  pe_statement_set_number(store->statements[which], 1, number);
  status = pe_statement_run(store->statements[which]);
  if (status == PE_DB_OK) *count -= pe_database_changes(store->database);
  return status;
}

pe_db_status pe_store_remove_dead(pe_store *store, int64_t row) {
  return remove_rows(store, PE_STORE_REMOVE_DEAD, row, &store->counts.dead);
}

pe_db_status pe_store_purge(pe_store *store, bool dead, int64_t before, int64_t *removed) {
  int64_t *count = dead ? &store->counts.dead : &store->counts.pending;
  int64_t left = 0;
  pe_db_status status = remove_rows(store, dead ? PE_STORE_PURGE_DEAD : PE_STORE_PURGE, before, &left);

  *removed = -left;
  *count += left;
  return status;
}
