/* The queue, where the owner decides of all that are pending: they stay, go on, or are thrown away. */
#include "queue/queue.h"

#include "base/thread.h"
#include "events.h"

static const pe_queue_config wide = {.max_events = 1000, .max_bytes = 1 << 20, .max_age = 10 * PE_SECOND, .width = 16};

static pe_queue *filled(int count) {
  pe_queue *queue = queue_with(&wide);
  for (int i = 0; i < count; i++)
    (void)push_at(queue, "{}", NOW);
  return queue;
}

static pe_record *taken(pe_queue *queue) {
  pe_record *record;
  assert_true(take_at(queue, PE_PICK_DUE, NOW, &record) > 0);
  return record;
}

/* ---- may be sent, or not ---- */

static void gives_none_out_where_it_may_not(void **state) {
  pe_queue *queue = filled(2);
  (void)state;
  deliver(queue, taken(queue));
  assert_false(pe_queue_allow(queue, false, NOW));
  assert_int_equal(accounted(queue).state, PE_STATE_IDLE);
  for (int pick = PE_PICK_DUE; pick <= PE_PICK_ANY; pick++)
    assert_int_equal(take_at(queue, (pe_pick)pick, NOW, NULL), 0);
  assert_int_equal(pe_queue_sleep(queue, PE_PICK_DUE, NOW, NOW), INT64_MAX);
  assert_int_equal(pe_queue_flush(queue, INT64_MAX), 1); /* at once */
  assert_true(pe_queue_allow(queue, true, NOW));
  deliver(queue, taken(queue));
  pe_queue_free(queue);
}

static void wakes_only_for_what_it_may_take(void **state) {
  pe_queue *queue = filled(1);
  (void)state;
  assert_false(pe_queue_allow(queue, true, NOW)); /* it may already */
  assert_false(pe_queue_allow(queue, false, NOW));
  assert_false(pe_queue_allow(queue, false, NOW));
  assert_true(pe_queue_allow(queue, true, NOW));
  deliver(queue, taken(queue));
  assert_false(pe_queue_allow(queue, false, NOW));
  assert_false(pe_queue_allow(queue, true, NOW)); /* there is none */
  pe_queue_free(queue);
}

static void its_time_stands_still_for_either_reason(void **state) {
  pe_queue *queue = filled(1);
  (void)state;
  (void)pe_queue_allow(queue, false, NOW + 4 * PE_SECOND);
  pe_queue_pause(queue, true, NOW + 50 * PE_SECOND);
  (void)pe_queue_allow(queue, true, NOW + 60 * PE_SECOND);
  assert_null(take_expired(queue, NOW + 90 * PE_SECOND));
  (void)pe_queue_allow(queue, false, NOW + 95 * PE_SECOND);
  pe_queue_pause(queue, false, NOW + 100 * PE_SECOND);
  assert_null(take_expired(queue, NOW + 103 * PE_SECOND));
  (void)pe_queue_allow(queue, true, NOW + 104 * PE_SECOND); /* 100 s */
  assert_null(take_expired(queue, NOW + 110 * PE_SECOND - 1));
  assert_int_equal(free_list(take_expired(queue, NOW + 110 * PE_SECOND)), 1);
  pe_queue_free(queue);
}

/* What a sender does with an event in flight while the owner waits for the end. */
typedef struct sender {
  pe_queue *queue;
  pe_record *record;
} sender;

static void *give_back(void *user) {
  sender *self = user;
  retry_at(self->queue, self->record, NOW);
  return NULL;
}

static void a_flush_ends_with_what_is_in_flight(void **state) {
  sender other = {.queue = filled(2)};
  pe_thread thread;
  (void)state;
  other.record = taken(other.queue);
  (void)pe_queue_allow(other.queue, false, NOW);
  assert_true(pe_thread_start(&thread, give_back, &other));
  assert_int_equal(pe_queue_flush(other.queue, INT64_MAX), 2);
  pe_thread_join(thread);
  assert_int_equal(accounted(other.queue).waiting, 1);
  pe_queue_free(other.queue);
}

