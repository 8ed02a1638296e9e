/* The events that wait for another attempt, the one that is due first on top: a binary heap whose members know their
 * place. No lock: the queue guards it. */
#ifndef PE_WAITING_H
#define PE_WAITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "queue/record.h"

typedef struct pe_waiting_entry {
  int64_t due; /* monotonic nanoseconds */
  pe_record *record;
} pe_waiting_entry;

typedef struct pe_waiting {
  pe_waiting_entry *entries; /* owned; the records are the queue's */
  size_t count, capacity;
} pe_waiting;

void pe_waiting_init(pe_waiting *waiting);
void pe_waiting_cleanup(pe_waiting *waiting);

/* Makes room for `capacity` entries in all. Returns false when memory is out, and nothing changed. */
bool pe_waiting_reserve(pe_waiting *waiting, size_t capacity);

/* Adds a record. Room was reserved: it cannot fail. */
void pe_waiting_add(pe_waiting *waiting, pe_record *record, int64_t due);

/* Takes out a record that is in it. */
void pe_waiting_remove(pe_waiting *waiting, const pe_record *record);

/* The one that is due first, which stays; NULL when there is none. */
pe_record *pe_waiting_first(const pe_waiting *waiting);

/* When a record that is in it is due. */
int64_t pe_waiting_due(const pe_waiting *waiting, const pe_record *record);

#endif
