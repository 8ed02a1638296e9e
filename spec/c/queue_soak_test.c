/* The queue under whatever order of calls chance brings: against a model, on one thread; and between an owner, a sender
 * and a watcher, each a thread. */
#include "queue/queue.h"

#include "base/thread.h"
#include "events.h"
#include "numbers.h"

enum { STEPS = 40000, WIDTH = 5, EVENTS = 20000 };

/* ---- one thread, against a model ---- */

/* What is known of the queue from its answers alone. */
typedef struct model {
  pe_queue *queue;
  pe_queue_config config;
  numbers random;
  int64_t now;
  pe_record *in_flight[WIDTH];
  size_t in_flight_count;
  uint64_t accepted, refused, filtered, passed, ended, pending, bytes;
} model;

static void compare(const model *self) {
  pe_counters counters = accounted(self->queue);
  assert_int_equal(counters.calls, self->accepted + self->refused + self->filtered);
  assert_int_equal(counters.accepted, self->accepted);
  assert_int_equal(counters.filtered, self->filtered);
  assert_int_equal(counters.pending, self->pending);
  assert_int_equal(counters.in_flight, self->in_flight_count);
  assert_int_equal(counters.pending_bytes, self->bytes);
  assert_true(self->pending <= self->config.max_events);
  assert_true(self->bytes <= self->config.max_bytes);
}

/* Forgets records that the queue gave up; none of them may be in flight. */
static void forget(model *self, pe_record *record) {
  uint64_t last = 0;
  while (record) {
    pe_record *newer = record->newer;
    assert_true(record->ticket > last);
    last = record->ticket;
    for (size_t i = 0; i < self->in_flight_count; i++)
      assert_ptr_not_equal(self->in_flight[i], record);
    self->pending--;
    self->bytes -= pe_record_bytes(record);
    free(record);
    record = newer;
  }
}

static void push(model *self) {
  static const char text[400];
  const pe_event event = {text, text, text, below(&self->random, 400), below(&self->random, 40), 7, 0};
  size_t bytes = offsetof(pe_record, data) + event.body_size + event.id_size + 7;
  bool fits = self->pending < self->config.max_events && self->bytes + bytes <= self->config.max_bytes;
  pe_push result;
  pe_error error = pe_queue_push(self->queue, &event, self->now, &result);

  forget(self, result.dropped);
  if (error == PE_OK) {
    self->accepted++;
    self->pending++;
    self->bytes += bytes;
    assert_int_equal(result.ticket, self->accepted);
    assert_int_equal(fits, !result.dropped);
  } else {
    self->refused++;
    assert_false(fits);
  }
}

static void take(model *self) {
  static const pe_pick picks[] = {PE_PICK_DUE, PE_PICK_DUE, PE_PICK_NEW, PE_PICK_ANY};
  pe_record *record;
  if (self->in_flight_count == self->config.width) return;
  record = pe_queue_take(self->queue, picks[below(&self->random, 4)], self->now);
  if (record) self->in_flight[self->in_flight_count++] = record;
}

static void give_back(model *self) {
  const pe_queue_answer answer = {below(&self->random, 2) ? 503 : 0, PE_UNAVAILABLE, "no", 0};
  size_t i = below(&self->random, WIDTH);
  pe_record *record;

  if (i >= self->in_flight_count) return;
  record = self->in_flight[i];
  self->in_flight[i] = self->in_flight[--self->in_flight_count];
  switch (below(&self->random, 4)) {
  case 0:
    assert_true(pe_queue_retry(self->queue, record, self->now + (int64_t)below(&self->random, 500), &answer));
    break;
  case 1: assert_true(pe_queue_cancel(self->queue, record, below(&self->random, 2), self->now)); break;
  default:
    pe_queue_end(self->queue, record, (pe_outcome)below(&self->random, PE_OUTCOME_COUNT), PE_UNAVAILABLE, &answer,
                 self->now);
    record->newer = NULL;
    forget(self, record);
    break;
  }
}

