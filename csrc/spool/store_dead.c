/* The part of store.h that keeps dead letters, and lets them go: the oldest give way where there are too many, or where
 * an event that is alive finds no room. */
#include "spool/store.h"

#include <string.h>

#include "spool/store_private.h"

/* Pages beside its bytes that an event may take: the first and the last are not full. And what is kept in hand: of
 * these we do not say that there is room, since pages that lead there are added now and then. */
enum { BESIDE = 2, IN_HAND = 6 };

/* Reads the number that a statement brings for a row; 0 where it brings none. */
static pe_db_status number_of(pe_statement *statement, int64_t row, int64_t *number) {
  pe_db_status status;
  pe_statement_set_number(statement, 1, row);
  status = pe_statement_step(statement);
  *number = status == PE_DB_ROW ? pe_statement_number(statement, 0) : 0;
  if (status != PE_DB_ROW) return status;
  pe_statement_reset(statement);
  return PE_DB_OK;
}

static pe_db_status drop_oldest(pe_store *store) {
  pe_statement *remove = store->statements[PE_STORE_REMOVE_DEAD];
  pe_store_counts *counts = &store->counts;
  pe_dead_letter dead;
  int64_t size;
  pe_db_status status = pe_store_next_dead(store, 0, &dead);

  counts->dead--;
  counts->dead_dropped++;
  if (status != PE_DB_ROW) return status; /* there is none: the account is wrong */
  size = (int64_t)(dead.event.body.size + dead.reply.size);
  counts->dead_bytes -= size < counts->dead_bytes ? size : counts->dead_bytes;
  pe_store_end_reading(store);
  pe_statement_set_number(remove, 1, dead.event.row);
  return pe_statement_run(remove);
}

pe_db_status pe_store_add_dead(pe_store *store, int64_t bytes) {
  pe_db_status status = PE_DB_OK;
  store->counts.dead++;
  store->counts.dead_bytes += bytes;
  while (status == PE_DB_OK && store->counts.dead > store->config.dead_letters)
    status = drop_oldest(store);
  return status;
}

static bool fits(const pe_store *store, int64_t bytes) {
  return store->config.max_bytes <= 0 || store->counts.used_bytes + bytes <= store->config.max_bytes;
}

/* What was known is an estimate: it is measured before it counts, and again with each letter, since a page is free when
 * the last one has left it. */
pe_db_status pe_store_find_room(pe_store *store, int64_t bytes, bool *found) {
  pe_db_status status = PE_DB_OK;
  bytes += BESIDE * store->page_size;
  if (!fits(store, bytes)) status = pe_store_measure(store);
  if (status == PE_DB_OK && !fits(store, bytes) && store->counts.dead > 0) status = pe_store_begin(store);
  while (status == PE_DB_OK && !fits(store, bytes) && store->counts.dead > 0) {
    status = drop_oldest(store);
    if (status == PE_DB_OK) status = pe_store_measure(store);
  }
  *found = status == PE_DB_OK && fits(store, bytes);
  return status;
}

pe_db_status pe_store_find_disk(pe_store *store, bool *found) {
  bool is_short = !pe_store_has_disk(store), helps = is_short && pe_store_can_have_disk(store);
  pe_db_status status = helps ? pe_store_begin(store) : PE_DB_OK;
  while (status == PE_DB_OK && helps && is_short && store->counts.dead > 0) {
    status = drop_oldest(store);
    if (status == PE_DB_OK) status = pe_store_measure(store);
    is_short = !pe_store_has_disk(store);
  }
  *found = status == PE_DB_OK && !is_short;
  return status;
}

/* The first page of the dead letters stays. */
int64_t pe_store_room(const pe_store *store) {
  const pe_store_counts *counts = &store->counts;
  int64_t given_back = counts->dead_bytes > store->page_size ? counts->dead_bytes - store->page_size : 0;
  return store->config.max_bytes - counts->used_bytes + given_back - IN_HAND * store->page_size;
}

pe_db_status pe_store_bury(pe_store *store, int64_t row, const pe_dead *dead, bool *found) {
  pe_statement *statement = store->statements[PE_STORE_BURY];
  const char *const texts[] = {dead->outcome, dead->code, dead->message};
  int64_t size = 0;
  pe_db_status status = pe_store_begin(store);

  *found = false;
  if (status == PE_DB_OK) status = number_of(store->statements[PE_STORE_SIZE], row, &size);
  if (status != PE_DB_OK) return status;
  pe_statement_set_number(statement, 1, row);
  pe_statement_set_number(statement, 2, dead->ended_at);
  for (int i = 0; i < 3; i++)
    pe_statement_set_bytes(statement, 3 + i, (pe_bytes){texts[i], texts[i] ? strlen(texts[i]) : 0});
  pe_statement_set_number(statement, 6, dead->http_status);
  pe_statement_set_bytes(statement, 7, dead->reply);
  status = pe_statement_run(statement);
  *found = status == PE_DB_OK && pe_database_changes(store->database) > 0;
  if (*found) status = pe_store_add_dead(store, size + (int64_t)dead->reply.size);
  return status == PE_DB_OK ? pe_store_finish(store, row) : status;
}
