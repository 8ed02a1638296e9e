/* The queue with a spool: what is on disk, what is there alone, and that the books balance all the while. */
#include "on_disk.h"

static void test_sends_nothing_that_is_not_written(void **state) {
  pe_queue *queue = spooling_queue(10);
  pe_record *record;
  (void)state;
  (void)push_at(queue, "a", NOW);
  assert_int_equal(take(queue, NULL), 0);
  assert_int_equal(accounted(queue).unwritten, 1);
  assert_int_equal(pe_queue_sleep(queue, PE_PICK_DUE, NOW, NOW), NOW); /* there is something to write */
  assert_int_equal(write_out(queue), 1);
  assert_int_equal(accounted(queue).unwritten, 0);
  assert_int_equal(take(queue, &record), 1);
  assert_int_equal(record->row, 1);
  deliver(queue, record);
  pe_queue_free(queue);
}

static void test_sends_from_memory_while_writing_fails(void **state) {
  pe_queue *queue = spooling_queue(10);
  pe_record *record;
  (void)state;
  (void)push_at(queue, "a", NOW);
  pe_queue_set_spooling(queue, false);
  assert_int_equal(take(queue, &record), 1);
  retry_at(queue, record, NOW);
  pe_queue_set_spooling(queue, true);
  assert_int_equal(write_out(queue), 1);
  assert_int_equal(take(queue, &record), 1);
  deliver(queue, record);
  pe_queue_free(queue);
}

static void test_keeps_on_disk_what_does_not_fit(void **state) {
  pe_queue *queue = spooling_queue(4);
  pe_record *record;
  (void)state;
  for (int i = 0; i < 3; i++)
    (void)push_at(queue, "x", NOW);
  assert_int_equal(write_out(queue), 3);
  for (int i = 0; i < 3; i++)
    (void)push_at(queue, "x", NOW); /* the newest two leave memory */
  assert_int_equal(accounted(queue).on_disk, 2);
  assert_int_equal(accounted(queue).pending, 6);
  assert_int_equal(write_out(queue), 3); /* and these follow, which are newer */
  assert_int_equal(accounted(queue).on_disk, 5);
  assert_int_equal(pe_queue_read_after(queue, false), 1);
  assert_int_equal(take(queue, &record), 1);
  assert_int_equal(take(queue, NULL), 0);
  deliver(queue, record);
  assert_int_equal(pe_queue_wanted(queue, false), 3); /* half of the queue, and one */
  assert_int_equal(pe_queue_wanted(queue, true), 0);
  read_back(queue, 2, false);
  read_back(queue, 3, false);
  assert_int_equal(pe_queue_read_after(queue, false), 3);
  for (uint64_t ticket = 2; ticket <= 3; ticket++) {
    assert_int_equal(take(queue, &record), ticket);
    deliver(queue, record);
  }
  assert_int_equal(accounted(queue).on_disk, 3);
  pe_queue_free(queue);
}

/* The owner's thread may make room while the sender reads. */
static void test_takes_nothing_back_before_what_is_older(void **state) {
  pe_queue *queue = spooling_queue(3);
  pe_returning returning = {.event = event_of("x"), .row = 3, .accepted_at = NOW};
  (void)state;
  for (int i = 0; i < 2; i++)
    (void)push_at(queue, "x", NOW);
  assert_int_equal(write_out(queue), 2);
  (void)push_at(queue, "x", NOW);
  (void)push_at(queue, "x", NOW); /* 2 leaves memory */
  assert_int_equal(write_out(queue), 2);
  assert_int_equal(accounted(queue).on_disk, 3);
  read_back(queue, 2, false);
  returning.after = pe_queue_read_after(queue, false);
  assert_int_equal(returning.after, 2);
  (void)push_at(queue, "x", NOW);
  (void)push_at(queue, "x", NOW); /* 2 leaves again, while 3 is read */
  assert_int_equal(accounted(queue).on_disk, 3);
  assert_int_equal(pe_queue_read_back(queue, &returning, NOW), PE_OK);
  assert_int_equal(accounted(queue).on_disk, 3);
  assert_int_equal(pe_queue_read_after(queue, false), 1);
  pe_queue_free(queue);
}

