/* The queue, from the side of an owner that waits: for room, and for the end of all. */
#include "queue/queue.h"

#include "base/thread.h"
#include "events.h"
#include "queue/queue_private.h"

enum { FEW = 4, BODY = 100 };

static const int64_t LONG_ENOUGH = 20 * PE_SECOND; /* only a test that fails waits for so long */

static pe_queue *waiting_queue(int64_t wait) {
  const pe_queue_config config = {.max_events = FEW,
                                  .max_bytes = FEW * (offsetof(pe_record, data) + BODY),
                                  .overflow = PE_OVERFLOW_WAIT,
                                  .wait = wait,
                                  .max_age = INT64_MAX,
                                  .width = 16};
  return queue_with(&config);
}

static void fill(pe_queue *queue, int count) {
  for (int i = 0; i < count; i++)
    (void)push_at(queue, "{}", NOW);
}

static pe_error try_to_push(pe_queue *queue, size_t body_size) {
  static const char body[1000];
  const pe_event event = {.body = body, .body_size = body_size};
  pe_push push;
  pe_error error = pe_queue_push(queue, &event, NOW, &push);
  assert_int_equal(push.ticket > 0, error == PE_OK);
  (void)accounted(queue);
  return error;
}

/* ---- for room ---- */

static void gives_up_in_time(void **state) {
  pe_queue *queue = waiting_queue(20 * PE_MILLISECOND);
  int64_t start;
  (void)state;
  fill(queue, FEW);
  start = pe_clock_monotonic();
  assert_int_equal(try_to_push(queue, 2), PE_QUEUE_FULL);
  assert_true(pe_clock_monotonic() - start >= 20 * PE_MILLISECOND);
  assert_int_equal(accounted(queue).refused[PE_QUEUE_FULL], 1);
  pe_queue_free(queue);
}

static void does_not_wait_for_room_that_cannot_come(void **state) {
  pe_queue *queue = waiting_queue(LONG_ENOUGH);
  int64_t start = pe_clock_monotonic();
  (void)state;
  assert_int_equal(try_to_push(queue, FEW * (BODY + offsetof(pe_record, data))), PE_QUEUE_FULL);
  assert_true(pe_clock_monotonic() - start < LONG_ENOUGH / 2);
  pe_queue_free(queue);
}

/* What another thread does while the test waits. */
typedef struct helper {
  pe_queue *queue;
  pe_record *record;
} helper;

static void end_one(pe_queue *queue, pe_record *record, int64_t now) {
  const pe_queue_answer answer = {200, PE_OK, NULL, 0};
  pe_queue_end(queue, record, PE_DELIVERED, PE_OK, &answer, now);
  free(record);
}

static void *deliver_all(void *user) {
  helper *self = user;
  while (self->record) {
    end_one(self->queue, self->record, NOW);
    self->record = pe_queue_take(self->queue, PE_PICK_DUE, NOW);
  }
  return NULL;
}

static void *close_queue(void *user) {
  helper *self = user;
  pe_queue_close(self->queue);
  return NULL;
}

static void is_woken_when_there_is_room(void **state) {
  helper other = {.queue = waiting_queue(LONG_ENOUGH)};
  int64_t start = pe_clock_monotonic();
  pe_thread thread;
  (void)state;
  for (int round = 0; round < 50; round++) {
    fill(other.queue, FEW);
    other.record = pe_queue_take(other.queue, PE_PICK_DUE, NOW);
    assert_true(pe_thread_start(&thread, deliver_all, &other));
    fill(other.queue, FEW);
    pe_thread_join(thread);
    other.record = pe_queue_take(other.queue, PE_PICK_DUE, NOW);
    (void)deliver_all(&other);
  }
  assert_true(pe_clock_monotonic() - start < LONG_ENOUGH);
  assert_int_equal(accounted(other.queue).outcomes[PE_DELIVERED], 50 * 2 * FEW);
  pe_queue_free(other.queue);
}

/* An owner asks the clock just before it waits for room, with the queue's lock held: whoever gets the lock after that
 * finds it waiting. */
static __thread bool is_owner;
static bool owner_waits; /* atomic */

static int64_t watched_monotonic(void) {
  struct timespec now;
  if (is_owner) __atomic_store_n(&owner_waits, true, __ATOMIC_RELAXED);
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * PE_SECOND + now.tv_nsec;
}

static int64_t no_wall(void) {
  return 0;
}

static void no_sleep(int64_t nanoseconds) {
  (void)nanoseconds;
}

