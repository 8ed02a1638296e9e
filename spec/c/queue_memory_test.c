/* Out of memory in the queue: the owner is told, and nothing that was accepted is lost; the sender finds what it can
 * take all the same, sleeps neither too long nor too short, and goes on when there is memory again. */
#include "events.h"
#include "failing_malloc.h"
#include "queue/queue.h"

static const pe_queue_config two_at_once = {.max_events = 100, .max_bytes = 1 << 20, .max_age = INT64_MAX, .width = 2};

static void a_queue_is_made_whole_or_not_at_all(void **state) {
  bool failed = true;
  (void)state;
  for (long n = 1; failed; n++) {
    pe_queue *queue = NULL;
    long before = failing_malloc_live();
    pe_error error;
    failing_malloc_at(n);
    error = pe_queue_new(&two_at_once, &queue);
    failed = failing_malloc_end();
    assert_int_equal(error, failed ? PE_NO_MEMORY : PE_OK);
    pe_queue_free(queue);
    assert_int_equal(failing_malloc_live(), before);
    assert_true(n < 10);
  }
}

static void an_event_is_refused(void **state) {
  const pe_event event = event_of("{}");
  pe_queue *queue = queue_with(&two_at_once);
  pe_record *record = NULL;
  pe_push push;
  (void)state;
  (void)push_at(queue, "{}", NOW);
  failing_malloc_at(1);
  assert_int_equal(pe_queue_push(queue, &event, NOW, &push), PE_NO_MEMORY);
  failing_malloc_at(1);
  assert_int_equal(pe_queue_pass(queue, &event, NOW, &record), PE_NO_MEMORY);
  assert_true(failing_malloc_end());
  assert_null(record);
  assert_int_equal(accounted(queue).refused[PE_NO_MEMORY], 2);
  assert_int_equal(accounted(queue).pending, 1);
  assert_int_equal(push_at(queue, "{}", NOW), 2);
  pe_queue_free(queue);
}

/* An event that would be dropped for one that cannot be kept stays. */
static void nothing_is_dropped_for_it(void **state) {
  pe_queue_config config = two_at_once;
  const pe_event event = event_of("{}");
  pe_queue *queue;
  pe_push push;
  (void)state;
  config.max_events = 1;
  config.overflow = PE_OVERFLOW_DROP_OLDEST;
  queue = queue_with(&config);
  (void)push_at(queue, "{}", NOW);
  failing_malloc_at(1);
  assert_int_equal(pe_queue_push(queue, &event, NOW, &push), PE_NO_MEMORY);
  (void)failing_malloc_end();
  assert_null(push.dropped);
  assert_int_equal(accounted(queue).pending, 1);
  pe_queue_free(queue);
}

static int64_t next_without_memory(pe_queue *queue, pe_pick pick, int64_t now) {
  int64_t next;
  failing_malloc_at(1);
  next = pe_queue_sleep(queue, pick, now, now);
  (void)failing_malloc_end();
  return next;
}

static uint64_t take_without_memory(pe_queue *queue, pe_pick pick, int64_t now, pe_record **record) {
  uint64_t ticket;
  failing_malloc_at(1);
  ticket = take_at(queue, pick, now, record);
  (void)failing_malloc_end();
  return ticket;
}

/* Two wait; there is no room to let a third one wait, too, so that none that was never tried can be taken. */
static pe_queue *without_room_to_wait(void) {
  pe_queue *queue = queue_with(&two_at_once);
  pe_record *record;
  for (int i = 0; i < 4; i++)
    (void)push_at(queue, "{}", NOW);
  for (int i = 1; i <= 2; i++) {
    assert_int_equal(take_at(queue, PE_PICK_DUE, NOW, &record), i);
    retry_at(queue, record, NOW + i * PE_SECOND);
  }
  return queue;
}

