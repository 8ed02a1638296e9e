#include "sending.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "events.h"

static const int64_t codes[] = {1100};

const pe_http_credentials sending_bad = {.authorization = "bad"};
const pe_http_credentials sending_good = {.authorization = "good"};

/* ---- time: the real one, which a test can put forward ---- */

static int64_t ahead; /* atomic; nanoseconds */

static int64_t read_clock(clockid_t id) {
  struct timespec now;
  (void)clock_gettime(id, &now);
  return now.tv_sec * PE_SECOND + now.tv_nsec + __atomic_load_n(&ahead, __ATOMIC_RELAXED);
}

static int64_t wall(void) {
  return read_clock(CLOCK_REALTIME);
}

static int64_t monotonic(void) {
  return read_clock(CLOCK_MONOTONIC);
}

static void no_sleep(int64_t nanoseconds) {
  (void)nanoseconds;
}

/* ---- a sender with all that it stands on ---- */

struct sending sending;

pe_sender_config sending_config_of(size_t width) {
  return (pe_sender_config){.post = {.accept = {codes, 1}, .timeout = SENDING_LONG},
                            .max_in_flight = width,
                            .policy = {.retry = {PE_MILLISECOND, 20 * PE_MILLISECOND}, .retry_ambiguous = true}};
}

pe_queue_config sending_queue_of(size_t width) {
  return (pe_queue_config){.max_events = 20000, .max_bytes = 32 << 20, .max_age = INT64_MAX, .width = width};
}

void sending_start_with(pe_sender_config config, pe_queue_config queue, server_decide decide, void *user) {
  pe_http_config http = {.user_agent = "test", .connect_timeout = SENDING_LONG};
  const char *why = NULL;

  memset(&sending, 0, sizeof sending);
  server_start(&sending.server, decide, user);
  http.url = sending.server.url;
  assert_int_equal(pe_http_plan_new(&http, &sending.plan, &why), PE_OK);
  assert_int_equal(pe_queue_new(&queue, &sending.queue), PE_OK);
  assert_int_equal(pe_results_new(20000, &sending.results), PE_OK);
  config.plan = sending.plan;
  config.queue = sending.queue;
  config.results = sending.results;
  config.group = &sending;
  assert_int_equal(pe_sender_start(&config, sending_bad, &sending.sender), PE_OK);
}

void sending_start(server_decide decide) {
  sending_start_with(sending_config_of(8), sending_queue_of(8), decide, NULL);
}

static bool push_event(unsigned event) {
  char body[64];
  pe_event pushed = {.body = body, .id = "id", .id_size = 2, .name = "name", .name_size = 4};
  pe_push push;
  server_body(body, sizeof body, event);
  pushed.body_size = strlen(body);
  assert_int_equal(pe_queue_push(sending.queue, &pushed, pe_clock_monotonic(), &push), PE_OK);
  if (push.wake) pe_sender_wake(sending.sender);
  (void)accounted(sending.queue);
  return push.wake;
}

bool sending_push_event(void) {
  return push_event(sending.pushed++);
}

void sending_push_events(unsigned count) {
  for (unsigned i = 0; i < count; i++)
    (void)push_event(sending.pushed++);
}

void sending_flush(void) {
  assert_int_equal(pe_queue_flush(sending.queue, SENDING_LONG), 0);
}

void sending_jump(int64_t nanoseconds) {
  (void)__atomic_add_fetch(&ahead, nanoseconds, __ATOMIC_RELAXED);
  pe_sender_wake(sending.sender);
}

void sending_wait_for_state(pe_state state) {
  int64_t begin = pe_clock_monotonic();
  while (accounted(sending.queue).state != state)
    assert_true(pe_clock_monotonic() - begin < SENDING_LONG);
}

void sending_read_results(void) {
  pe_counters counters = accounted(sending.queue);
  pe_result *result;
  while ((result = pe_results_take(sending.results))) {
    sending.outcomes[result->outcome]++;
    assert_int_equal(result->id_size, 2);
    assert_int_equal(result->code == PE_OK, result->outcome == PE_DELIVERED || result->outcome == PE_EXPIRED);
    if (result->outcome == PE_DELIVERED) assert_memory_equal(result->reply.request_id, "r-1", 3);
    free(result);
  }
  for (int i = 0; i < PE_OUTCOME_COUNT; i++)
    assert_int_equal(sending.outcomes[i], counters.outcomes[i]);
}

void sending_end(void) {
  if (sending.sender) assert_true(stop_sender(sending.sender));
  sending_read_results();
  assert_int_equal(accounted(sending.queue).in_flight, 0);
  pe_queue_free(sending.queue);
  pe_results_free(sending.results);
  pe_http_plan_free(sending.plan);
  server_stop(&sending.server);
}

void sending_assert_each_came(unsigned times) {
  for (unsigned i = 0; i < sending.pushed; i++)
    assert_int_equal(server_count(&sending.server, i), times);
}

uint64_t sending_count_of(pe_outcome outcome) {
  return accounted(sending.queue).outcomes[outcome];
}

void sending_use_clock(void) {
  static const pe_clock clock = {wall, monotonic, no_sleep};
  pe_clock_use(&clock);
}
