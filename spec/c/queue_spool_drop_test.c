/* The queue with a spool: what is dropped, and what is withdrawn, wherever it is. */
#include "on_disk.h"

static pe_queue *dropping_queue(size_t max_events) {
  const pe_queue_config config = {.max_events = max_events,
                                  .max_bytes = 1 << 20,
                                  .max_age = 100 * PE_SECOND,
                                  .width = 4,
                                  .spools = true,
                                  .overflow = PE_OVERFLOW_DROP_OLDEST};
  return queue_with(&config);
}

/* Pushes an event for which one has to go; returns the ticket of that one. */
static uint64_t push_dropping(pe_queue *queue) {
  const pe_event event = event_of("x");
  uint64_t ticket;
  pe_push push;
  assert_int_equal(pe_queue_push(queue, &event, NOW, &push), PE_OK);
  assert_non_null(push.dropped);
  assert_null(push.dropped->newer);
  ticket = push.dropped->ticket;
  (void)pe_queue_forget(queue, push.dropped);
  (void)accounted(queue);
  return ticket;
}

static void test_drops_the_oldest_when_the_disk_is_full(void **state) {
  pe_queue *queue = dropping_queue(10);
  pe_record *forgotten;
  char body[101] = "";
  (void)state;
  memset(body, 'x', sizeof body - 1);
  (void)push_at(queue, body, NOW);
  (void)push_at(queue, body, NOW);
  (void)write_out(queue);
  pe_queue_set_disk_room(queue, 0, false);
  assert_int_equal(push_dropping(queue), 1);
  forgotten = pe_queue_take_forgotten(queue);
  assert_int_equal(forgotten->row, 1);
  free(forgotten);
  assert_null(pe_queue_take_forgotten(queue));
  pe_queue_free(queue);
}

/* It would be in vain. */
static void test_drops_nothing_for_what_does_not_fit(void **state) {
  pe_queue *queue = dropping_queue(10);
  const pe_event event = event_of("x");
  pe_push push;
  (void)state;
  pe_queue_restore(queue, 1);
  read_back(queue, 1, true);
  (void)push_at(queue, "x", NOW);
  (void)write_out(queue);
  pe_queue_set_disk_room(queue, 0, false);
  assert_int_equal(pe_queue_push(queue, &event, NOW, &push), PE_QUEUE_FULL);
  assert_null(push.dropped);
  assert_int_equal(accounted(queue).pending, 2);
  pe_queue_free(queue);
}

/* What was restored is in another file: that it goes makes no room in ours. */
static void test_drops_the_oldest_of_the_file_that_is_full(void **state) {
  pe_queue *queue = dropping_queue(10);
  char body[101] = "";
  (void)state;
  memset(body, 'x', sizeof body - 1);
  pe_queue_restore(queue, 1);
  read_back(queue, 1, true);
  (void)push_at(queue, body, NOW);
  (void)write_out(queue);
  pe_queue_set_disk_room(queue, 0, false);
  assert_int_equal(push_dropping(queue), 1);
  assert_int_equal(pe_queue_left(queue, true), 1);
  free(pe_queue_take_forgotten(queue));
  pe_queue_free(queue);
}

/* What is written to no disk may wait there for room; until some is made the sender sleeps. */
static void test_sleeps_while_the_disk_is_full(void **state) {
  pe_queue *queue = dropping_queue(10);
  char body[101] = "";
  (void)state;
  memset(body, 'x', sizeof body - 1);
  (void)push_at(queue, body, NOW);
  (void)write_out(queue);
  (void)push_at(queue, "x", NOW);
  assert_int_equal(pe_queue_next(queue, PE_PICK_DUE, INT64_MAX, NOW), NOW);
  pe_queue_set_disk_room(queue, 80, true);
  assert_true(pe_queue_next(queue, PE_PICK_DUE, INT64_MAX, NOW) > NOW);
  assert_int_equal(push_dropping(queue), 1);
  assert_int_equal(pe_queue_next(queue, PE_PICK_DUE, INT64_MAX, NOW), NOW);
  free(pe_queue_take_forgotten(queue));
  pe_queue_free(queue);
}

/* A burst that comes faster than the disk: nothing of the window is written. */
static void test_drops_the_oldest_that_is_not_written(void **state) {
  pe_queue *queue = dropping_queue(3);
  pe_record *record;
  (void)state;
  for (int i = 0; i < 3; i++)
    (void)push_at(queue, "x", NOW);
  assert_int_equal(push_dropping(queue), 1);
  assert_int_equal(accounted(queue).unwritten, 3);
  assert_null(pe_queue_take_forgotten(queue)); /* nobody had it in hand */
  assert_int_equal(write_out(queue), 3);
  assert_int_equal(accounted(queue).dropped_by[PE_QUEUE_FULL], 1);
  assert_int_equal(take(queue, &record), 2);
  deliver(queue, record);
  pe_queue_free(queue);
}