/* ---- thrown away ---- */

static void throws_away_what_is_not_in_flight(void **state) {
  pe_queue *queue = filled(5);
  pe_record *delivered = taken(queue), *failed = taken(queue), *waiting = taken(queue);
  const pe_queue_answer answer = {503, PE_UNAVAILABLE, "not now", 0};
  (void)state;
  retry_at(queue, waiting, NOW + PE_SECOND);
  assert_int_equal(free_list(pe_queue_withdraw(queue, NOW)), 3);
  assert_int_equal(accounted(queue).dropped_by[PE_WITHDRAWN], 3);
  assert_int_equal(accounted(queue).pending, 2);
  deliver(queue, delivered);
  assert_false(pe_queue_retry(queue, failed, NOW, &answer));
  end_with(queue, failed, PE_DROPPED, PE_WITHDRAWN);
  assert_int_equal(accounted(queue).outcomes[PE_DROPPED], 4);
  assert_int_equal(accounted(queue).pending, 0);
  assert_null(pe_queue_withdraw(queue, NOW));
  pe_queue_free(queue);
}

static void what_is_cancelled_ends_too(void **state) {
  pe_queue *queue = filled(2);
  pe_record *before = taken(queue), *withdrawn = taken(queue);
  (void)state;
  assert_true(pe_queue_cancel(queue, before, true, NOW));
  assert_int_equal(free_list(pe_queue_withdraw(queue, NOW)), 1);
  assert_false(pe_queue_cancel(queue, withdrawn, true, NOW));
  assert_int_equal(accounted(queue).maybe_sent, 1); /* of what stayed pending */
  end_with(queue, withdrawn, PE_DROPPED, PE_WITHDRAWN);
  assert_int_equal(accounted(queue).pending, 0);
  pe_queue_free(queue);
}

static void what_comes_later_is_tried_again(void **state) {
  pe_queue *queue = filled(1);
  (void)state;
  assert_int_equal(free_list(pe_queue_withdraw(queue, NOW)), 1);
  (void)push_at(queue, "{}", NOW);
  retry_at(queue, taken(queue), NOW);
  assert_int_equal(accounted(queue).waiting, 1);
  pe_queue_free(queue);
}

static void *throw_away(void *user) {
  sender *self = user;
  bool waits = false;
  while (!waits) {
    pe_queue_attend(self->queue, NOW);
    (void)free_list(pe_queue_withdraw(self->queue, NOW));
    waits = accounted(self->queue).outcomes[PE_DROPPED] == 4;
  }
  return NULL;
}

static void gives_room_to_an_owner_that_waits_for_it(void **state) {
  const pe_queue_config config = {.max_events = 2,
                                  .max_bytes = 1 << 20,
                                  .overflow = PE_OVERFLOW_WAIT,
                                  .wait = 20 * PE_SECOND,
                                  .max_age = INT64_MAX,
                                  .width = 16};
  sender other = {.queue = queue_with(&config)};
  const pe_event event = event_of("{}");
  pe_thread thread;
  pe_push push;
  (void)state;
  assert_true(pe_thread_start(&thread, throw_away, &other));
  for (int i = 0; i < 4; i++)
    assert_int_equal(pe_queue_push(other.queue, &event, NOW, &push), PE_OK);
  pe_thread_join(thread);
  assert_int_equal(accounted(other.queue).accepted, 4);
  pe_queue_free(other.queue);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(gives_none_out_where_it_may_not),         TEST(wakes_only_for_what_it_may_take),
      TEST(its_time_stands_still_for_either_reason), TEST(a_flush_ends_with_what_is_in_flight),
      TEST(throws_away_what_is_not_in_flight),       TEST(what_is_cancelled_ends_too),
      TEST(what_comes_later_is_tried_again),         TEST(gives_room_to_an_owner_that_waits_for_it)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
