#include "queue/due_heap.h"

#include <stdlib.h>

void pe_waiting_init(pe_waiting *waiting) {
  waiting->entries = NULL;
  waiting->count = waiting->capacity = 0;
}

void pe_waiting_cleanup(pe_waiting *waiting) {
  free(waiting->entries);
  pe_waiting_init(waiting);
}

bool pe_waiting_reserve(pe_waiting *waiting, size_t capacity) {
  size_t doubled = waiting->capacity * 2;
  pe_waiting_entry *entries;

  if (capacity <= waiting->capacity) return true;
  if (capacity < doubled) capacity = doubled;
  entries = realloc(waiting->entries, capacity * sizeof *entries);
  if (!entries) return false;
  waiting->entries = entries;
  waiting->capacity = capacity;
  return true;
}

static void put(pe_waiting *waiting, size_t place, pe_waiting_entry entry) {
  waiting->entries[place] = entry;
  entry.record->place = (uint32_t)place;
}

/* Moves `entry` from the free `place` towards the top, as far as it belongs there. */
static void rise(pe_waiting *waiting, size_t place, pe_waiting_entry entry) {
  while (place > 0 && waiting->entries[(place - 1) / 2].due > entry.due) {
    put(waiting, place, waiting->entries[(place - 1) / 2]);
    place = (place - 1) / 2;
  }
  put(waiting, place, entry);
}

/* Moves `entry` from the free `place` towards the bottom. */
static void sink(pe_waiting *waiting, size_t place, pe_waiting_entry entry) {
  for (;;) {
    size_t child = 2 * place + 1;
    if (child >= waiting->count) break;
    if (child + 1 < waiting->count && waiting->entries[child + 1].due < waiting->entries[child].due) child++;
    if (waiting->entries[child].due >= entry.due) break;
    put(waiting, place, waiting->entries[child]);
    place = child;
  }
  put(waiting, place, entry);
}

void pe_waiting_add(pe_waiting *waiting, pe_record *record, int64_t due) {
  rise(waiting, waiting->count++, (pe_waiting_entry){due, record});
}

void pe_waiting_remove(pe_waiting *waiting, const pe_record *record) {
  size_t place = record->place;
  pe_waiting_entry last = waiting->entries[--waiting->count];

  if (place == waiting->count) return;
  if (place > 0 && waiting->entries[(place - 1) / 2].due > last.due)
    rise(waiting, place, last);
  else
    sink(waiting, place, last);
}

pe_record *pe_waiting_first(const pe_waiting *waiting) {
  return waiting->count > 0 ? waiting->entries[0].record : NULL;
}

int64_t pe_waiting_due(const pe_waiting *waiting, const pe_record *record) {
  return waiting->entries[record->place].due;
}
