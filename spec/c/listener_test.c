/* The port of a command's metrics: who is silent keeps nobody out, and a process without descriptors does not spin. */
#include "command/listener.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "test.h"

static const int64_t BEGIN = 100 * PE_SECOND;

static pe_listener *open_one(void) {
  char message[PE_LISTENER_MESSAGE] = "";
  pe_listener *listener = pe_listener_open("127.0.0.1", "0", message);
  assert_string_equal(message, "");
  return listener;
}

static int connect_to(const pe_listener *listener) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)pe_listener_port(listener))};
  int made = socket(AF_INET, SOCK_STREAM, 0);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  assert_int_equal(connect(made, (struct sockaddr *)&address, sizeof address), 0);
  return made;
}

static void say(int descriptor, const char *text) {
  assert_int_equal(send(descriptor, text, strlen(text), 0), strlen(text));
}

/* Looks until somebody waits for the page. */
static void run_until_asked(pe_listener *listener, int64_t now) {
  while (!pe_listener_run(listener, now)) {
    struct pollfd each[PE_LISTENER_DESCRIPTORS];
    int64_t by = INT64_MAX;
    nfds_t count = (nfds_t)pe_listener_poll(listener, each, now, &by);
    assert_int_equal(poll(each, count, 5000) > 0, 1);
  }
}

/* What a visitor hears until the end. */
static void assert_hears(pe_listener *listener, int descriptor, const char *begins, int64_t now) {
  char heard[512];
  size_t size = 0;
  ssize_t got;
  (void)pe_listener_run(listener, now);
  while ((got = recv(descriptor, heard + size, sizeof heard - size - 1, 0)) > 0)
    size += (size_t)got;
  heard[size] = '\0';
  assert_int_equal(got, 0);
  assert_memory_equal(heard, begins, strlen(begins));
}

static void who_is_silent_keeps_nobody_out(void **state) {
  enum { MANY = PE_LISTENER_MOST * 4 };
  pe_listener *listener = open_one();
  int silent[MANY], one;
  (void)state;
  for (int i = 0; i < MANY; i++) {
    silent[i] = connect_to(listener);
    say(silent[i], "GET /metr");
    (void)pe_listener_run(listener, BEGIN + i);
  }
  one = connect_to(listener);
  say(one, "GET /metrics HTTP/1.1\r\n\r\n");
  run_until_asked(listener, BEGIN + MANY);
  pe_listener_answer(listener, "page", 4);
  assert_hears(listener, one, "HTTP/1.1 200 OK\r\n", BEGIN + MANY);
  assert_hears(listener, silent[0], "", BEGIN + MANY);
  for (int i = 0; i < MANY; i++)
    (void)close(silent[i]);
  (void)close(one);
  pe_listener_free(listener);
}

static void what_stands_behind_a_question_does_not_take_the_answer_back(void **state) {
  static char body[100000];
  pe_listener *listener = open_one();
  int one = connect_to(listener);
  (void)state;
  memset(body, 'x', sizeof body - 1);
  say(one, "POST /metrics HTTP/1.1\r\n\r\n");
  say(one, body);
  for (int i = 0; i < 100; i++)
    (void)pe_listener_run(listener, BEGIN);
  assert_int_equal(shutdown(one, SHUT_WR), 0);
  assert_hears(listener, one, "HTTP/1.1 405 ", BEGIN);
  (void)close(one);
  pe_listener_free(listener);
}

/* Valgrind keeps the limit itself: it takes a connection, and closes it then. */
static void skip_under_valgrind(void) {
  const char *preload = getenv("LD_PRELOAD");
  if (preload && strstr(preload, "vgpreload")) skip();
}

static void without_descriptors_it_waits_a_little_and_does_not_spin(void **state) {
  struct pollfd each[PE_LISTENER_DESCRIPTORS];
  pe_listener *listener;
  int one;
  int64_t by = INT64_MAX;
  struct rlimit before, none;
  (void)state;
  skip_under_valgrind();
  listener = open_one();
  one = connect_to(listener);
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  none = before;
  none.rlim_cur = 0;
  say(one, "GET /metrics HTTP/1.1\r\n\r\n");
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  assert_false(pe_listener_run(listener, BEGIN));
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  assert_int_equal(pe_listener_poll(listener, each, BEGIN, &by), 0);
  assert_true(by > BEGIN && by < BEGIN + PE_SECOND);
  run_until_asked(listener, by);
  (void)close(one);
  pe_listener_free(listener);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(who_is_silent_keeps_nobody_out),
      cmocka_unit_test(what_stands_behind_a_question_does_not_take_the_answer_back),
      cmocka_unit_test(without_descriptors_it_waits_a_little_and_does_not_spin),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