static void *push_as_owner(void *user) {
  helper *self = user;
  const pe_event event = event_of("{}");
  pe_push push;
  is_owner = true;
  (void)pe_queue_push(self->queue, &event, NOW, &push);
  __atomic_store_n(&owner_waits, false, __ATOMIC_RELAXED);
  return NULL;
}

/* One place is free, and the sender has nothing more to do for long: it looks again for the owner's sake, soon. */
static void is_told_of_a_single_place(void **state) {
  static const pe_clock watched = {no_wall, watched_monotonic, no_sleep};
  helper other = {.queue = waiting_queue(LONG_ENOUGH)};
  pe_thread thread;
  pe_record *record;
  int64_t start = pe_clock_monotonic(), now;
  (void)state;
  fill(other.queue, FEW);
  for (int i = 1; i < FEW; i++) {
    (void)take_at(other.queue, PE_PICK_DUE, NOW, &record);
    retry_at(other.queue, record, INT64_MAX - 1);
  }
  (void)take_at(other.queue, PE_PICK_DUE, NOW, &record);
  pe_clock_use(&watched);
  assert_true(pe_thread_start(&thread, push_as_owner, &other));
  while (!__atomic_load_n(&owner_waits, __ATOMIC_RELAXED))
    continue;
  now = pe_clock_monotonic();
  end_one(other.queue, record, now);
  while (__atomic_load_n(&owner_waits, __ATOMIC_RELAXED)) {
    int64_t next;
    pe_queue_attend(other.queue, now);
    next = pe_queue_sleep(other.queue, PE_PICK_DUE, now, now);
    if (next == INT64_MAX - 1) break; /* the owner has been told */
    assert_true(next <= now + 5 * PE_MILLISECOND);
    now = next > now ? next : now;
  }
  pe_thread_join(thread);
  assert_true(pe_clock_monotonic() - start < LONG_ENOUGH / 2);
  pe_clock_use(NULL);
  assert_int_equal(accounted(other.queue).accepted, FEW + 1);
  pe_queue_free(other.queue);
}

/* The clock stands still until somebody moves it. */
static int64_t stopped_at; /* atomic */

static int64_t stopped(void) {
  return __atomic_load_n(&stopped_at, __ATOMIC_RELAXED);
}

static bool somebody_waits(pe_queue *queue) {
  bool waits;
  pe_mutex_lock(&queue->lock);
  waits = queue->wants_room;
  pe_mutex_unlock(&queue->lock);
  return waits;
}

/* A gate that is closed for ten seconds while the owner waits. */
static void *pause_and_deliver(void *user) {
  helper *self = user;
  while (!somebody_waits(self->queue))
    continue;
  pe_queue_pause(self->queue, true, stopped());
  (void)__atomic_add_fetch(&stopped_at, 10 * PE_SECOND, __ATOMIC_RELAXED);
  pe_queue_pause(self->queue, false, stopped());
  end_one(self->queue, self->record, stopped());
  return NULL;
}

static void b1_the_age_of_one_that_waited_for_room_begins_then(void **state) {
  static const pe_clock clock = {stopped, stopped, no_sleep};
  const pe_queue_config config = {.max_events = 1,
                                  .max_bytes = SIZE_MAX,
                                  .overflow = PE_OVERFLOW_WAIT,
                                  .wait = LONG_ENOUGH,
                                  .max_age = 2 * PE_SECOND,
                                  .width = 16};
  helper other = {queue_with(&config), NULL};
  pe_thread thread;
  (void)state;
  pe_clock_use(&clock);
  (void)push_at(other.queue, "{}", stopped());
  other.record = pe_queue_take(other.queue, PE_PICK_DUE, stopped());
  assert_true(pe_thread_start(&thread, pause_and_deliver, &other));
  (void)push_at(other.queue, "{}", stopped());
  pe_thread_join(thread);
  assert_null(pe_queue_take_expired(other.queue, stopped() + 2 * PE_SECOND - 1));
  other.record = pe_queue_take_expired(other.queue, stopped() + 2 * PE_SECOND);
  assert_non_null(other.record);
  pe_queue_end(other.queue, other.record, PE_EXPIRED, PE_OK, NULL, stopped());
  free(other.record);
  pe_queue_free(other.queue);
  pe_clock_use(NULL);
}

