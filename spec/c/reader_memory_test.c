/* A reader of documents: what it asks again for, and out of memory at every allocation in turn. */
#include <string.h>

#include "base/clock.h"
#include "delivery/client.h"
#include "delivery/reader.h"
#include "failing_malloc.h"
#include "server.h"
#include "test.h"

enum { MANY = 100000, MOST = 1000 };

static server platform;
static server_answer first_answer; /* of each question; then it has the document */
static unsigned asked;             /* since the test began; both while nothing is asked */

static server_answer decide(void *user, unsigned event, unsigned count, const char *authorization) {
  (void)user, (void)event, (void)count;
  assert_string_equal(authorization, "good");
  return asked++ == 0 ? first_answer : SERVER_PORTAL; /* any JSON or page is a document */
}

static pe_error make(pe_reader **reader) {
  const pe_http_config http = {.url = platform.url, .user_agent = "test", .connect_timeout = 5 * PE_SECOND};
  const pe_post_policy policy = {.timeout = 20 * PE_SECOND, .attempts = 3, .retry = {1, 1}};
  const char *why = NULL;
  pe_error error;
  *reader = NULL;
  error = pe_reader_new(&http, (pe_http_credentials){.authorization = "good"}, &policy, reader, &why);
  assert_true(error == PE_OK || why);
  return error;
}

static const pe_attempt *ask(pe_reader *reader, server_answer first) {
  first_answer = first;
  asked = 0;
  return pe_reader_get(reader, "/v2/events", "a=b", MOST);
}

static void assert_document(const pe_attempt *attempt) {
  assert_int_equal(attempt->error, PE_OK);
  assert_int_equal(attempt->transfer.body.size, 13);
  assert_memory_equal(attempt->transfer.body.data, "<html></html>", 13);
}

static void it_asks_again_where_that_may_help(void **state) {
  static const server_answer passing[] = {SERVER_BUSY, SERVER_HANGS_UP};
  static const server_answer lasting[] = {SERVER_REFUSES, SERVER_LOCKED};
  static const pe_error errors[] = {PE_REJECTED, PE_UNAUTHORIZED};
  pe_reader *reader;
  (void)state;
  assert_int_equal(make(&reader), PE_OK);
  assert_document(ask(reader, SERVER_PORTAL));
  assert_int_equal(asked, 1);
  for (int i = 0; i < 2; i++) {
    assert_document(ask(reader, passing[i]));
    assert_int_equal(asked, 2);
    assert_int_equal(ask(reader, lasting[i])->error, errors[i]);
    assert_int_equal(asked, 1);
  }
  pe_reader_free(reader);
}

static void a_document_has_a_ceiling(void **state) {
  pe_reader *reader;
  (void)state;
  assert_int_equal(make(&reader), PE_OK);
  assert_int_equal(pe_reader_get(reader, "/", NULL, 12)->error, PE_BAD_REPLY);
  assert_document(pe_reader_get(reader, "/", NULL, 13));
  pe_reader_free(reader);
}

static void every_allocation_may_fail(void **state) {
  pe_reader *reader;
  bool failed = true;
  (void)state;
  for (long n = 1; failed && n < MANY; n++) {
    pe_error error;
    failing_malloc_at(n);
    error = make(&reader);
    if (error == PE_OK) error = ask(reader, SERVER_PORTAL)->error;
    failed = failing_malloc_end();
    assert_true(failed || error == PE_OK);
    if (reader) assert_document(ask(reader, SERVER_PORTAL));
    pe_reader_free(reader);
  }
  assert_false(failed);
}

static void nothing_is_left(void **state) {
  pe_reader *reader;
  long before = 0;
  (void)state;
  for (int i = 0; i < 20; i++) {
    if (i == 10) before = failing_malloc_live();
    assert_int_equal(make(&reader), PE_OK);
    assert_document(ask(reader, SERVER_BUSY));
    pe_reader_free(reader);
  }
  assert_true(failing_malloc_live() <= before);
}

static int set_up(void **state) {
  (void)state;
  server_start(&platform, decide, NULL);
  return pe_client_prepare() ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  server_stop(&platform);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(it_asks_again_where_that_may_help), TEST(a_document_has_a_ceiling),
                                     TEST(every_allocation_may_fail), TEST(nothing_is_left)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
