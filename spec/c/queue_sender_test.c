/* The queue, from the sender's side: which event comes next, what becomes of those that are given back, when they are
 * too old, and when the sender may sleep. */
#include "queue/queue.h"

#include "events.h"

static const pe_queue_config wide = {.max_events = 1000, .max_bytes = 1 << 20, .max_age = INT64_MAX, .width = 16};

static pe_queue_config with_width(size_t width) {
  pe_queue_config config = wide;
  config.width = width;
  return config;
}

static pe_queue_config with_max_age(int64_t max_age) {
  pe_queue_config config = wide;
  config.max_age = max_age;
  return config;
}

static pe_queue *filled(const pe_queue_config *config, int count) {
  pe_queue *queue = queue_with(config);
  for (int i = 0; i < count; i++)
    (void)push_at(queue, "{}", NOW);
  return queue;
}

/* Takes the event with that ticket, which must be the next one. */
static pe_record *take_ticket(pe_queue *queue, pe_pick pick, int64_t now, uint64_t ticket) {
  pe_record *record;
  assert_int_equal(take_at(queue, pick, now, &record), ticket);
  return record;
}

/* ---- which comes next ---- */

static void takes_them_in_the_order_of_acceptance(void **state) {
  pe_queue *queue = filled(&wide, 5);
  (void)state;
  for (uint64_t i = 1; i <= 5; i++)
    (void)take_ticket(queue, PE_PICK_DUE, NOW, i);
  assert_int_equal(take_at(queue, PE_PICK_DUE, NOW, NULL), 0);
  assert_int_equal(accounted(queue).in_flight, 5);
  pe_queue_free(queue); /* with what is in flight */
}

static void takes_a_retry_when_it_is_due_and_then_first(void **state) {
  pe_queue *queue = filled(&wide, 4);
  pe_record *first = take_ticket(queue, PE_PICK_DUE, NOW, 1);
  pe_record *second = take_ticket(queue, PE_PICK_DUE, NOW, 2);
  (void)state;
  retry_at(queue, first, NOW + 20);
  retry_at(queue, second, NOW + 10);
  (void)take_ticket(queue, PE_PICK_DUE, NOW + 9, 3);
  second = take_ticket(queue, PE_PICK_DUE, NOW + 20, 2);
  assert_int_equal(second->attempts, 2);
  (void)take_ticket(queue, PE_PICK_DUE, NOW + 20, 1);
  (void)take_ticket(queue, PE_PICK_DUE, NOW + 20, 4);
  assert_int_equal(accounted(queue).attempts, 6);
  assert_int_equal(accounted(queue).retries, 2);
  assert_int_equal(accounted(queue).bytes_sent, 6 * 2);
  pe_queue_free(queue);
}

static void none_begins_while_an_older_one_is_pending_in_order(void **state) {
  const pe_queue_config config = with_width(1);
  pe_queue *queue = filled(&config, 3);
  (void)state;
  for (uint64_t i = 1; i <= 3; i++) {
    pe_record *record = take_ticket(queue, PE_PICK_DUE, NOW, i);
    assert_int_equal(take_at(queue, PE_PICK_DUE, NOW, NULL), 0);
    assert_int_equal(take_at(queue, PE_PICK_ANY, NOW, NULL), 0);
    retry_at(queue, record, NOW + 10);
    assert_int_equal(take_at(queue, PE_PICK_DUE, NOW + 9, NULL), 0);
    assert_int_equal(take_at(queue, PE_PICK_NEW, NOW + 9, NULL), 0);
    deliver(queue, take_ticket(queue, PE_PICK_DUE, NOW + 10, i));
  }
  pe_queue_free(queue);
}

static void a_probe_of_a_cooling_endpoint_is_a_new_event(void **state) {
  pe_queue *queue = filled(&wide, 3);
  (void)state;
  retry_at(queue, take_ticket(queue, PE_PICK_DUE, NOW, 1), NOW);
  retry_at(queue, take_ticket(queue, PE_PICK_NEW, NOW, 2), NOW + 10);
  retry_at(queue, take_ticket(queue, PE_PICK_NEW, NOW, 3), NOW + 10);
  (void)take_ticket(queue, PE_PICK_NEW, NOW, 1);
  assert_int_equal(take_at(queue, PE_PICK_NEW, NOW, NULL), 0);
  pe_queue_free(queue);
}

