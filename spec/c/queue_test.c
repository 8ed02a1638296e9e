/* The queue, from its owner's side: what is accepted, what is refused, and what goes to make room. */
#include "queue/queue.h"

#include "events.h"

enum { FEW = 4, BODY = 100 };

static const pe_queue_config few = {.max_events = FEW, .max_bytes = 1 << 20, .max_age = INT64_MAX, .width = 16};

static pe_queue_config dropping(void) {
  pe_queue_config config = few;
  config.overflow = PE_OVERFLOW_DROP_OLDEST;
  return config;
}

static size_t bytes_of(size_t body_size) {
  return offsetof(pe_record, data) + body_size;
}

static pe_error try_to_push(pe_queue *queue, size_t body_size, pe_push *push) {
  static const char body[1000];
  const pe_event event = {.body = body, .body_size = body_size};
  pe_error error = pe_queue_push(queue, &event, NOW, push);
  (void)accounted(queue);
  return error;
}

/* A refusal stores and drops nothing. */
static void assert_refused(pe_queue *queue, size_t body_size, pe_error expected) {
  pe_counters before = accounted(queue), after;
  pe_push push;
  assert_int_equal(try_to_push(queue, body_size, &push), expected);
  assert_int_equal(push.ticket, 0);
  assert_false(push.wake);
  assert_null(push.dropped);
  after = accounted(queue);
  assert_int_equal(after.refused[expected], before.refused[expected] + 1);
  assert_int_equal(after.pending, before.pending);
  assert_int_equal(after.pending_bytes, before.pending_bytes);
}

static void fill(pe_queue *queue, int count) {
  for (int i = 0; i < count; i++)
    (void)push_at(queue, "{}", NOW);
}

/* ---- accepting ---- */

static void keeps_a_copy(void **state) {
  char body[] = "{\"a\":\"x\0y\"}", id[] = "id-1", name[] = "be_reserved";
  const pe_event event = {body, id, name, sizeof body - 1, sizeof id - 1, sizeof name - 1, 0};
  pe_queue *queue = queue_with(&few);
  pe_record *record;
  pe_push push;
  (void)state;
  assert_int_equal(pe_queue_push(queue, &event, NOW, &push), PE_OK);
  assert_int_equal(push.ticket, 1);
  memset(body, '!', sizeof body), memset(id, '!', sizeof id), memset(name, '!', sizeof name);
  assert_int_equal(accounted(queue).pending_bytes, bytes_of(sizeof body + sizeof id + sizeof name - 3));
  assert_int_equal(take_at(queue, PE_PICK_DUE, NOW, &record), 1);
  assert_int_equal(record->body_size, sizeof body - 1);
  assert_memory_equal(pe_record_body(record), "{\"a\":\"x\0y\"}", sizeof body - 1);
  assert_int_equal(record->id_size, 4);
  assert_memory_equal(pe_record_id(record), "id-1", 4);
  assert_int_equal(record->name_size, 11);
  assert_memory_equal(pe_record_name(record), "be_reserved", 11);
  assert_int_equal(record->accepted_at, NOW);
  deliver(queue, record);
  assert_int_equal(accounted(queue).pending_bytes, 0);
  pe_queue_free(queue);
}

static void keeps_all_of_an_id(void **state) {
  char *longest = calloc(1, 70000);
  pe_event event = event_of("{}");
  pe_queue *queue = queue_with(&few);
  pe_record *record;
  pe_push push;
  (void)state;
  assert_non_null(longest);
  event.id = event.name = longest;
  event.id_size = 65536;
  event.name_size = 70000;
  assert_int_equal(pe_queue_push(queue, &event, NOW, &push), PE_OK);
  free(longest);
  (void)take_at(queue, PE_PICK_DUE, NOW, &record);
  assert_int_equal(record->id_size, 65536);
  assert_int_equal(record->name_size, 70000);
  deliver(queue, record);
  pe_queue_free(queue);
}

static void counts_calls_that_end_before_it(void **state) {
  pe_queue *queue = queue_with(&few);
  pe_counters counters;
  (void)state;
  pe_queue_refuse(queue, PE_FILTERED);
  pe_queue_refuse(queue, PE_INVALID_EVENT);
  pe_queue_refuse(queue, PE_INVALID_EVENT);
  counters = accounted(queue);
  assert_int_equal(counters.calls, 3);
  assert_int_equal(counters.filtered, 1);
  assert_int_equal(counters.refused[PE_INVALID_EVENT], 2);
  assert_int_equal(counters.refused[PE_FILTERED], 0);
  pe_queue_free(queue);
}

