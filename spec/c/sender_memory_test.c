/* Out of memory at every allocation that a delivery takes on the sender's thread, in turn, and at many at once: no
 * event is lost, and when there is memory again all are delivered. A submission is answered whatever happens. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "delivery/sender.h"
#include "events.h"
#include "failing_malloc.h"
#include "loop.h"
#include "sending.h"
#include "server.h"

enum { EVENTS = 4, MANY = 1 << 20 };

static const int64_t LONG_ENOUGH = 20 * PE_SECOND; /* only a test that fails waits for so long */

static const int64_t codes[] = {1100};
static const pe_http_credentials credentials = {.authorization = "good"};

static server platform;
static pe_http_plan *plan;

/* The real time, which the test puts forward: an endpoint that seems to fail is left alone for a while. */
static int64_t ahead; /* atomic; nanoseconds */

static int64_t monotonic(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * PE_SECOND + now.tv_nsec + __atomic_load_n(&ahead, __ATOMIC_RELAXED);
}

static void no_sleep(int64_t nanoseconds) {
  (void)nanoseconds;
}

typedef struct fixture {
  pe_queue *queue;
  pe_results *results;
  pe_sender *sender;
} fixture;

static pe_error start(fixture *self, long failing) {
  const pe_queue_config queue = {.max_events = 100, .max_bytes = 1 << 20, .max_age = INT64_MAX, .width = 2};
  pe_sender_config config = {.plan = plan,
                             .post = {.accept = {codes, 1}, .timeout = LONG_ENOUGH},
                             .max_posts = 2,
                             .max_in_flight = 2,
                             .policy = {.retry = {PE_MILLISECOND, PE_MILLISECOND}, .retry_ambiguous = true}};
  pe_error error;
  self->sender = NULL;
  assert_int_equal(pe_queue_new(&queue, &self->queue), PE_OK);
  assert_int_equal(pe_results_new(100, &self->results), PE_OK);
  config.queue = self->queue;
  config.results = self->results;
  failing_malloc_at(failing);
  error = pe_sender_start(&config, credentials, &self->sender);
  if (failing == 0) assert_int_equal(error, PE_OK);
  return error;
}

static void end(fixture *self) {
  if (self->sender) assert_true(stop_sender(self->sender));
  pe_queue_free(self->queue);
  pe_results_free(self->results);
}

static void push_all(fixture *self) {
  for (unsigned i = 0; i < EVENTS; i++) {
    char body[64];
    pe_event event = {.body = body};
    pe_push push;
    server_body(body, sizeof body, i);
    event.body_size = strlen(body);
    assert_int_equal(pe_queue_push(self->queue, &event, pe_clock_monotonic(), &push), PE_OK);
    if (push.wake) pe_sender_wake(self->sender);
  }
}

/* Waits for `seconds` of the sender's time at most. Returns how many events are pending. */
static uint64_t wait_for(fixture *self, int seconds) {
  uint64_t pending = pe_queue_flush(self->queue, 5 * PE_MILLISECOND);
  for (int i = 0; i < seconds && pending > 0; i++) {
    (void)__atomic_add_fetch(&ahead, PE_SECOND, __ATOMIC_RELAXED);
    pe_sender_wake(self->sender);
    pending = pe_queue_flush(self->queue, 5 * PE_MILLISECOND);
    (void)accounted(self->queue);
  }
  return pending;
}

/* Every delivery has its result, or that is counted as lost. */
static void assert_results(fixture *self) {
  uint64_t lost;
  size_t count = pe_results_count(self->results, &lost);
  assert_int_equal(count + lost, EVENTS);
}

/* Delivers with the nth allocation of the sender's thread failing, and those behind it; returns whether one failed. */
static bool attempt(long n, long count) {
  fixture self;
  unsigned before = server_total(&platform);
  bool failed;

  (void)start(&self, 0);
  failing_malloc_elsewhere_at(n, count);
  push_all(&self);
  if (count == MANY) { /* nothing gets through, and nothing is lost */
    (void)wait_for(&self, 3);
    (void)accounted(self.queue);
    assert_int_equal(accounted(self.queue).outcomes[PE_DELIVERED] + accounted(self.queue).pending, EVENTS);
    (void)failing_malloc_end();
  }
  assert_int_equal(wait_for(&self, 1000), 0);
  failed = failing_malloc_end();
  assert_int_equal(accounted(self.queue).outcomes[PE_DELIVERED], EVENTS);
  assert_results(&self);
  assert_true(server_total(&platform) - before >= EVENTS);
  if (!failed) assert_int_equal(server_total(&platform) - before, EVENTS);
  end(&self);
  return failed;
}