static void every_probe_of_a_held_endpoint_is_another_event(void **state) {
  pe_queue *queue = filled(&wide, 5);
  (void)state;
  /* From before the hold: these would not be due for long. */
  retry_at(queue, take_ticket(queue, PE_PICK_DUE, NOW, 1), NOW + 30 * PE_SECOND);
  retry_at(queue, take_ticket(queue, PE_PICK_DUE, NOW, 2), NOW + 20 * PE_SECOND);
  for (uint64_t i = 3; i <= 5; i++) /* those never tried come first */
    retry_at(queue, take_ticket(queue, PE_PICK_ANY, NOW, i), NOW);
  for (int round = 0; round < 3; round++)
    for (uint64_t i = 1; i <= 5; i++)
      retry_at(queue, take_ticket(queue, PE_PICK_ANY, NOW, i), NOW);
  (void)push_at(queue, "{}", NOW);
  retry_at(queue, take_ticket(queue, PE_PICK_ANY, NOW, 6), NOW);
  deliver(queue, take_ticket(queue, PE_PICK_ANY, NOW, 1));
  deliver(queue, take_ticket(queue, PE_PICK_ANY, NOW, 2));
  pe_queue_free(queue);
}

static void in_order_the_oldest_is_probed_three_times(void **state) {
  const pe_queue_config config = with_width(1);
  pe_queue *queue = filled(&config, 3);
  (void)state;
  for (int i = 0; i < 3; i++)
    retry_at(queue, take_ticket(queue, PE_PICK_ANY, NOW, 1), NOW + PE_SECOND);
  retry_at(queue, take_ticket(queue, PE_PICK_ANY, NOW, 2), NOW);
  retry_at(queue, take_ticket(queue, PE_PICK_ANY, NOW, 3), NOW);
  retry_at(queue, take_ticket(queue, PE_PICK_ANY, NOW, 1), NOW + PE_SECOND);
  deliver(queue, take_ticket(queue, PE_PICK_ANY, NOW, 2));
  assert_int_equal(take_at(queue, PE_PICK_DUE, NOW, NULL), 0); /* the hold is over: the oldest again, in its time */
  deliver(queue, take_ticket(queue, PE_PICK_DUE, NOW + PE_SECOND, 1));
  deliver(queue, take_ticket(queue, PE_PICK_DUE, NOW + PE_SECOND, 3));
  pe_queue_free(queue);
}

/* ---- events that drew a hold ---- */

static void draw_at(pe_queue *queue, pe_record *record, uint8_t draws, uint32_t transfer, int64_t due) {
  record->draws = draws;
  record->drawn_by = transfer;
  retry_at(queue, record, due);
}

static void deliver_by(pe_queue *queue, pe_record *record, uint32_t transfer, int64_t now) {
  const pe_queue_answer answer = {200, PE_OK, NULL, transfer};
  pe_queue_end(queue, record, PE_DELIVERED, PE_OK, &answer, now);
  free(record);
}

static void those_that_drew_a_hold_take_turns_with_the_others(void **state) {
  pe_queue *queue = filled(&wide, 9);
  (void)state;
  for (uint64_t i = 1; i <= 3; i++)
    draw_at(queue, take_ticket(queue, PE_PICK_DUE, NOW, i), 1, 1, NOW + (int64_t)i);
  retry_at(queue, take_ticket(queue, PE_PICK_DUE, NOW, 4), NOW + 3);
  (void)take_ticket(queue, PE_PICK_DUE, NOW, 5); /* none is due yet */
  (void)take_ticket(queue, PE_PICK_DUE, NOW + 3, 1);
  (void)take_ticket(queue, PE_PICK_DUE, NOW + 3, 4);
  (void)take_ticket(queue, PE_PICK_DUE, NOW + 3, 2);
  (void)take_ticket(queue, PE_PICK_DUE, NOW + 3, 6);
  (void)take_ticket(queue, PE_PICK_DUE, NOW + 3, 3);
  for (uint64_t i = 7; i <= 9; i++)
    (void)take_ticket(queue, PE_PICK_DUE, NOW + 3, i);
  pe_queue_free(queue);
}

