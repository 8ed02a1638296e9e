/* The events that wait for another attempt, the one that is due first on top: a binary heap whose members know their
 * place. No lock: the queue guards it. */
#ifndef PE_DUE_HEAP_H
#define PE_DUE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "queue/record.h"

typedef struct pe_due_heap_entry {
  int64_t due; /* monotonic nanoseconds */
  pe_record *record;
} pe_due_heap_entry;

typedef struct pe_due_heap {
  pe_due_heap_entry *entries; /* owned; the records are the queue's */
  size_t count, capacity;
} pe_due_heap;

void pe_due_heap_init(pe_due_heap *heap);
void pe_due_heap_cleanup(pe_due_heap *heap);

/* Makes room for `capacity` entries in all. Returns false when memory is out, and nothing changed. */
bool pe_due_heap_reserve(pe_due_heap *heap, size_t capacity);

/* Adds a record. Room was reserved: it cannot fail. */
void pe_due_heap_add(pe_due_heap *heap, pe_record *record, int64_t due);

/* Takes out a record that is in it. */
void pe_due_heap_remove(pe_due_heap *heap, const pe_record *record);

/* Makes those due at `due` that drew a hold last by a transfer before that one, unless they are due earlier. */
void pe_due_heap_hasten(pe_due_heap *heap, uint32_t transfer, int64_t due);

/* The one that is due first, which stays; NULL when there is none. */
pe_record *pe_due_heap_first(const pe_due_heap *heap);

/* When a record that is in it is due. */
int64_t pe_due_heap_time(const pe_due_heap *heap, const pe_record *record);

#endif