static void passes_events_by(void **state) {
  const pe_event event = event_of("{}");
  pe_queue *queue = queue_with(&few);
  pe_record *record;
  (void)state;
  for (int i = 1; i <= 2 * FEW; i++) {
    assert_int_equal(pe_queue_pass(queue, &event, NOW, &record), PE_OK);
    assert_int_equal(record->ticket, i);
    assert_memory_equal(pe_record_body(record), "{}", 2);
    free(record);
    assert_int_equal(accounted(queue).outcomes[PE_DELIVERED], i);
  }
  assert_int_equal(push_at(queue, "{}", NOW), 2 * FEW + 1); /* tickets go on */
  pe_queue_close(queue);
  assert_int_equal(pe_queue_pass(queue, &event, NOW, &record), PE_CLOSED);
  assert_int_equal(accounted(queue).refused[PE_CLOSED], 1);
  pe_queue_free(queue);
}

/* ---- no room: reject ---- */

static void refuses_what_is_too_many(void **state) {
  pe_queue *queue = queue_with(&few);
  pe_record *record;
  (void)state;
  fill(queue, FEW);
  assert_refused(queue, 2, PE_QUEUE_FULL);
  (void)take_at(queue, PE_PICK_DUE, NOW, &record);
  assert_refused(queue, 2, PE_QUEUE_FULL); /* one in flight is pending too */
  deliver(queue, record);
  fill(queue, 1);
  assert_refused(queue, 2, PE_QUEUE_FULL);
  pe_queue_free(queue);
}

static void refuses_what_is_too_large(void **state) {
  pe_queue_config config = few;
  pe_queue *queue;
  pe_push push;
  (void)state;
  config.max_bytes = 2 * bytes_of(BODY);
  queue = queue_with(&config);
  assert_refused(queue, 2 * BODY + offsetof(pe_record, data) + 1, PE_QUEUE_FULL);
  assert_int_equal(try_to_push(queue, BODY, &push), PE_OK);
  assert_refused(queue, BODY + 1, PE_QUEUE_FULL);
  assert_int_equal(try_to_push(queue, BODY, &push), PE_OK); /* to the last byte */
  assert_refused(queue, 0, PE_QUEUE_FULL);
  pe_queue_free(queue);
}

/* ---- no room: drop the oldest ---- */

static void drops_the_oldest(void **state) {
  const pe_queue_config config = dropping();
  pe_queue *queue = queue_with(&config);
  pe_counters counters;
  pe_push push;
  (void)state;
  fill(queue, FEW);
  for (uint64_t i = 1; i <= 3 * FEW; i++) {
    assert_int_equal(try_to_push(queue, 2, &push), PE_OK);
    assert_non_null(push.dropped);
    assert_int_equal(push.dropped->ticket, i);
    assert_int_equal(free_list(push.dropped), 1);
  }
  counters = accounted(queue);
  assert_int_equal(counters.outcomes[PE_DROPPED], 3 * FEW);
  assert_int_equal(counters.dropped_by[PE_QUEUE_FULL], 3 * FEW);
  assert_int_equal(take_at(queue, PE_PICK_DUE, NOW, NULL), 3 * FEW + 1);
  pe_queue_free(queue);
}

static void drops_as_many_as_it_takes(void **state) {
  pe_queue_config config = dropping();
  pe_queue *queue;
  pe_push push;
  (void)state;
  config.max_bytes = 4 * bytes_of(0) + 300;
  queue = queue_with(&config);
  for (int i = 0; i < 4; i++)
    assert_int_equal(try_to_push(queue, 50, &push), PE_OK);
  assert_int_equal(try_to_push(queue, 60, &push), PE_OK); /* one: for the count */
  assert_int_equal(free_list(push.dropped), 1);
  assert_int_equal(try_to_push(queue, 300, &push), PE_OK); /* more: for the bytes, and no more than that */
  assert_int_equal(push.dropped->ticket, 2);
  assert_int_equal(free_list(push.dropped), 3);
  assert_int_equal(accounted(queue).pending, 2);
  pe_queue_free(queue);
}