static void they_are_due_when_enough_others_are_delivered(void **state) {
  pe_queue *queue = filled(&wide, 5);
  pe_record *other;
  (void)state;
  draw_at(queue, take_ticket(queue, PE_PICK_DUE, NOW, 1), 1, 10, NOW + PE_SECOND);
  draw_at(queue, take_ticket(queue, PE_PICK_DUE, NOW, 2), 1, 12, NOW + 2 * PE_SECOND);
  retry_at(queue, take_ticket(queue, PE_PICK_DUE, NOW, 3), NOW + 3 * PE_SECOND);
  other = take_ticket(queue, PE_PICK_DUE, NOW, 4);
  deliver_by(queue, take_ticket(queue, PE_PICK_DUE, NOW, 5), 10, NOW);
  assert_int_equal(take_at(queue, PE_PICK_DUE, NOW, NULL), 0);
  assert_int_equal(pe_queue_next(queue, PE_PICK_DUE, NOW, NOW), NOW + PE_SECOND);
  deliver_by(queue, other, 11, NOW + 5);
  assert_int_equal(pe_queue_next(queue, PE_PICK_DUE, NOW, NOW), NOW + 5);
  (void)take_ticket(queue, PE_PICK_DUE, NOW + 5, 1);
  assert_int_equal(pe_queue_next(queue, PE_PICK_DUE, NOW, NOW), NOW + 2 * PE_SECOND);
  (void)take_ticket(queue, PE_PICK_DUE, NOW + 2 * PE_SECOND, 2);
  (void)take_ticket(queue, PE_PICK_DUE, NOW + 3 * PE_SECOND, 3);
  pe_queue_free(queue);
}

static void only_one_never_tried_finds_out_what_a_hold_is_about(void **state) {
  const pe_queue_config configs[] = {wide, with_width(1)};
  (void)state;
  for (int i = 0; i < 2; i++) {
    pe_queue *queue = filled(&configs[i], 2);
    pe_record *record = take_ticket(queue, PE_PICK_FRESH, NOW, 1);
    draw_at(queue, record, 1, 1, NOW);
    if (i == 0) draw_at(queue, take_ticket(queue, PE_PICK_FRESH, NOW, 2), 1, 2, NOW);
    assert_int_equal(take_at(queue, PE_PICK_FRESH, NOW, NULL), 0); /* in order, the second waits for the first */
    assert_int_equal(pe_queue_next(queue, PE_PICK_FRESH, NOW, NOW), INT64_MAX);
    assert_int_equal(pe_queue_sleep(queue, PE_PICK_FRESH, NOW, NOW), INT64_MAX);
    pe_queue_free(queue);
  }
}

static void in_order_none_waits_for_a_suspect(void **state) {
  const pe_queue_config config = with_width(1);
  pe_queue *queue = filled(&config, 5);
  (void)state;
  draw_at(queue, take_ticket(queue, PE_PICK_DUE, NOW, 1), 1, 1, NOW + 5);
  assert_int_equal(take_at(queue, PE_PICK_DUE, NOW, NULL), 0); /* it is none yet */
  draw_at(queue, take_ticket(queue, PE_PICK_DUE, NOW + 5, 1), 2, 5, NOW + PE_SECOND);
  deliver_by(queue, take_ticket(queue, PE_PICK_DUE, NOW + 5, 2), 5, NOW + 5);
  retry_at(queue, take_ticket(queue, PE_PICK_DUE, NOW + 5, 3), NOW + 10);
  assert_int_equal(take_at(queue, PE_PICK_DUE, NOW + 9, NULL), 0); /* the rest keeps its order */
  deliver_by(queue, take_ticket(queue, PE_PICK_DUE, NOW + 10, 3), 6, NOW + 10);
  draw_at(queue, take_ticket(queue, PE_PICK_DUE, NOW + 10, 1), 3, 7, NOW + 10); /* due, and in its turn */
  (void)take_ticket(queue, PE_PICK_DUE, NOW + 10, 4);
  pe_queue_free(queue);
}

static void one_that_drew_a_hold_may_be_dropped(void **state) {
  pe_queue *queue = filled(&wide, 2);
  (void)state;
  draw_at(queue, take_ticket(queue, PE_PICK_DUE, NOW, 1), 1, 1, NOW);
  draw_at(queue, take_ticket(queue, PE_PICK_FRESH, NOW, 2), 1, 2, NOW);
  assert_int_equal(free_list(pe_queue_withdraw(queue, NOW)), 2);
  assert_int_equal(take_at(queue, PE_PICK_DUE, NOW, NULL), 0);
  pe_queue_free(queue);
}