static void look(model *self) {
  int64_t begin_at = below(&self->random, 3) ? self->now + (int64_t)below(&self->random, 3) : INT64_MAX;
  int64_t next =
      (below(&self->random, 2) ? pe_queue_sleep : pe_queue_next)(self->queue, PE_PICK_DUE, begin_at, self->now);
  pe_record *expired = take_expired(self->queue, self->now);
  bool some = expired != NULL;

  forget(self, expired);
  if (some) assert_true(next <= self->now);
  /* Whoever comes at the time that it told finds something to do. */
  if (next == INT64_MAX || self->in_flight_count == self->config.width) return;
  self->now = next > self->now ? next : self->now;
  expired = take_expired(self->queue, self->now);
  some = some || expired;
  forget(self, expired);
  if (!some) {
    pe_record *record = pe_queue_take(self->queue, PE_PICK_DUE, self->now);
    assert_non_null(record);
    self->in_flight[self->in_flight_count++] = record;
  }
}

static void pass_or_refuse(model *self) {
  const pe_event event = event_of("{}");
  pe_record *record;
  switch (below(&self->random, 3)) {
  case 0:
    assert_int_equal(pe_queue_pass(self->queue, &event, self->now, &record), PE_OK);
    self->accepted++;
    free(record);
    break;
  case 1:
    pe_queue_refuse(self->queue, PE_FILTERED);
    self->filtered++;
    break;
  default:
    pe_queue_refuse(self->queue, PE_INVALID_EVENT);
    self->refused++;
    break;
  }
}

static void soak(const pe_queue_config *config, uint64_t seed) {
  model self = {.config = *config, .random = {seed}, .now = NOW};

  self.queue = queue_with(config);
  for (int step = 0; step < STEPS; step++) {
    size_t what = below(&self.random, 100);
    self.now += (int64_t)below(&self.random, 10);
    if (what < 40)
      push(&self);
    else if (what < 65)
      take(&self);
    else if (what < 85)
      give_back(&self);
    else if (what < 93)
      look(&self);
    else if (what < 97)
      pass_or_refuse(&self);
    else
      pe_queue_pause(self.queue, below(&self.random, 2), self.now);
    compare(&self);
    assert_int_equal(pe_queue_flush(self.queue, 0), self.pending);
  }
  pe_queue_free(self.queue);
}

static void keeps_its_accounts(void **state) {
  static const pe_overflow policies[] = {PE_OVERFLOW_REJECT, PE_OVERFLOW_DROP_OLDEST, PE_OVERFLOW_WAIT};
  (void)state;
  for (size_t i = 0; i < 6; i++) {
    const pe_queue_config config = {.max_events = i % 2 ? 30 : 1000,
                                    .max_bytes = 8000,
                                    .overflow = policies[i / 2],
                                    .max_age = 1000,
                                    .width = i % 2 ? WIDTH : 1};
    soak(&config, i + 1);
  }
}

/* ---- threads ---- */

/* A sender that sleeps until it is woken, as the real one does. */
typedef struct sender {
  pe_queue *queue;
  pe_mutex lock;
  pe_cond bell;
  /* guarded by lock */
  bool rung, stops;
  /* the sender's */
  size_t width;
  numbers random;
  uint64_t overslept, out_of_order, unbalanced;
} sender;

static void ring(sender *self, bool stops) {
  pe_mutex_lock(&self->lock);
  self->rung = true;
  self->stops = self->stops || stops;
  pe_cond_broadcast(&self->bell);
  pe_mutex_unlock(&self->lock);
}

/* Sleeps until that time or the bell. A sleep without an end that nobody ends would be a lost wake-up. Returns false
 * when the sender is to stop. */
static bool rest(sender *self, int64_t next) {
  int64_t until = next == INT64_MAX ? pe_clock_monotonic() + 10 * PE_SECOND : next;
  int64_t left = until - pe_clock_monotonic();
  bool stops;

  pe_mutex_lock(&self->lock);
  while (!self->rung && left > 0) {
    (void)pe_cond_wait(&self->bell, &self->lock, left);
    left = until - pe_clock_monotonic();
  }
  if (!self->rung && next == INT64_MAX) self->overslept++;
  self->rung = false;
  stops = self->stops;
  pe_mutex_unlock(&self->lock);
  return !stops;
}

/* Ends most of what is in flight, and gives some back. */
static void settle(sender *self, pe_record **in_flight, size_t *count, uint64_t *last) {
  int64_t now = pe_clock_monotonic();
  while (*count > 0) {
    pe_record *record = in_flight[--*count];
    const pe_queue_answer answer = {200, PE_OK, NULL, 0};
    const pe_queue_answer trouble = {503, PE_UNAVAILABLE, "no", 0};
    if (below(&self->random, 20) == 0) {
      pe_queue_retry(self->queue, record, now + (int64_t)below(&self->random, 100000), &trouble);
      continue;
    }
    if (self->width == 1 && record->ticket <= *last) self->out_of_order++;
    *last = record->ticket;
    pe_queue_end(self->queue, record, PE_DELIVERED, PE_OK, &answer, now);
    free(record);
  }
}

