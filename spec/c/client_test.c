/* Clients: many, each on a thread of its own, as Lua states have them; closed, left, and ended with their group; and
 * what a forked child has of one. */
#include "delivery/client.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "base/worker.h"
#include "events.h"
#include "quiet_fork.h"
#include "server.h"

enum { THREADS = 4, EVENTS = 200, ROUNDS = 3 };

static const int64_t LONG_ENOUGH = 20 * PE_SECOND; /* only a test that fails waits for so long */

static const int64_t codes[] = {1100};

static server platform;

static pe_client *make_client(const void *group, const char *authorization) {
  const pe_client_config config = {
      .can_send = true,
      .sends = true,
      .http = {.url = platform.url, .user_agent = "test", .connect_timeout = LONG_ENOUGH},
      .credentials = {.authorization = authorization},
      .post = {.accept = {codes, 1},
               .timeout = LONG_ENOUGH,
               .attempts = 1,
               .retry = {PE_MILLISECOND, 10 * PE_MILLISECOND}},
      .retry_ambiguous = true,
      .queue = {.max_events = 1000, .max_bytes = 1 << 20, .max_age = INT64_MAX, .width = 4},
      .results = 1000,
      .group = group};
  pe_client *client = NULL;
  const char *why;
  return pe_client_new(&config, &client, &why) == PE_OK ? client : NULL;
}

static bool track(pe_client *client, unsigned number) {
  char body[64];
  pe_event event = {.body = body};
  uint64_t ticket;
  server_body(body, sizeof body, number);
  event.body_size = strlen(body);
  return pe_client_track(client, &event, &ticket) == PE_OK;
}

static bool post(pe_client *client, unsigned number) {
  pe_post_result result;
  char body[64];
  bool delivered;
  pe_post_result_init(&result);
  server_body(body, sizeof body, number);
  pe_client_post(client, body, strlen(body), &result);
  delivered = result.last.error == PE_OK;
  pe_post_result_cleanup(&result);
  return delivered;
}

static bool is_accounted(pe_client *client) {
  pe_counters counters;
  bool holds;
  pe_client_snapshot(client, &counters);
  check_equations(&counters, &holds);
  return holds;
}

/* ---- threads ---- */

/* What a thread does with clients of its own; it cannot fail the test itself. */
typedef struct owner {
  unsigned first; /* of its events' numbers */
  unsigned results;
  const char *trouble;
} owner;

static const char *use(owner *self, pe_client *client, unsigned first) {
  pe_result *result;
  for (unsigned i = 0; i < EVENTS; i++) {
    if (!track(client, first + i)) return "an event was refused";
    if (i == EVENTS / 2 && !post(client, first + EVENTS)) return "a post failed";
    if (!is_accounted(client)) return "an event is not accounted for";
    if (pe_client_has_news(client)) pe_client_take_news(client);
    while ((result = pe_client_take_result(client))) {
      self->results++;
      free(result);
    }
  }
  return NULL;
}

static void *own(void *user) {
  owner *self = user;
  for (unsigned round = 0; round < ROUNDS && !self->trouble; round++) {
    pe_client *client = make_client(self, "bad");
    const pe_http_credentials credentials = {.authorization = "good"};
    if (!client) self->trouble = "no client";
    if (client) self->trouble = use(self, client, self->first + round * (EVENTS + 1));
    if (client && pe_client_set_credentials(client, credentials) != PE_OK) self->trouble = "no credentials";
    if (round == 0 && pe_client_flush(client, LONG_ENOUGH) > 0) self->trouble = "a flush left something";
    if (round <= 1 && pe_client_close(client, LONG_ENOUGH) > 0) self->trouble = "a close left something";
    if (round == 0 && pe_client_stop(client) > 0) self->trouble = "a stop left something";
    pe_client_leave(client);
  }
  pe_worker_end_all(self, LONG_ENOUGH);
  return NULL;
}

static void clients_do_not_disturb_each_other(void **state) {
  owner owners[THREADS];
  pe_thread threads[THREADS];
  (void)state;
  server_start(&platform, NULL, NULL);
  for (unsigned i = 0; i < THREADS; i++) {
    owners[i] = (owner){.first = i * ROUNDS * (EVENTS + 1)};
    assert_true(pe_thread_start(&threads[i], own, &owners[i]));
  }
  for (unsigned i = 0; i < THREADS; i++) {
    pe_thread_join(threads[i]);
    if (owners[i].trouble) fail_msg("%s", owners[i].trouble);
  }
  for (unsigned i = 0; i < THREADS * ROUNDS * (EVENTS + 1); i++)
    assert_int_equal(server_count(&platform, i), 1);
  server_stop(&platform);
}

/* ---- the end ---- */

static server_answer is_silent(void *user, unsigned event, unsigned count, const char *authorization) {
  (void)user, (void)event, (void)count, (void)authorization;
  return SERVER_SILENT;
}

static void a_close_leaves_what_had_no_answer_pending(void **state) {
  pe_client *client;
  pe_counters counters;
  int64_t begin = pe_clock_monotonic();
  (void)state;
  server_start(&platform, is_silent, NULL);
  client = make_client(&platform, NULL);
  assert_non_null(client);
  for (unsigned i = 0; i < 10; i++)
    assert_true(track(client, i));
  server_wait(&platform, 4);
  assert_int_equal(pe_client_close(client, PE_MILLISECOND), 10);
  assert_int_equal(pe_client_stop(client), 10);
  assert_true(pe_clock_monotonic() - begin < LONG_ENOUGH / 2);
  assert_false(track(client, 10));
  pe_client_snapshot(client, &counters);
  assert_int_equal(counters.pending, 10);
  assert_int_equal(counters.maybe_sent, 4);
  assert_int_equal(counters.refused[PE_CLOSED], 1);
  assert_true(is_accounted(client));
  pe_client_leave(client);
  server_stop(&platform);
}