/* ---- what an attempt brought ---- */

static void counts_what_attempts_brought(void **state) {
  pe_queue *queue = filled(&wide, 5);
  pe_counters counters;
  (void)state;
  retry_at(queue, take_ticket(queue, PE_PICK_DUE, NOW, 1), NOW);
  counters = accounted(queue);
  assert_int_equal(counters.replies[5], 1);
  assert_int_equal(counters.last_error, PE_UNAVAILABLE);
  assert_string_equal(counters.last_error_message, "not now");
  assert_true(counters.last_error_at > 0);
  deliver(queue, take_ticket(queue, PE_PICK_DUE, NOW, 1));
  end_with(queue, take_ticket(queue, PE_PICK_DUE, NOW, 2), PE_REJECTED_BY_PLATFORM, PE_REJECTED);
  end_with(queue, take_ticket(queue, PE_PICK_DUE, NOW, 3), PE_UNKNOWN, PE_TIMEOUT);
  end_with(queue, take_ticket(queue, PE_PICK_DUE, NOW, 4), PE_REJECTED_BY_PLATFORM, PE_UNAUTHORIZED);
  counters = accounted(queue);
  assert_int_equal(counters.outcomes[PE_DELIVERED], 1);
  assert_int_equal(counters.outcomes[PE_REJECTED_BY_PLATFORM], 2);
  assert_int_equal(counters.rejected_by[PE_REJECTED], 1);
  assert_int_equal(counters.rejected_by[PE_UNAUTHORIZED], 1);
  assert_int_equal(counters.outcomes[PE_UNKNOWN], 1);
  assert_int_equal(counters.unknown_by[PE_TIMEOUT], 1);
  assert_int_equal(counters.replies[2], 1);
  assert_int_equal(counters.last_error, PE_UNAUTHORIZED);
  assert_int_equal(counters.pending, 1);
  pe_queue_free(queue);
}

static void odd_answers_do_no_harm(void **state) {
  static const long statuses[] = {-100, 0, 99, 600, 999, 2000000000};
  char message[2 * PE_LAST_ERROR_SIZE];
  pe_queue *queue = filled(&wide, 1);
  pe_counters counters;
  (void)state;
  memset(message, 'x', sizeof message);
  message[sizeof message - 1] = '\0';
  for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
    const pe_queue_answer answer = {statuses[i], PE_BAD_REPLY, message, 0};
    pe_queue_retry(queue, take_ticket(queue, PE_PICK_DUE, NOW, 1), NOW, &answer);
  }
  counters = accounted(queue);
  for (int i = 0; i < PE_HTTP_CLASSES; i++)
    assert_int_equal(counters.replies[i], 0);
  assert_int_equal(strlen(counters.last_error_message), PE_LAST_ERROR_SIZE - 1);
  pe_queue_free(queue);
}

static void only_deliveries_have_a_latency(void **state) {
  const pe_queue_answer answer = {200, PE_OK, NULL, 0};
  pe_queue *queue = queue_with(&wide);
  pe_record *record;
  (void)state;
  (void)push_at(queue, "{}", NOW - PE_SECOND);
  (void)push_at(queue, "{}", NOW - PE_SECOND);
  end_with(queue, take_ticket(queue, PE_PICK_DUE, NOW, 1), PE_REJECTED_BY_PLATFORM, PE_REJECTED);
  assert_int_equal(accounted(queue).latency.count, 0);
  record = take_ticket(queue, PE_PICK_DUE, NOW, 2);
  pe_queue_end(queue, record, PE_DELIVERED, PE_OK, &answer, NOW + PE_SECOND);
  free(record);
  assert_int_equal(accounted(queue).latency.count, 1);
  assert_int_equal(accounted(queue).latency.max, 2 * PE_SECOND);
  pe_queue_free(queue);
}

static void what_is_cancelled_stays_pending(void **state) {
  pe_queue *queue = filled(&wide, 2);
  pe_record *first = take_ticket(queue, PE_PICK_DUE, NOW, 1);
  pe_record *second = take_ticket(queue, PE_PICK_DUE, NOW, 2);
  (void)state;
  assert_true(pe_queue_cancel(queue, first, true, NOW));
  assert_true(pe_queue_cancel(queue, second, false, NOW));
  assert_int_equal(accounted(queue).maybe_sent, 1);
  assert_int_equal(accounted(queue).waiting, 2);
  assert_int_equal(pe_queue_flush(queue, 0), 2);
  pe_queue_free(queue);
}