static void never_drops_what_is_in_flight(void **state) {
  const pe_queue_config config = dropping();
  pe_queue *queue = queue_with(&config);
  pe_record *in_flight[FEW];
  pe_push push;
  (void)state;
  fill(queue, FEW);
  (void)take_at(queue, PE_PICK_DUE, NOW, &in_flight[0]);
  (void)take_at(queue, PE_PICK_DUE, NOW, &in_flight[1]);
  retry_at(queue, in_flight[1], NOW + PE_SECOND); /* waits: older than 3 and 4 */
  assert_int_equal(try_to_push(queue, 2, &push), PE_OK);
  assert_int_equal(push.dropped->ticket, 2);
  assert_int_equal(free_list(push.dropped), 1);
  assert_int_equal(take_at(queue, PE_PICK_DUE, NOW + PE_SECOND, &in_flight[1]), 3); /* 2 is not in the heap any more */
  assert_int_equal(try_to_push(queue, 2, &push), PE_OK);
  assert_int_equal(push.dropped->ticket, 4);
  assert_int_equal(free_list(push.dropped), 1);
  (void)take_at(queue, PE_PICK_DUE, NOW, &in_flight[2]);
  (void)take_at(queue, PE_PICK_DUE, NOW, &in_flight[3]);
  assert_refused(queue, 2, PE_QUEUE_FULL);
  for (int i = 0; i < FEW; i++)
    deliver(queue, in_flight[i]);
  pe_queue_free(queue);
}

static void drops_nothing_for_what_cannot_fit_all_the_same(void **state) {
  pe_queue_config config = dropping();
  pe_queue *queue;
  pe_record *record;
  pe_push push;
  (void)state;
  config.max_bytes = 3 * bytes_of(BODY);
  queue = queue_with(&config);
  for (int i = 0; i < 3; i++)
    assert_int_equal(try_to_push(queue, BODY, &push), PE_OK);
  assert_refused(queue, 900, PE_QUEUE_FULL); /* not even into an empty queue */
  (void)take_at(queue, PE_PICK_DUE, NOW, &record);
  assert_refused(queue, 2 * BODY + offsetof(pe_record, data) + 1, PE_QUEUE_FULL); /* not beside the one in flight */
  deliver(queue, record);
  pe_queue_free(queue);
}

/* ---- close, and the state ---- */

static void a_closed_queue_gives_back_what_it_has(void **state) {
  pe_queue *queue = queue_with(&few);
  pe_record *record;
  (void)state;
  fill(queue, 2);
  pe_queue_close(queue);
  pe_queue_close(queue);
  assert_refused(queue, 2, PE_CLOSED);
  pe_queue_set_state(queue, PE_STATE_HELD);
  assert_int_equal(accounted(queue).state, PE_STATE_HELD); /* what is pending may still be sent */
  pe_queue_set_state(queue, PE_STATE_CLOSED);
  pe_queue_set_state(queue, PE_STATE_HELD);
  assert_int_equal(accounted(queue).state, PE_STATE_CLOSED); /* that is the last word */
  assert_int_equal(take_at(queue, PE_PICK_DUE, NOW, &record), 1);
  retry_at(queue, record, NOW);
  for (int i = 1; i <= 2; i++) {
    assert_int_equal(take_at(queue, PE_PICK_DUE, NOW, &record), i);
    deliver(queue, record);
  }
  assert_int_equal(pe_queue_flush(queue, 0), 0);
  pe_queue_free(queue);
}

static void tells_its_state(void **state) {
  pe_queue *queue = queue_with(&few);
  pe_record *record;
  (void)state;
  assert_int_equal(accounted(queue).state, PE_STATE_IDLE);
  fill(queue, 1);
  assert_int_equal(accounted(queue).state, PE_STATE_SENDING);
  (void)take_at(queue, PE_PICK_DUE, NOW, &record);
  pe_queue_set_state(queue, PE_STATE_COOLING);
  assert_int_equal(accounted(queue).state, PE_STATE_COOLING);
  pe_queue_set_state(queue, PE_STATE_SENDING);
  deliver(queue, record);
  assert_int_equal(accounted(queue).state, PE_STATE_IDLE);
  pe_queue_free(queue);
  pe_queue_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(keeps_a_copy),
                                     TEST(keeps_all_of_an_id),
                                     TEST(counts_calls_that_end_before_it),
                                     TEST(passes_events_by),
                                     TEST(refuses_what_is_too_many),
                                     TEST(refuses_what_is_too_large),
                                     TEST(drops_the_oldest),
                                     TEST(drops_as_many_as_it_takes),
                                     TEST(never_drops_what_is_in_flight),
                                     TEST(drops_nothing_for_what_cannot_fit_all_the_same),
                                     TEST(a_closed_queue_gives_back_what_it_has),
                                     TEST(tells_its_state)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