static void a_sender_starts_or_leaves_nothing(void **state) {
  bool failed = true;
  (void)state;
  assert_false(attempt(0, 0)); /* what libraries allocate once and keep */
  for (long n = 1; failed; n++) {
    long before = failing_malloc_live();
    fixture self;
    pe_error error = start(&self, n);
    failed = failing_malloc_end();
    assert_int_equal(error, failed ? PE_NO_MEMORY : PE_OK);
    end(&self);
    if (failed) assert_int_equal(failing_malloc_live(), before);
    assert_true(n < 1000);
  }
}

static void every_allocation_of_a_delivery_may_fail(void **state) {
  long n = 1;
  (void)state;
  while (attempt(n, 1))
    n++;
  assert_true(n > 50);
}

static void all_of_them_may_fail_for_a_while(void **state) {
  (void)state;
  for (long n = 1; n < 300; n += 37)
    (void)attempt(n, MANY);
}

/* Posts submissions with the nth allocation of the sender's thread failing, and those behind it; returns whether one
 * failed. */
static bool attempt_requests(loop *reader, long n, long count) {
  fixture self;
  unsigned before = server_total(&platform);
  unsigned delivered = 0;
  bool failed;

  (void)start(&self, 0);
  failing_malloc_elsewhere_at(n, count);
  for (unsigned i = 0; i < EVENTS; i++) {
    char body[64];
    pe_submission *submission;
    server_body(body, sizeof body, i);
    submission = pe_submission_new(reader->waker, i, body, strlen(body));
    assert_non_null(submission);
    submission->begun_at = pe_clock_monotonic();
    submission->deadline = submission->begun_at + LONG_ENOUGH;
    assert_int_equal(pe_sender_submit(self.sender, submission, EVENTS), PE_OK);
  }
  for (unsigned i = 0; i < EVENTS; i++) {
    pe_submission *submission = loop_next(reader);
    if (submission->result.last.error == PE_OK) delivered++;
    if (submission->result.last.error == PE_NO_MEMORY)
      assert_int_equal(submission->result.last.transfer.sent, PE_SENT_NO);
    pe_submission_free(submission);
  }
  failed = failing_malloc_end();
  assert_true(delivered <= server_total(&platform) - before);
  assert_true(delivered == EVENTS || failed);
  end(&self);
  return failed;
}

static void every_allocation_of_a_request_may_fail(void **state) {
  long n = 1;
  loop reader;
  (void)state;
  loop_start(&reader);
  while (attempt_requests(&reader, n, 1))
    n++;
  assert_true(n > 50);
  for (n = 1; n < 300; n += 37)
    (void)attempt_requests(&reader, n, MANY);
  loop_end(&reader);
}

static void results_that_cannot_be_made_are_counted(void **state) {
  const pe_result_words words = {0, NULL, "trouble"};
  pe_results *results;
  uint64_t lost;
  (void)state;
  assert_int_equal(pe_results_new(4, &results), PE_OK);
  failing_malloc_at(1);
  pe_results_put(results, pe_result_new(&(pe_record){.ticket = 1}, PE_UNKNOWN, PE_TIMEOUT, &words, 0));
  assert_true(failing_malloc_end());
  assert_int_equal(pe_results_count(results, &lost), 0);
  assert_int_equal(lost, 1);
  pe_results_free(results);
}

static int set_up(void **state) {
  pe_http_config config = {.user_agent = "test", .connect_timeout = LONG_ENOUGH};
  const char *why;
  (void)state;
  server_start(&platform, NULL, NULL);
  config.url = platform.url;
  return pe_http_plan_new(&config, &plan, &why) == PE_OK ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  pe_http_plan_free(plan);
  server_stop(&platform);
  return 0;
}

int main(void) {
  static const pe_clock clock = {monotonic, monotonic, no_sleep};
  const struct CMUnitTest tests[] = {
      TEST(a_sender_starts_or_leaves_nothing), TEST(every_allocation_of_a_delivery_may_fail),
      TEST(all_of_them_may_fail_for_a_while), TEST(every_allocation_of_a_request_may_fail),
      TEST(results_that_cannot_be_made_are_counted)};
  pe_clock_use(&clock);
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