/* Where the disk has no room for it that would last: what is on disk has to be sent, and makes some. */
static void test_reads_back_beside_what_cannot_be_sent(void **state) {
  pe_queue *queue = spooling_queue(2);
  pe_record *record;
  (void)state;
  for (int i = 0; i < 2; i++)
    (void)push_at(queue, "x", NOW);
  assert_int_equal(write_out(queue), 2);
  for (int i = 0; i < 2; i++)
    (void)push_at(queue, "x", NOW); /* the written ones leave memory */
  assert_int_equal(accounted(queue).on_disk, 2);
  for (uint64_t ticket = 1; ticket <= 2; ticket++) {
    assert_int_equal(take(queue, NULL), 0);
    assert_int_equal(pe_queue_wanted(queue, true), 0);
    assert_int_equal(pe_queue_wanted(queue, false), 1);
    read_back(queue, (int64_t)ticket, false);
    assert_int_equal(pe_queue_wanted(queue, false), 0);
    assert_int_equal(take(queue, &record), ticket);
    assert_int_equal(pe_queue_wanted(queue, false), 0);
    deliver(queue, record);
  }
  assert_int_equal(pe_queue_wanted(queue, false), 0);
  pe_queue_free(queue);
}

static void test_is_full_when_nothing_can_leave(void **state) {
  pe_queue *queue = spooling_queue(2);
  const pe_event event = event_of("x");
  pe_push push;
  (void)state;
  (void)push_at(queue, "x", NOW);
  (void)push_at(queue, "x", NOW);
  assert_int_equal(pe_queue_push(queue, &event, NOW, &push), PE_QUEUE_FULL);
  (void)accounted(queue);
  assert_int_equal(write_out(queue), 2);
  pe_queue_set_disk_room(queue, 10, false);
  assert_int_equal(pe_queue_push(queue, &event, NOW, &push), PE_QUEUE_FULL);
  pe_queue_set_disk_room(queue, 1000, false);
  (void)push_at(queue, "x", NOW);
  pe_queue_free(queue);
}

/* It would be in neither of the two. */
static void test_lets_nothing_go_while_a_file_is_replaced(void **state) {
  pe_queue *queue = spooling_queue(2);
  const pe_event event = event_of("x");
  pe_push push;
  (void)state;
  (void)push_at(queue, "a", NOW);
  (void)push_at(queue, "b", NOW);
  assert_int_equal(write_out(queue), 2);
  pe_queue_keep_memory(queue, true);
  assert_int_equal(pe_queue_push(queue, &event, NOW, &push), PE_QUEUE_FULL);
  assert_int_equal(accounted(queue).on_disk, 0);
  pe_queue_keep_memory(queue, false);
  assert_int_equal(pe_queue_push(queue, &event, NOW, &push), PE_OK);
  assert_int_equal(accounted(queue).on_disk, 1);
  pe_queue_free(queue);
}

static void test_refuses_an_awaited_event_that_cannot_be_written(void **state) {
  pe_queue_config config = {.max_events = 10, .max_bytes = 1 << 20, .max_age = 100 * PE_SECOND, .width = 4};
  const pe_event event = event_of("x");
  pe_queue *queue;
  pe_push push;
  (void)state;
  config.spools = config.awaits = config.required = true;
  queue = queue_with(&config);
  assert_int_equal(pe_queue_push(queue, &event, NOW, &push), PE_OK);
  assert_int_equal(accounted(queue).calls, 0); /* not counted before it is decided */
  pe_queue_set_spooling(queue, false);
  assert_int_equal(pe_queue_await(queue), PE_SPOOL);
  assert_int_equal(accounted(queue).refused[PE_SPOOL], 1);
  assert_int_equal(pe_queue_push(queue, &event, NOW, &push), PE_SPOOL);
  pe_queue_set_spooling(queue, true);
  assert_int_equal(pe_queue_push(queue, &event, NOW, &push), PE_OK);
  assert_int_equal(write_out(queue), 1);
  assert_int_equal(pe_queue_await(queue), PE_OK);
  assert_int_equal(accounted(queue).accepted, 1);
  pe_queue_free(queue);
}