/* ---- too old ---- */

static void expires_what_is_too_old(void **state) {
  const pe_queue_config config = with_max_age(10 * PE_SECOND);
  pe_queue *queue = queue_with(&config);
  pe_record *expired;
  (void)state;
  for (int i = 0; i < 4; i++)
    (void)push_at(queue, "{}", NOW + i * PE_SECOND);
  retry_at(queue, take_ticket(queue, PE_PICK_DUE, NOW, 1), NOW + 100 * PE_SECOND);
  (void)take_ticket(queue, PE_PICK_DUE, NOW, 2); /* in flight: judged when it comes back */
  assert_null(take_expired(queue, NOW + 10 * PE_SECOND - 1));
  assert_int_equal(pe_queue_next(queue, PE_PICK_DUE, INT64_MAX, NOW), NOW + 10 * PE_SECOND);
  expired = take_expired(queue, NOW + 12 * PE_SECOND);
  assert_int_equal(expired->ticket, 1);
  assert_int_equal(expired->newer->ticket, 3);
  assert_int_equal(free_list(expired), 2);
  assert_int_equal(accounted(queue).outcomes[PE_EXPIRED], 2);
  assert_int_equal(free_list(take_expired(queue, NOW + 13 * PE_SECOND)), 1);
  assert_int_equal(accounted(queue).pending, 1);
  assert_int_equal(take_at(queue, PE_PICK_DUE, NOW + 200 * PE_SECOND, NULL), 0); /* 1 is not in the heap any more */
  pe_queue_free(queue);
}

static void one_in_flight_expires_once_it_is_back(void **state) {
  const pe_queue_config config = with_max_age(10 * PE_SECOND);
  pe_queue *queue = filled(&config, 1);
  pe_record *record = take_ticket(queue, PE_PICK_DUE, NOW, 1);
  (void)state;
  assert_null(take_expired(queue, NOW + 20 * PE_SECOND));
  assert_int_equal(pe_queue_next(queue, PE_PICK_DUE, NOW, NOW + 20 * PE_SECOND), INT64_MAX);
  retry_at(queue, record, NOW + 30 * PE_SECOND);
  assert_int_equal(free_list(take_expired(queue, NOW + 20 * PE_SECOND)), 1);
  pe_queue_free(queue);
}

static void time_that_stands_still_does_not_count(void **state) {
  const pe_queue_config config = with_max_age(10 * PE_SECOND);
  pe_queue *queue = filled(&config, 1);
  (void)state;
  pe_queue_pause(queue, true, NOW + 4 * PE_SECOND);
  pe_queue_pause(queue, true, NOW + 50 * PE_SECOND); /* it stands still already */
  (void)push_at(queue, "{}", NOW + 60 * PE_SECOND);
  assert_null(take_expired(queue, NOW + 99 * PE_SECOND));
  assert_int_equal(pe_queue_next(queue, PE_PICK_DUE, INT64_MAX, NOW + 99 * PE_SECOND), INT64_MAX);
  pe_queue_pause(queue, false, NOW + 104 * PE_SECOND); /* 100 s */
  pe_queue_pause(queue, false, NOW + 105 * PE_SECOND);
  (void)push_at(queue, "{}", NOW + 106 * PE_SECOND);
  assert_null(take_expired(queue, NOW + 110 * PE_SECOND - 1));
  assert_int_equal(free_list(take_expired(queue, NOW + 110 * PE_SECOND)), 1);
  pe_queue_pause(queue, true, NOW + 110 * PE_SECOND);
  pe_queue_pause(queue, false, NOW + 111 * PE_SECOND); /* one more, for both */
  assert_null(take_expired(queue, NOW + 115 * PE_SECOND - 1));
  assert_int_equal(free_list(take_expired(queue, NOW + 115 * PE_SECOND)), 1);
  assert_null(take_expired(queue, NOW + 117 * PE_SECOND - 1));
  assert_int_equal(free_list(take_expired(queue, NOW + 117 * PE_SECOND)), 1);
  pe_queue_free(queue);
}