static void is_woken_by_close(void **state) {
  int64_t start = pe_clock_monotonic();
  (void)state;
  for (int round = 0; round < 50; round++) {
    helper other = {.queue = waiting_queue(LONG_ENOUGH)};
    pe_thread thread;
    fill(other.queue, FEW);
    assert_true(pe_thread_start(&thread, close_queue, &other));
    assert_int_equal(try_to_push(other.queue, 2), PE_CLOSED);
    pe_thread_join(thread);
    pe_queue_free(other.queue);
  }
  assert_true(pe_clock_monotonic() - start < LONG_ENOUGH);
}

/* ---- for the end of all ---- */

static void a_flush_tells_what_is_left(void **state) {
  pe_queue *queue = waiting_queue(0);
  pe_record *record;
  int64_t start;
  (void)state;
  assert_int_equal(pe_queue_flush(queue, INT64_MAX), 0);
  fill(queue, 3);
  assert_int_equal(pe_queue_flush(queue, 0), 3);
  assert_int_equal(pe_queue_flush(queue, -5), 3);
  (void)take_at(queue, PE_PICK_DUE, NOW, &record);
  start = pe_clock_monotonic();
  assert_int_equal(pe_queue_flush(queue, 20 * PE_MILLISECOND), 3); /* in flight is not over */
  assert_true(pe_clock_monotonic() - start >= 20 * PE_MILLISECOND);
  retry_at(queue, record, NOW);
  assert_int_equal(pe_queue_flush(queue, 0), 3);
  pe_queue_free(queue);
}

static void a_flush_waits_for_the_last(void **state) {
  int64_t start = pe_clock_monotonic();
  (void)state;
  for (int round = 0; round < 50; round++) {
    helper other = {.queue = waiting_queue(0)};
    pe_thread thread;
    fill(other.queue, FEW);
    other.record = pe_queue_take(other.queue, PE_PICK_DUE, NOW);
    assert_true(pe_thread_start(&thread, deliver_all, &other));
    assert_int_equal(pe_queue_flush(other.queue, round % 2 ? INT64_MAX : LONG_ENOUGH), 0);
    pe_thread_join(thread);
    pe_queue_free(other.queue);
  }
  assert_true(pe_clock_monotonic() - start < LONG_ENOUGH);
}

/* As in a program: what was dropped to make room, or has expired, is settled too. */
static void *expire_all(void *user) {
  helper *self = user;
  (void)free_list(take_expired(self->queue, INT64_MAX));
  return NULL;
}

static void a_flush_ends_with_what_expires(void **state) {
  const pe_queue_config config = {.max_events = FEW, .max_bytes = 1 << 20, .max_age = PE_SECOND, .width = 16};
  helper other = {.queue = queue_with(&config)};
  pe_thread thread;
  (void)state;
  fill(other.queue, FEW);
  assert_true(pe_thread_start(&thread, expire_all, &other));
  assert_int_equal(pe_queue_flush(other.queue, LONG_ENOUGH), 0);
  pe_thread_join(thread);
  pe_queue_free(other.queue);
}

typedef struct flusher {
  pe_queue *queue;
  uint64_t remaining;
  bool done; /* atomic */
} flusher;

static void *flush(void *user) {
  flusher *self = user;
  self->remaining = pe_queue_flush(self->queue, LONG_ENOUGH);
  __atomic_store_n(&self->done, true, __ATOMIC_RELEASE);
  return NULL;
}

/* There is always an event in the queue, and always another one. */
static void a_flush_is_not_kept_by_what_comes_later(void **state) {
  flusher other = {.queue = waiting_queue(0), .remaining = 1};
  pe_thread thread;
  pe_record *record;
  (void)state;
  fill(other.queue, 1);
  assert_true(pe_thread_start(&thread, flush, &other));
  while (!__atomic_load_n(&other.done, __ATOMIC_ACQUIRE)) {
    fill(other.queue, 1);
    assert_true(take_at(other.queue, PE_PICK_DUE, NOW, &record) > 0);
    end_one(other.queue, record, NOW);
  }
  pe_thread_join(thread);
  assert_int_equal(other.remaining, 0);
  assert_int_equal(accounted(other.queue).pending, 1);
  pe_queue_free(other.queue);
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(gives_up_in_time),
                                     TEST(does_not_wait_for_room_that_cannot_come),
                                     TEST(is_woken_when_there_is_room),
                                     TEST(is_told_of_a_single_place),
                                     TEST(b1_the_age_of_one_that_waited_for_room_begins_then),
                                     TEST(is_woken_by_close),
                                     TEST(a_flush_tells_what_is_left),
                                     TEST(a_flush_waits_for_the_last),
                                     TEST(a_flush_ends_with_what_expires),
                                     TEST(a_flush_is_not_kept_by_what_comes_later)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