static void test_drops_what_is_just_written(void **state) {
  pe_queue *queue = dropping_queue(3);
  pe_record *records[4], *forgotten;
  (void)state;
  for (int i = 0; i < 3; i++)
    (void)push_at(queue, "x", NOW);
  assert_int_equal(pe_queue_unwritten(queue, records, 2), 2);
  for (uint64_t ticket = 1; ticket <= 3; ticket++)
    assert_int_equal(push_dropping(queue), ticket);
  assert_int_equal(accounted(queue).unwritten, 3);
  assert_int_equal(pe_queue_written(queue, records, 2), 2); /* the sender may look at them, and frees their rows */
  assert_int_equal(records[0]->ticket, 1);
  assert_int_equal(records[1]->ticket, 2);
  assert_int_equal(accounted(queue).unwritten, 3); /* what came meanwhile is not */
  assert_int_equal(take(queue, NULL), 0);
  forgotten = pe_queue_take_forgotten(queue); /* the third was in no hand */
  assert_ptr_equal(forgotten, records[1]);
  assert_ptr_equal(forgotten->newer, records[0]);
  assert_null(records[0]->newer);
  assert_false(pe_record_is_on_disk(records[0]));
  free(records[0]);
  free(records[1]);
  assert_int_equal(write_out(queue), 3);
  assert_int_equal(take(queue, &forgotten), 4);
  deliver(queue, forgotten);
  pe_queue_free(queue);
}

static void test_drops_what_was_to_be_written(void **state) {
  pe_queue *queue = dropping_queue(2);
  pe_record *records[2], *forgotten;
  (void)state;
  (void)push_at(queue, "x", NOW);
  (void)push_at(queue, "x", NOW);
  assert_int_equal(pe_queue_unwritten(queue, records, 2), 2);
  pe_queue_set_spooling(queue, false); /* it came to nothing */
  assert_int_equal(push_dropping(queue), 1);
  forgotten = pe_queue_take_forgotten(queue);
  assert_int_equal(forgotten->ticket, 1);
  free(forgotten);
  pe_queue_set_spooling(queue, true);
  assert_int_equal(write_out(queue), 2);
  assert_int_equal(take(queue, &forgotten), 2);
  deliver(queue, forgotten);
  pe_queue_free(queue);
}

static void test_withdraws_what_is_not_written(void **state) {
  pe_queue *queue = spooling_queue(10);
  pe_record *record;
  (void)state;
  (void)push_at(queue, "x", NOW);
  assert_int_equal(pe_queue_unwritten(queue, &record, 1), 1);
  (void)push_at(queue, "x", NOW);
  (void)pe_queue_forget(queue, pe_queue_withdraw(queue, NOW));
  assert_int_equal(accounted(queue).dropped_by[PE_WITHDRAWN], 2);
  assert_int_equal(pe_queue_written(queue, &record, 1), 1);
  assert_int_equal(accounted(queue).unwritten, 0);
  assert_ptr_equal(pe_queue_take_forgotten(queue), record);
  assert_null(record->newer);
  free(record);
  pe_queue_free(queue);
}

/* What earlier runs have left is found after the user has withdrawn: each event is judged by its own time. */
static void test_withdraws_what_is_found_later(void **state) {
  pe_queue *queue = spooling_queue(10);
  pe_returning returning = {.event = event_of("x"), .restored = true};
  pe_record *record;
  (void)state;
  assert_null(pe_queue_withdraw(queue, NOW));
  pe_queue_restore(queue, 3);
  for (returning.row = 1; returning.row <= 3; returning.row++) {
    returning.after = returning.row - 1;
    returning.accepted_at = returning.row == 1 ? NOW : NOW + 1;
    returning.is_undated = returning.row == 2;
    assert_int_equal(pe_queue_read_back(queue, &returning, NOW + 1), PE_OK);
  }
  for (int64_t row = 1; row <= 2; row++) {
    record = pe_queue_take_withdrawn(queue);
    assert_int_equal(record->row, row);
    end_with(queue, record, PE_DROPPED, PE_WITHDRAWN);
  }
  assert_null(pe_queue_take_withdrawn(queue));
  record = pe_queue_take(queue, PE_PICK_DUE, NOW + 1); /* accepted by a program that goes on */
  assert_int_equal(record->row, 3);
  deliver(queue, record);
  pe_queue_free(queue);
}