static void *send_all(void *user) {
  sender *self = user;
  pe_record *in_flight[WIDTH];
  size_t count = 0;
  uint64_t last = 0;
  bool had_work = false;
  int64_t next;

  do {
    int64_t now = pe_clock_monotonic();
    while (count < self->width && (in_flight[count] = pe_queue_take(self->queue, PE_PICK_DUE, now))) {
      count++;
      had_work = true;
    }
    settle(self, in_flight, &count, &last);
    now = pe_clock_monotonic();
    pe_queue_attend(self->queue, now);
    next = (had_work ? pe_queue_next : pe_queue_sleep)(self->queue, PE_PICK_DUE, now, now);
    if (had_work && next > now + PE_MILLISECOND) next = now + PE_MILLISECOND; /* looks again before it says so */
    had_work = false;
  } while (rest(self, next));
  return NULL;
}

/* Checks the equations from a third thread for as long as the sender works. */
static void *watch(void *user) {
  sender *self = user;
  bool stops = false;
  while (!stops) {
    pe_counters counters;
    bool holds;
    pe_queue_snapshot(self->queue, &counters);
    check_equations(&counters, &holds);
    if (!holds) self->unbalanced++;
    pe_mutex_lock(&self->lock);
    stops = self->stops;
    pe_mutex_unlock(&self->lock);
  }
  return NULL;
}

/* Returns how many were dropped. */
static uint64_t push_all(sender *self, numbers *random) {
  uint64_t dropped = 0;
  for (int i = 0; i < EVENTS; i++) {
    const pe_event event = event_of("{\"event_name\":\"be_reserved\"}");
    pe_push push;
    pe_error error = pe_queue_push(self->queue, &event, pe_clock_monotonic(), &push);
    if (error != PE_OK) assert_int_equal(error, PE_QUEUE_FULL);
    if (push.wake) ring(self, false);
    dropped += free_list(push.dropped);
    if (below(random, 2000) == 0) assert_int_equal(pe_queue_flush(self->queue, 20 * PE_SECOND), 0);
  }
  assert_int_equal(pe_queue_flush(self->queue, 20 * PE_SECOND), 0);
  return dropped;
}

static void run_threads(const pe_queue_config *config) {
  sender self = {.queue = queue_with(config), .width = config->width, .random = {5}};
  pe_thread thread, watcher;
  pe_counters counters;
  uint64_t dropped;

  assert_true(pe_mutex_init(&self.lock));
  assert_true(pe_cond_init(&self.bell));
  assert_true(pe_thread_start(&thread, send_all, &self));
  assert_true(pe_thread_start(&watcher, watch, &self));
  dropped = push_all(&self, &(numbers){17});
  ring(&self, true);
  pe_thread_join(thread);
  pe_thread_join(watcher);
  counters = accounted(self.queue);
  assert_int_equal(self.overslept, 0);
  assert_int_equal(self.out_of_order, 0);
  assert_int_equal(self.unbalanced, 0);
  assert_int_equal(counters.calls, EVENTS);
  assert_int_equal(counters.outcomes[PE_DROPPED], dropped);
  assert_int_equal(counters.outcomes[PE_DELIVERED], EVENTS - counters.refused[PE_QUEUE_FULL] - dropped);
  if (config->overflow == PE_OVERFLOW_WAIT) assert_int_equal(counters.refused[PE_QUEUE_FULL], 0);
  pe_queue_free(self.queue);
  pe_cond_destroy(&self.bell);
  pe_mutex_destroy(&self.lock);
}

static void no_event_and_no_wake_up_is_lost(void **state) {
  static const pe_overflow policies[] = {PE_OVERFLOW_REJECT, PE_OVERFLOW_DROP_OLDEST, PE_OVERFLOW_WAIT};
  (void)state;
  for (int i = 0; i < 6; i++) {
    const pe_queue_config config = {.max_events = 100,
                                    .max_bytes = 1 << 20,
                                    .overflow = policies[i / 2],
                                    .wait = 20 * PE_SECOND,
                                    .max_age = INT64_MAX,
                                    .width = i % 2 ? WIDTH : 1};
    run_threads(&config);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(keeps_its_accounts), TEST(no_event_and_no_wake_up_is_lost)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