static void without_an_age_nothing_expires(void **state) {
  static const int64_t ages[] = {INT64_MAX, INT64_MAX - 1, INT64_MAX - NOW, INT64_MAX / 2};
  (void)state;
  for (size_t i = 0; i < sizeof ages / sizeof *ages; i++) {
    const pe_queue_config config = with_max_age(ages[i]);
    pe_queue *queue = filled(&config, 2);
    assert_null(take_expired(queue, INT64_MAX / 2));
    assert_true(pe_queue_next(queue, PE_PICK_DUE, INT64_MAX, NOW) > INT64_MAX / 2);
    pe_queue_free(queue);
  }
}

/* ---- when there is something to do ---- */

static void tells_when_it_may_begin(void **state) {
  pe_queue *queue = queue_with(&wide);
  const pe_pick picks[] = {PE_PICK_DUE, PE_PICK_NEW, PE_PICK_ANY};
  (void)state;
  for (int i = 0; i < 3; i++)
    assert_int_equal(pe_queue_next(queue, picks[i], NOW, NOW), INT64_MAX);
  (void)push_at(queue, "{}", NOW);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(pe_queue_next(queue, picks[i], NOW, NOW), NOW);
    assert_int_equal(pe_queue_next(queue, picks[i], NOW + 5, NOW), NOW + 5);
    assert_int_equal(pe_queue_next(queue, picks[i], INT64_MAX, NOW), INT64_MAX);
  }
  retry_at(queue, take_ticket(queue, PE_PICK_DUE, NOW, 1), NOW + 7);
  assert_int_equal(pe_queue_next(queue, PE_PICK_DUE, NOW, NOW), NOW + 7);
  assert_int_equal(pe_queue_next(queue, PE_PICK_NEW, NOW, NOW), NOW + 7);
  assert_int_equal(pe_queue_next(queue, PE_PICK_DUE, NOW + 9, NOW), NOW + 9);
  assert_int_equal(pe_queue_next(queue, PE_PICK_ANY, NOW, NOW), NOW); /* a probe does not wait for its time */
  pe_queue_free(queue);
}

/* Whether the next push wakes the sender, after it has said so. */
static bool push_wakes(pe_queue *queue, pe_pick pick, int64_t begin_at, bool asleep) {
  const pe_event event = event_of("{}");
  pe_push push;
  pe_queue_attend(queue, NOW);
  if (asleep) (void)pe_queue_sleep(queue, pick, begin_at, NOW);
  assert_int_equal(pe_queue_push(queue, &event, NOW, &push), PE_OK);
  return push.wake;
}

static void a_push_wakes_a_sender_once(void **state) {
  const pe_event event = event_of("{}");
  pe_queue *queue = queue_with(&wide);
  pe_push push;
  (void)state;
  assert_true(push_wakes(queue, PE_PICK_DUE, NOW, true));
  assert_int_equal(pe_queue_push(queue, &event, NOW, &push), PE_OK);
  assert_false(push.wake);
  pe_queue_free(queue);
}

static void a_push_wakes_no_sender_that_is_awake(void **state) {
  pe_queue *queue = queue_with(&wide);
  (void)state;
  assert_false(push_wakes(queue, PE_PICK_DUE, NOW, false));
  pe_queue_free(queue);
  queue = queue_with(&wide);
  (void)pe_queue_sleep(queue, PE_PICK_DUE, NOW, NOW);
  assert_false(push_wakes(queue, PE_PICK_DUE, NOW, false)); /* it has taken its word back */
  pe_queue_free(queue);
}

static void a_push_wakes_only_a_sender_that_could_begin(void **state) {
  pe_queue *queue = queue_with(&wide);
  (void)state;
  assert_false(push_wakes(queue, PE_PICK_DUE, INT64_MAX, true)); /* all places are taken */
  assert_false(push_wakes(queue, PE_PICK_DUE, NOW, true));       /* there is something to do: it will not sleep */
  assert_false(push_wakes(queue, PE_PICK_DUE, NOW + 9, true));   /* a gate: it wakes then in any case */
  assert_false(push_wakes(queue, PE_PICK_ANY, NOW + 9, true));
  pe_queue_free(queue);
  queue = filled(&wide, 1);
  retry_at(queue, take_ticket(queue, PE_PICK_DUE, NOW, 1), NOW + 7);
  assert_true(push_wakes(queue, PE_PICK_DUE, NOW, true)); /* before the retry */
  pe_queue_free(queue);
}

