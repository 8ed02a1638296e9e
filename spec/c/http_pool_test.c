/* The pool of connections: each is found by both of its ends, since two can share a local port, and what is there to
 * read makes one stale. Case D5. */
#include "http/http_pool.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

static const char *const HOSTS[] = {"127.0.0.1", "127.0.0.2"};
enum { PEERS = 2, LONGEST = 20000 /* milliseconds; only a test that fails waits for so long */ };

/* A peer on each of the two hosts, and a connection to each, from one and the same port. */
typedef struct pair {
  pe_http_pool pool;
  curl_socket_t ours[PEERS];
  int theirs[PEERS];
  pe_http_ends ends[PEERS];
  bool reached[PEERS];
} pair;

static struct sockaddr_in address_of(const char *host, uint16_t port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = port};
  assert_int_equal(inet_pton(AF_INET, host, &address.sin_addr), 1);
  return address;
}

/* A socket bound to that address, whose port others may have as well. Returns its port, in network order. */
static uint16_t bind_to(int *made, const char *host, uint16_t port) {
  struct sockaddr_in address = address_of(host, port);
  socklen_t size = sizeof address;
  int on = 1;

  *made = socket(AF_INET, SOCK_STREAM, 0);
  assert_true(*made >= 0);
  assert_int_equal(setsockopt(*made, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
  assert_int_equal(bind(*made, (struct sockaddr *)&address, size), 0);
  assert_int_equal(getsockname(*made, (struct sockaddr *)&address, &size), 0);
  return address.sin_port;
}

static uint16_t connect_to(pair *self, int number, uint16_t local_port) {
  struct sockaddr_in address = address_of(HOSTS[number], 0);
  int listener;

  address.sin_port = bind_to(&listener, HOSTS[number], 0);
  assert_int_equal(listen(listener, 1), 0);
  local_port = bind_to(&self->ours[number], HOSTS[0], local_port);
  pe_http_pool_opened(&self->pool, self->ours[number], &self->reached[number]);
  self->ends[number] = (pe_http_ends){HOSTS[0], HOSTS[number], ntohs(local_port)};
  assert_false(pe_http_pool_is_stale(&self->pool, self->ends[number])); /* not connected: nobody's yet */
  assert_int_equal(connect(self->ours[number], (struct sockaddr *)&address, sizeof address), 0);
  self->theirs[number] = accept(listener, NULL, NULL);
  assert_true(self->theirs[number] >= 0);
  (void)close(listener);
  return local_port;
}

static void start(pair *self) {
  uint16_t port = 0;
  memset(self, 0, sizeof *self);
  for (int i = 0; i < PEERS; i++)
    port = connect_to(self, i, port);
  assert_int_equal(self->ends[0].local_port, self->ends[1].local_port);
}

static void end(pair *self) {
  for (int i = 0; i < PEERS; i++) {
    assert_int_equal(pe_http_pool_close(&self->pool, self->ours[i]), 0);
    (void)close(self->theirs[i]);
  }
  assert_int_equal(self->pool.count, 0);
  pe_http_pool_cleanup(&self->pool);
}

/* The peer says something; returns once it has come. */
static void speak(pair *self, int number) {
  struct pollfd readable = {.fd = self->ours[number], .events = POLLIN};
  assert_int_equal(send(self->theirs[number], "x", 1, 0), 1);
  assert_int_equal(poll(&readable, 1, LONGEST), 1);
}

static void the_one_with_something_to_read_is_stale_and_not_its_twin(void **state) {
  (void)state;
  for (int i = 0; i < PEERS; i++) {
    pair self;
    start(&self);
    speak(&self, i);
    assert_true(pe_http_pool_is_stale(&self.pool, self.ends[i]));
    assert_false(pe_http_pool_is_stale(&self.pool, self.ends[!i]));
    end(&self);
  }
}

static void each_is_told_whether_its_peer_accepted(void **state) {
  pair self;
  (void)state;
  start(&self);
  pe_http_pool_settle(&self.pool, &self.reached[0]);
  assert_true(self.reached[0]);
  assert_false(self.reached[1]); /* nobody asked yet */
  self.reached[0] = false;
  end(&self);
  assert_false(self.reached[0]); /* settled: not touched any more */
  assert_true(self.reached[1]);  /* its end settles it */
}

static void one_that_nobody_accepted_was_not_reached(void **state) {
  pe_http_pool pool = {NULL, 0, 0};
  bool reached = false;
  int made = socket(AF_INET, SOCK_STREAM, 0);
  (void)state;
  pe_http_pool_opened(&pool, made, &reached);
  assert_int_equal(pe_http_pool_close(&pool, made), 0);
  assert_false(reached);
  pe_http_pool_cleanup(&pool);
}

static void what_it_does_not_know_is_left_alone(void **state) {
  const pe_http_ends unknown[] = {{NULL, NULL, 0}, {"127.0.0.1", "127.0.0.9", 1}, {"", "", 0}};
  pair self;
  (void)state;
  start(&self);
  speak(&self, 0);
  for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
    assert_false(pe_http_pool_is_stale(&self.pool, unknown[i]));
  end(&self);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_one_with_something_to_read_is_stale_and_not_its_twin), TEST(each_is_told_whether_its_peer_accepted),
      TEST(one_that_nobody_accepted_was_not_reached), TEST(what_it_does_not_know_is_left_alone)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
