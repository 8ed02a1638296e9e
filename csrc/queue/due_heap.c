#include "queue/due_heap.h"

#include <stdlib.h>

void pe_due_heap_init(pe_due_heap *heap) {
  heap->entries = NULL;
  heap->count = heap->capacity = 0;
}

void pe_due_heap_cleanup(pe_due_heap *heap) {
  free(heap->entries);
  pe_due_heap_init(heap);
}

bool pe_due_heap_reserve(pe_due_heap *heap, size_t capacity) {
  size_t doubled = heap->capacity * 2;
  pe_due_heap_entry *entries;

  if (capacity <= heap->capacity) return true;
  if (capacity < doubled) capacity = doubled;
  entries = realloc(heap->entries, capacity * sizeof *entries);
  if (!entries) return false;
  heap->entries = entries;
  heap->capacity = capacity;
  return true;
}

static void put(pe_due_heap *heap, size_t place, pe_due_heap_entry entry) {
  heap->entries[place] = entry;
  entry.record->place = (uint32_t)place;
}

/* Moves `entry` from the free `place` towards the top, as far as it belongs there. */
static void rise(pe_due_heap *heap, size_t place, pe_due_heap_entry entry) {
  while (place > 0 && heap->entries[(place - 1) / 2].due > entry.due) {
    put(heap, place, heap->entries[(place - 1) / 2]);
    place = (place - 1) / 2;
  }
  put(heap, place, entry);
}

/* Moves `entry` from the free `place` towards the bottom. */
static void sink(pe_due_heap *heap, size_t place, pe_due_heap_entry entry) {
  for (;;) {
    size_t child = 2 * place + 1;
    if (child >= heap->count) break;
    if (child + 1 < heap->count && heap->entries[child + 1].due < heap->entries[child].due) child++;
    if (heap->entries[child].due >= entry.due) break;
    put(heap, place, heap->entries[child]);
    place = child;
  }
  put(heap, place, entry);
}

void pe_due_heap_add(pe_due_heap *heap, pe_record *record, int64_t due) {
  rise(heap, heap->count++, (pe_due_heap_entry){due, record});
}

/* What stands before a place is a heap already, and none becomes due later: each that is moved only rises. */
void pe_due_heap_hasten(pe_due_heap *heap, uint32_t transfer, int64_t due) {
  for (size_t place = 0; place < heap->count; place++) {
    pe_due_heap_entry entry = heap->entries[place];
    if (pe_transfer_is_later(transfer, entry.record->drawn_by) && entry.due > due) entry.due = due;
    rise(heap, place, entry);
  }
}

void pe_due_heap_remove(pe_due_heap *heap, const pe_record *record) {
  size_t place = record->place;
  pe_due_heap_entry last = heap->entries[--heap->count];

  if (place == heap->count) return;
  if (place > 0 && heap->entries[(place - 1) / 2].due > last.due)
    rise(heap, place, last);
  else
    sink(heap, place, last);
}

pe_record *pe_due_heap_first(const pe_due_heap *heap) {
  return heap->count > 0 ? heap->entries[0].record : NULL;
}

int64_t pe_due_heap_time(const pe_due_heap *heap, const pe_record *record) {
  return heap->entries[record->place].due;
}