static void a_push_wakes_no_sender_that_must_keep_the_order(void **state) {
  const pe_queue_config config = with_width(1);
  pe_queue *queue = queue_with(&config);
  (void)state;
  assert_true(push_wakes(queue, PE_PICK_DUE, NOW, true));
  retry_at(queue, take_ticket(queue, PE_PICK_DUE, NOW, 1), NOW + 7);
  assert_false(push_wakes(queue, PE_PICK_DUE, NOW, true));
  pe_queue_free(queue);
}

static void a_push_wakes_a_sender_that_only_suspects_keep_waiting(void **state) {
  const pe_queue_config config = with_width(1);
  pe_queue *queue = filled(&config, 2);
  (void)state;
  draw_at(queue, take_ticket(queue, PE_PICK_DUE, NOW, 1), 2, 1, NOW + 30 * PE_SECOND);
  draw_at(queue, take_ticket(queue, PE_PICK_DUE, NOW, 2), 2, 2, NOW + 30 * PE_SECOND);
  assert_true(push_wakes(queue, PE_PICK_DUE, NOW, true));
  retry_at(queue, take_ticket(queue, PE_PICK_DUE, NOW, 3), NOW + 30 * PE_SECOND);
  assert_false(push_wakes(queue, PE_PICK_DUE, NOW, true)); /* behind these there is one that keeps the order */
  pe_queue_free(queue);
}

/* Pushes an event into a queue that is full, whose sender sleeps. Returns whether it wakes. */
static bool drop_wakes(pe_queue *queue, uint64_t dropped) {
  const pe_event event = event_of("{}");
  pe_push push;
  (void)pe_queue_sleep(queue, PE_PICK_DUE, NOW, NOW);
  assert_int_equal(pe_queue_push(queue, &event, NOW, &push), PE_OK);
  assert_int_equal(push.dropped->ticket, dropped);
  (void)pe_queue_forget(queue, push.dropped);
  return push.wake;
}

static void a_push_wakes_a_sender_that_waits_for_what_it_dropped(void **state) {
  pe_queue_config config = with_width(1);
  pe_queue *queue;
  (void)state;
  config.max_events = 2;
  config.overflow = PE_OVERFLOW_DROP_OLDEST;
  queue = filled(&config, 2);
  retry_at(queue, take_ticket(queue, PE_PICK_DUE, NOW, 1), NOW + 30 * PE_SECOND);
  assert_true(drop_wakes(queue, 1));
  assert_false(drop_wakes(queue, 2)); /* that one kept nobody waiting: the sender is on its way */
  (void)take_ticket(queue, PE_PICK_DUE, NOW, 3);
  pe_queue_free(queue);
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(takes_them_in_the_order_of_acceptance),
                                     TEST(takes_a_retry_when_it_is_due_and_then_first),
                                     TEST(none_begins_while_an_older_one_is_pending_in_order),
                                     TEST(a_probe_of_a_cooling_endpoint_is_a_new_event),
                                     TEST(every_probe_of_a_held_endpoint_is_another_event),
                                     TEST(in_order_the_oldest_is_probed_three_times),
                                     TEST(those_that_drew_a_hold_take_turns_with_the_others),
                                     TEST(they_are_due_when_enough_others_are_delivered),
                                     TEST(only_one_never_tried_finds_out_what_a_hold_is_about),
                                     TEST(in_order_none_waits_for_a_suspect),
                                     TEST(one_that_drew_a_hold_may_be_dropped),
                                     TEST(counts_what_attempts_brought),
                                     TEST(odd_answers_do_no_harm),
                                     TEST(only_deliveries_have_a_latency),
                                     TEST(what_is_cancelled_stays_pending),
                                     TEST(expires_what_is_too_old),
                                     TEST(one_in_flight_expires_once_it_is_back),
                                     TEST(time_that_stands_still_does_not_count),
                                     TEST(without_an_age_nothing_expires),
                                     TEST(tells_when_it_may_begin),
                                     TEST(a_push_wakes_a_sender_once),
                                     TEST(a_push_wakes_no_sender_that_is_awake),
                                     TEST(a_push_wakes_only_a_sender_that_could_begin),
                                     TEST(a_push_wakes_no_sender_that_must_keep_the_order),
                                     TEST(a_push_wakes_a_sender_that_only_suspects_keep_waiting),
                                     TEST(a_push_wakes_a_sender_that_waits_for_what_it_dropped)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