/* Asks again and again, as an event loop does that must not wait. */
static void wait_for_end(pe_client *client) {
  int64_t begin = pe_clock_monotonic();
  while (!pe_client_has_ended(client, 0)) {
    assert_true(pe_clock_monotonic() - begin < LONG_ENOUGH);
    pe_clock_sleep(PE_MILLISECOND);
  }
  assert_true(pe_client_has_ended(client, 0));
}

static void one_that_finishes_delivers_without_being_waited_for(void **state) {
  pe_counters counters;
  pe_client *client;
  (void)state;
  server_start(&platform, NULL, NULL);
  client = make_client(&platform, NULL);
  assert_non_null(client);
  for (unsigned i = 0; i < 100; i++)
    assert_true(track(client, i));
  pe_client_finish(client, LONG_ENOUGH);
  assert_false(track(client, 100));
  wait_for_end(client);
  pe_client_snapshot(client, &counters);
  assert_int_equal(counters.outcomes[PE_DELIVERED], 100);
  assert_int_equal(counters.state, PE_STATE_CLOSED);
  assert_true(is_accounted(client));
  pe_client_leave(client);
  server_stop(&platform);
}

static void one_that_finishes_does_so_in_its_time(void **state) {
  pe_counters counters;
  pe_client *client, *unused;
  (void)state;
  server_start(&platform, is_silent, NULL);
  client = make_client(&platform, NULL);
  unused = make_client(&platform, NULL);
  assert_non_null(client);
  assert_non_null(unused);
  for (unsigned i = 0; i < 10; i++)
    assert_true(track(client, i));
  server_wait(&platform, 4);
  pe_client_finish(client, LONG_ENOUGH);
  assert_false(pe_client_has_ended(client, PE_MILLISECOND));
  pe_client_finish(client, PE_MILLISECOND); /* the earlier end counts */
  wait_for_end(client);
  assert_int_equal(pe_client_stop(client), 10);
  pe_client_snapshot(client, &counters);
  assert_int_equal(counters.pending, 10);
  assert_true(is_accounted(client));
  pe_client_leave(client);
  pe_client_finish(unused, LONG_ENOUGH); /* there is no thread to wait for */
  assert_true(pe_client_has_ended(unused, LONG_ENOUGH));
  pe_client_leave(unused);
  server_stop(&platform);
}

static void many_end_together(void **state) {
  int64_t begin;
  (void)state;
  server_start(&platform, is_silent, NULL);
  for (unsigned i = 0; i < 30; i++) {
    pe_client *client = make_client(&platform, NULL);
    assert_non_null(client);
    assert_true(track(client, i));
    pe_client_leave(client);
  }
  begin = pe_clock_monotonic();
  pe_worker_end_all(&platform, 100 * PE_MILLISECOND);
  assert_true(pe_clock_monotonic() - begin < 2 * PE_SECOND);
  server_stop(&platform);
}

/* ---- fork ---- */

/* Everything that a client can do, in the child of a process whose client is busy. */
static int use_in_child(pe_client *client) {
  pe_counters counters;
  alarm(20);
  pe_client_snapshot(client, &counters);
  if (counters.pending != 0 || counters.calls != 0) return 1; /* what was queued is the parent's */
  for (unsigned i = 1000; i < 1050; i++)
    if (!track(client, i)) return 2;
  if (!post(client, 1050)) return 3;
  if (pe_client_close(client, LONG_ENOUGH) > 0 || pe_client_stop(client) > 0) return 4;
  pe_client_snapshot(client, &counters);
  if (counters.outcomes[PE_DELIVERED] != 50) return 5;
  pe_client_leave(client);
  return 0;
}

static void a_child_has_a_client_of_its_own(void **state) {
  pe_client *client;
  (void)state;
  if (UNDER_TSAN) skip();
  server_start(&platform, NULL, NULL);
  client = make_client(&platform, NULL);
  assert_non_null(client);
  assert_true(post(client, 0));
  for (unsigned i = 1; i <= 500; i++) {
    pid_t child = 0;
    int status = -1;
    assert_true(track(client, i));
    if (i % 100 != 50) continue;
    child = quiet_fork();
    assert_true(child >= 0);
    if (child == 0) _exit(use_in_child(client));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
  }
  assert_true(post(client, 501));
  assert_int_equal(pe_client_close(client, LONG_ENOUGH), 0);
  assert_int_equal(pe_client_stop(client), 0);
  for (unsigned i = 0; i <= 501; i++)
    assert_int_equal(server_count(&platform, i), 1);
  for (unsigned i = 1000; i <= 1050; i++)
    assert_int_equal(server_count(&platform, i), 5);
  pe_client_leave(client);
  server_stop(&platform);
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(clients_do_not_disturb_each_other),
                                     TEST(a_close_leaves_what_had_no_answer_pending),
                                     TEST(one_that_finishes_delivers_without_being_waited_for),
                                     TEST(one_that_finishes_does_so_in_its_time),
                                     TEST(many_end_together),
                                     TEST(a_child_has_a_client_of_its_own)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