static void the_sender_takes_what_waits(void **state) {
  pe_queue *queue = without_room_to_wait();
  pe_record *first, *second;
  (void)state;
  assert_int_equal(take_without_memory(queue, PE_PICK_DUE, NOW, NULL), 0);
  assert_int_equal(take_without_memory(queue, PE_PICK_NEW, NOW, NULL), 0);
  assert_int_equal(next_without_memory(queue, PE_PICK_DUE, NOW), NOW + PE_SECOND); /* neither at once nor never */
  assert_int_equal(next_without_memory(queue, PE_PICK_NEW, NOW), NOW + PE_SECOND);
  assert_int_equal(take_without_memory(queue, PE_PICK_DUE, NOW + 2 * PE_SECOND, &first), 1);
  assert_int_equal(take_without_memory(queue, PE_PICK_DUE, NOW + 2 * PE_SECOND, &second), 2);
  retry_at(queue, first, NOW);
  retry_at(queue, second, NOW);
  assert_int_equal(accounted(queue).pending, 4);
  pe_queue_free(queue);
}

static void a_probe_is_one_of_those_that_wait(void **state) {
  pe_queue *queue = without_room_to_wait();
  pe_record *record;
  (void)state;
  for (int i = 0; i < 4; i++) {
    assert_int_equal(next_without_memory(queue, PE_PICK_ANY, NOW), NOW);
    assert_int_equal(take_without_memory(queue, PE_PICK_ANY, NOW, &record), 1 + i % 2);
    retry_at(queue, record, NOW + PE_SECOND);
  }
  pe_queue_free(queue);
}

static void the_sender_goes_on_when_there_is_memory_again(void **state) {
  pe_queue *queue = without_room_to_wait();
  pe_record *record;
  (void)state;
  (void)take_without_memory(queue, PE_PICK_DUE, NOW, NULL);
  assert_int_equal(pe_queue_sleep(queue, PE_PICK_DUE, NOW, NOW), NOW);
  for (uint64_t i = 3; i <= 4; i++) {
    assert_int_equal(take_at(queue, PE_PICK_DUE, NOW, &record), i);
    deliver(queue, record);
  }
  for (uint64_t i = 1; i <= 2; i++) {
    assert_int_equal(take_at(queue, PE_PICK_DUE, NOW + 2 * PE_SECOND, &record), i);
    deliver(queue, record);
  }
  assert_int_equal(pe_queue_flush(queue, 0), 0);
  pe_queue_free(queue);
}

static void what_drew_a_hold_waits_among_the_others(void **state) {
  (void)state;
  for (long n = 1; n <= 3; n++) {
    pe_queue *queue = without_room_to_wait();
    pe_record *records[2];
    for (uint64_t i = 0; i < 2; i++)
      assert_int_equal(take_without_memory(queue, PE_PICK_DUE, NOW + 2 * PE_SECOND, &records[i]), i + 1);
    failing_malloc_at(n);
    for (int i = 0; i < 2; i++) {
      records[i]->draws = 1;
      retry_at(queue, records[i], NOW + (i + 1) * PE_SECOND);
    }
    (void)failing_malloc_end();
    for (uint64_t i = 0; i < 2; i++) {
      assert_int_equal(take_without_memory(queue, PE_PICK_ANY, NOW, &records[i]), i + 1);
      records[i]->draws = 0;
    }
    for (int i = 0; i < 2; i++)
      retry_at(queue, records[i], NOW);
    assert_int_equal(accounted(queue).waiting, 2);
    pe_queue_free(queue);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(a_queue_is_made_whole_or_not_at_all),
                                     TEST(an_event_is_refused),
                                     TEST(nothing_is_dropped_for_it),
                                     TEST(the_sender_takes_what_waits),
                                     TEST(a_probe_is_one_of_those_that_wait),
                                     TEST(the_sender_goes_on_when_there_is_memory_again),
                                     TEST(what_drew_a_hold_waits_among_the_others)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