/* Two of them are in memory, and the second of these, which was in flight, stands behind the first on disk, too: where
 * that is the place of the first to be read back. Returns the second. */
static pe_record *make_overlap(pe_queue *queue) {
  pe_record *first, *second;
  char body[101] = "";
  memset(body, 'x', sizeof body - 1);
  (void)push_at(queue, body, NOW);
  (void)push_at(queue, body, NOW);
  (void)write_out(queue);
  assert_int_equal(take(queue, &first), 1);
  assert_int_equal(take(queue, &second), 2);
  assert_true(pe_queue_retry(queue, first, NOW, NULL));
  (void)push_at(queue, "x", NOW); /* the first leaves memory for it */
  (void)write_out(queue);
  assert_true(pe_queue_retry(queue, second, NOW, NULL));
  assert_int_equal(accounted(queue).on_disk, 2);
  return second;
}

/* The row of what was dropped is there until the sender has taken it out: it must not come back meanwhile. */
static void check_stays_dropped(pe_queue *queue, const pe_record *second, pe_record *dropped) {
  assert_ptr_equal(dropped, second);
  assert_null(dropped->newer);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(pe_queue_wanted(queue, false), 0);
    read_back(queue, 1, false); /* the sender was about to */
    read_back(queue, 2, false);
    assert_int_equal(accounted(queue).on_disk, 2);
    if (i == 0) (void)pe_queue_forget(queue, dropped);
  }
  free(pe_queue_take_forgotten(queue));
  assert_true(pe_queue_wanted(queue, false) > 0);
  read_back(queue, 1, false);
  read_back(queue, 3, false);
  assert_int_equal(accounted(queue).on_disk, 0);
}

static void test_reads_nothing_back_that_was_dropped(void **state) {
  pe_queue *queue = dropping_queue(2);
  const pe_event event = event_of("x");
  pe_record *second = make_overlap(queue);
  pe_push push;
  (void)state;
  pe_queue_set_disk_room(queue, 0, false);
  assert_int_equal(pe_queue_push(queue, &event, NOW, &push), PE_OK);
  check_stays_dropped(queue, second, push.dropped);
  pe_queue_free(queue);
}

static void test_reads_nothing_back_that_was_withdrawn(void **state) {
  pe_queue *queue = dropping_queue(2);
  pe_record *second = make_overlap(queue);
  (void)state;
  check_stays_dropped(queue, second, pe_queue_withdraw(queue, NOW));
  pe_queue_free(queue);
}

/* The file was copied into another one, with the row of what is in memory, too. */
static void test_takes_what_was_dropped_out_of_a_copy(void **state) {
  pe_queue *queue = dropping_queue(2);
  const pe_record *second = make_overlap(queue);
  bool is_told = false;
  (void)state;
  (void)pe_queue_rewrite(queue);
  (void)pe_queue_forget(queue, pe_queue_withdraw(queue, NOW));
  for (pe_record *next, *record = pe_queue_take_forgotten(queue); record; record = next) {
    is_told = is_told || record == second;
    next = record->newer;
    free(record);
  }
  assert_true(is_told);
  pe_queue_free(queue);
}

/* What waits for the sender to take it out of the disk. */
static void test_wakes_the_sender_for_what_was_dropped(void **state) {
  pe_queue *queue = dropping_queue(2);
  pe_record *dropped;
  (void)state;
  (void)push_at(queue, "x", NOW);
  (void)write_out(queue);
  dropped = pe_queue_withdraw(queue, NOW);
  assert_true(pe_queue_sleep(queue, PE_PICK_DUE, INT64_MAX, NOW) > NOW);
  assert_true(pe_queue_forget(queue, dropped));
  assert_false(pe_queue_forget(queue, NULL));
  free(pe_queue_take_forgotten(queue));
  pe_queue_free(queue);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_drops_the_oldest_when_the_disk_is_full),
      TEST(test_drops_nothing_for_what_does_not_fit),
      TEST(test_drops_the_oldest_of_the_file_that_is_full),
      TEST(test_sleeps_while_the_disk_is_full),
      TEST(test_drops_the_oldest_that_is_not_written),
      TEST(test_drops_what_is_just_written),
      TEST(test_drops_what_was_to_be_written),
      TEST(test_withdraws_what_is_not_written),
      TEST(test_withdraws_what_is_found_later),
      TEST(test_reads_nothing_back_that_was_dropped),
      TEST(test_reads_nothing_back_that_was_withdrawn),
      TEST(test_takes_what_was_dropped_out_of_a_copy),
      TEST(test_wakes_the_sender_for_what_was_dropped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