static void test_restores_what_others_left(void **state) {
  pe_queue *queue = spooling_queue(4);
  pe_record *record;
  (void)state;
  pe_queue_restore(queue, 3);
  (void)push_at(queue, "own", NOW);
  assert_int_equal(write_out(queue), 1); /* it stands behind them */
  assert_int_equal(accounted(queue).on_disk, 4);
  assert_int_equal(pe_queue_wanted(queue, true), 3);
  read_back(queue, 7, true);
  read_back(queue, 8, true);
  for (int64_t row = 7; row <= 8; row++) {
    record = pe_queue_take(queue, PE_PICK_DUE, NOW);
    assert_int_equal(record->row, row);
    assert_int_equal(record->ticket, 0);
    deliver(queue, record);
  }
  assert_int_equal(pe_queue_lose(queue, true), 1);
  assert_int_equal(accounted(queue).dropped_by[PE_SPOOL], 1);
  assert_int_equal(pe_queue_left(queue, true), 0);
  pe_queue_free(queue);
}

static void test_writes_all_again_into_another_file(void **state) {
  pe_queue *queue = spooling_queue(10);
  pe_record *record;
  (void)state;
  for (int i = 0; i < 3; i++)
    (void)push_at(queue, "x", NOW);
  (void)write_out(queue);
  assert_int_equal(take(queue, &record), 1);
  pe_queue_rewrite(queue);
  assert_int_equal(accounted(queue).unwritten, 3);
  assert_int_equal(take(queue, NULL), 0);
  assert_int_equal(write_out(queue), 3);
  assert_int_equal(take(queue, NULL), 2);
  deliver(queue, record);
  pe_queue_free(queue);
}

static void test_reads_nothing_back_that_is_in_memory(void **state) {
  pe_queue *queue = spooling_queue(4);
  pe_record *tried;
  (void)state;
  for (int i = 0; i < 4; i++)
    (void)push_at(queue, "x", NOW);
  (void)write_out(queue);
  (void)push_at(queue, "x", NOW); /* the fourth leaves memory */
  (void)write_out(queue);         /* and the fifth follows it */
  assert_int_equal(accounted(queue).on_disk, 2);
  pe_queue_set_spooling(queue, false);
  (void)push_at(queue, "x", NOW);
  for (uint64_t ticket = 1; ticket <= 3; ticket++) {
    assert_int_equal(take(queue, &tried), ticket);
    deliver(queue, tried);
  }
  assert_int_equal(take(queue, &tried), 6);
  retry_at(queue, tried, NOW + PE_SECOND);
  pe_queue_set_spooling(queue, true);
  assert_int_equal(write_out(queue), 1);
  read_back(queue, 4, false);
  read_back(queue, 5, false);
  assert_int_equal(accounted(queue).on_disk, 0);
  assert_int_equal(accounted(queue).pending, 3);
  pe_queue_free(queue);
}

static void test_makes_room_of_what_waits(void **state) {
  pe_queue *queue = spooling_queue(4);
  pe_record *records[4];
  (void)state;
  for (int i = 0; i < 4; i++)
    (void)push_at(queue, "x", NOW);
  (void)write_out(queue);
  for (uint64_t i = 0; i < 4; i++)
    assert_int_equal(take(queue, &records[i]), i + 1);
  for (int i = 0; i < 3; i++)
    retry_at(queue, records[i], NOW + PE_SECOND);
  (void)push_at(queue, "x", NOW); /* the third leaves memory, though the fourth is in flight */
  assert_int_equal(accounted(queue).on_disk, 1);
  (void)write_out(queue);
  retry_at(queue, records[3], NOW + PE_SECOND);
  read_back(queue, 3, false);
  read_back(queue, 4, false); /* it is there */
  read_back(queue, 5, false);
  assert_int_equal(accounted(queue).on_disk, 0);
  assert_int_equal(accounted(queue).pending, 5);
  for (uint64_t i = 0; i < 5; i++) {
    pe_record *record = pe_queue_take(queue, PE_PICK_DUE, NOW + 2 * PE_SECOND);
    assert_non_null(record);
    deliver(queue, record);
  }
  pe_queue_free(queue);
}

