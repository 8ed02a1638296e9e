/* The heap of waiting events, against a list that is searched from end to end. */
#include "queue/due_heap.h"

#include <stdlib.h>
#include <string.h>

#include "numbers.h"
#include "test.h"

enum { RECORDS = 300 };

typedef struct model {
  pe_record records[RECORDS];
  int64_t due[RECORDS];
  bool inside[RECORDS];
  size_t count;
} model;

/* The heap's first is one of those that the model finds least, and each record knows its due time. */
static void compare(const pe_due_heap *waiting, const model *expected) {
  int64_t least = INT64_MAX;
  const pe_record *first = pe_due_heap_first(waiting);

  assert_int_equal(waiting->count, expected->count);
  for (size_t i = 0; i < RECORDS; i++) {
    if (!expected->inside[i]) continue;
    assert_int_equal(pe_due_heap_time(waiting, &expected->records[i]), expected->due[i]);
    if (expected->due[i] < least) least = expected->due[i];
  }
  if (expected->count == 0)
    assert_null(first);
  else
    assert_int_equal(pe_due_heap_time(waiting, first), least);
}

static void add(pe_due_heap *waiting, model *expected, size_t i, int64_t due) {
  expected->due[i] = due;
  expected->inside[i] = true;
  expected->count++;
  assert_true(pe_due_heap_reserve(waiting, expected->count));
  pe_due_heap_add(waiting, &expected->records[i], due);
}

static void take_out(pe_due_heap *waiting, model *expected, const pe_record *record) {
  size_t i = (size_t)(record - expected->records);
  expected->inside[i] = false;
  expected->count--;
  pe_due_heap_remove(waiting, record);
}

static void hasten(pe_due_heap *waiting, model *expected, uint32_t transfer, int64_t due) {
  for (size_t i = 0; i < RECORDS; i++)
    if (pe_transfer_is_later(transfer, expected->records[i].drawn_by) && expected->due[i] > due) expected->due[i] = due;
  pe_due_heap_hasten(waiting, transfer, due);
}

static void agrees_with_a_list(void **state) {
  model *expected = calloc(1, sizeof *expected);
  numbers random = {20};
  pe_due_heap waiting;
  (void)state;
  assert_non_null(expected);
  pe_due_heap_init(&waiting);
  for (int step = 0; step < 12000; step++) {
    size_t i = below(&random, RECORDS);
    if (below(&random, 40) == 0) hasten(&waiting, expected, (uint32_t)below(&random, 100), (int64_t)below(&random, 40));
    if (!expected->inside[i]) expected->records[i].drawn_by = (uint32_t)(below(&random, 100) - 50);
    /* Many equal times, and some at the ends of the range. */
    int64_t due = below(&random, 50) == 0 ? INT64_MAX : (int64_t)below(&random, 40) - 20;
    bool grows = (step / 2000) % 2 == 0;
    if (!expected->inside[i] && (grows || below(&random, 3) == 0))
      add(&waiting, expected, i, due);
    else if (expected->inside[i])
      take_out(&waiting, expected, below(&random, 2) ? pe_due_heap_first(&waiting) : &expected->records[i]);
    compare(&waiting, expected);
  }
  pe_due_heap_cleanup(&waiting);
  free(expected);
}

static void gives_them_back_in_order(void **state) {
  model *expected = calloc(1, sizeof *expected);
  numbers random = {3};
  pe_due_heap waiting;
  int64_t last = INT64_MIN;
  (void)state;
  assert_non_null(expected);
  pe_due_heap_init(&waiting);
  for (size_t i = 0; i < RECORDS; i++)
    add(&waiting, expected, i, (int64_t)below(&random, 1000));
  while (expected->count > 0) {
    pe_record *first = pe_due_heap_first(&waiting);
    assert_true(pe_due_heap_time(&waiting, first) >= last);
    last = pe_due_heap_time(&waiting, first);
    take_out(&waiting, expected, first);
  }
  assert_null(pe_due_heap_first(&waiting));
  pe_due_heap_cleanup(&waiting);
  free(expected);
}

static void room_that_was_made_stays(void **state) {
  pe_record record;
  pe_due_heap waiting;
  const pe_due_heap_entry *entries;
  (void)state;
  memset(&record, 0, sizeof record);
  pe_due_heap_init(&waiting);
  assert_true(pe_due_heap_reserve(&waiting, 10));
  entries = waiting.entries;
  assert_true(waiting.capacity >= 10);
  assert_true(pe_due_heap_reserve(&waiting, 3));
  assert_true(waiting.capacity >= 10);
  pe_due_heap_add(&waiting, &record, 1);
  assert_ptr_equal(waiting.entries, entries);
  pe_due_heap_remove(&waiting, &record);
  pe_due_heap_cleanup(&waiting);
  assert_int_equal(waiting.capacity, 0); /* and may be used again */
  assert_null(pe_due_heap_first(&waiting));
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(agrees_with_a_list), TEST(gives_them_back_in_order),
                                     TEST(room_that_was_made_stays)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