static void test_writes_nothing_again_that_was_restored(void **state) {
  pe_queue *queue = spooling_queue(10);
  pe_record *records[8];
  (void)state;
  pe_queue_restore(queue, 2);
  read_back(queue, 5, true);
  (void)push_at(queue, "x", NOW);
  (void)write_out(queue);
  read_back(queue, 6, true);
  read_back(queue, 1, false);
  (void)push_at(queue, "x", NOW);
  (void)write_out(queue);
  (void)pe_queue_rewrite(queue);
  assert_int_equal(accounted(queue).unwritten, 2);
  assert_int_equal(pe_queue_unwritten(queue, records, 8), 2);
  assert_int_equal(records[0]->ticket, 1);
  assert_int_equal(records[1]->ticket, 2);
  assert_int_equal(write_out(queue), 2);
  assert_int_equal(accounted(queue).unwritten, 0);
  pe_queue_free(queue);
}

static void test_accepts_what_cannot_be_written_where_that_is_not_required(void **state) {
  pe_queue_config config = {.max_events = 10, .max_bytes = 1 << 20, .max_age = 100 * PE_SECOND, .width = 4};
  const pe_event event = event_of("x");
  pe_queue *queue;
  pe_push push;
  (void)state;
  config.spools = config.awaits = true;
  queue = queue_with(&config);
  assert_int_equal(pe_queue_push(queue, &event, NOW, &push), PE_OK);
  pe_queue_set_spooling(queue, false);
  assert_int_equal(pe_queue_await(queue), PE_OK);
  assert_int_equal(accounted(queue).pending, 1);
  pe_queue_free(queue);
}

static void test_does_not_age_on_disk_while_held(void **state) {
  pe_queue *queue = spooling_queue(1);
  pe_record *record;
  (void)state;
  (void)push_at(queue, "x", NOW);
  (void)write_out(queue);
  (void)push_at(queue, "y", NOW); /* the first leaves memory, and the second follows it */
  (void)write_out(queue);
  pe_queue_pause(queue, true, NOW);
  pe_queue_pause(queue, false, NOW + 500 * PE_SECOND);
  read_back(queue, 1, false);
  assert_null(pe_queue_take_expired(queue, NOW + 550 * PE_SECOND));
  record = pe_queue_take_expired(queue, NOW + 601 * PE_SECOND);
  assert_non_null(record);
  end_with(queue, record, PE_EXPIRED, PE_OK);
  pe_queue_free(queue);
}

/* While the disk failed what is not written was tried from memory; what comes back then is not lost behind it. */
static void test_takes_what_comes_back_beside_what_was_tried(void **state) {
  pe_queue *queue = spooling_queue(10);
  pe_record *record;
  (void)state;
  pe_queue_set_spooling(queue, false);
  (void)push_at(queue, "x", NOW);
  assert_int_equal(take(queue, &record), 1);
  retry_at(queue, record, NOW + 1);
  pe_queue_set_spooling(queue, true);
  pe_queue_restore(queue, 2);
  read_back(queue, 1, true);
  (void)push_at(queue, "x", NOW);
  read_back(queue, 2, true);
  for (int64_t row = 1; row <= 2; row++) {
    record = pe_queue_take(queue, PE_PICK_DUE, NOW);
    assert_non_null(record);
    assert_int_equal(record->row, row);
    deliver(queue, record);
  }
  assert_int_equal(take(queue, NULL), 0);
  assert_int_equal(write_out(queue), 2);
  assert_int_equal(take(queue, &record), 2);
  deliver(queue, record);
  pe_queue_free(queue);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_sends_nothing_that_is_not_written),
      TEST(test_sends_from_memory_while_writing_fails),
      TEST(test_keeps_on_disk_what_does_not_fit),
      TEST(test_takes_nothing_back_before_what_is_older),
      TEST(test_reads_back_beside_what_cannot_be_sent),
      TEST(test_is_full_when_nothing_can_leave),
      TEST(test_lets_nothing_go_while_a_file_is_replaced),
      TEST(test_refuses_an_awaited_event_that_cannot_be_written),
      TEST(test_restores_what_others_left),
      TEST(test_writes_all_again_into_another_file),
      TEST(test_reads_nothing_back_that_is_in_memory),
      TEST(test_makes_room_of_what_waits),
      TEST(test_writes_nothing_again_that_was_restored),
      TEST(test_accepts_what_cannot_be_written_where_that_is_not_required),
      TEST(test_does_not_age_on_disk_while_held),
      TEST(test_takes_what_comes_back_beside_what_was_tried),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
