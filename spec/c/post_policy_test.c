/* Whether a post is tried again: what was not taken, while an attempt and time are left. */
#include "policy/post_policy.h"

#include <string.h>

#include "base/clock.h"
#include "test.h"

static const int64_t NOW = 1000 * PE_SECOND;
static const pe_post_policy policy = {.timeout = 15 * PE_SECOND, .attempts = 3, .retry = {PE_SECOND, 30 * PE_SECOND}};

static pe_post_result result_of(pe_error error, long http_status, pe_sent sent) {
  pe_post_result result;
  memset(&result, 0, sizeof result);
  result.attempts = 1;
  result.last.error = error;
  result.last.transfer.http_status = http_status;
  result.last.transfer.sent = sent;
  return result;
}

static int drawn;

static double half(void) {
  drawn++;
  return 0.5;
}

/* With half of the back-off's second by chance, which costs a call of the system: it is drawn for a wait alone. */
static bool again(const pe_post_result *result, int64_t deadline, int64_t *due) {
  int before = drawn;
  bool is_again = pe_post_again(&policy, result, deadline, NOW, half, due);
  if (is_again) assert_int_equal(drawn, before + 1);
  return is_again;
}

static void what_was_not_taken_is_tried_again(void **state) {
  static const long taken_back[] = {425, 429, 503}, others[] = {200, 400, 401, 404, 408, 500, 502, 504};
  pe_post_result unsent = result_of(PE_UNREACHABLE, 0, PE_SENT_NO);
  pe_post_result late = result_of(PE_TIMEOUT, 0, PE_SENT_NO);
  pe_post_result maybe = result_of(PE_TIMEOUT, 0, PE_SENT_MAYBE);
  pe_post_result tls = result_of(PE_TLS, 0, PE_SENT_NO);
  int64_t due = 0;
  (void)state;
  assert_true(again(&unsent, NOW + PE_SECOND, &due));
  assert_int_equal(due, NOW + PE_SECOND / 2);
  assert_true(again(&late, NOW + PE_SECOND, &due));
  assert_false(again(&maybe, NOW + PE_SECOND, &due));
  assert_false(again(&tls, NOW + PE_SECOND, &due));
  for (size_t i = 0; i < sizeof taken_back / sizeof *taken_back; i++) {
    pe_post_result refused = result_of(PE_UNAVAILABLE, taken_back[i], PE_SENT_YES);
    assert_true(again(&refused, NOW + PE_SECOND, &due));
  }
  drawn = 0;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    pe_post_result refused = result_of(PE_UNAVAILABLE, others[i], PE_SENT_YES);
    assert_false(again(&refused, NOW + PE_SECOND, &due));
  }
  assert_int_equal(drawn, 0);
}

static void a_wait_that_does_not_end_in_time_is_not_begun(void **state) {
  pe_post_result unsent = result_of(PE_UNREACHABLE, 0, PE_SENT_NO);
  int64_t due = 0;
  (void)state;
  assert_false(again(&unsent, NOW + PE_SECOND / 2, &due));
  assert_false(again(&unsent, NOW - PE_SECOND, &due));
  assert_true(again(&unsent, NOW + PE_SECOND / 2 + 1, &due));
  unsent.last.retry_after = 5 * PE_SECOND;
  assert_false(again(&unsent, NOW + 5 * PE_SECOND, &due));
  assert_true(again(&unsent, NOW + 6 * PE_SECOND, &due));
  assert_int_equal(due, NOW + 5 * PE_SECOND);
}

static void no_more_often_than_it_may(void **state) {
  pe_post_result unsent = result_of(PE_UNREACHABLE, 0, PE_SENT_NO);
  int64_t due = 0;
  (void)state;
  unsent.attempts = 2;
  assert_true(again(&unsent, NOW + 15 * PE_SECOND, &due));
  unsent.attempts = 3;
  assert_false(again(&unsent, NOW + 15 * PE_SECOND, &due));
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(what_was_not_taken_is_tried_again),
                                     TEST(a_wait_that_does_not_end_in_time_is_not_begun),
                                     TEST(no_more_often_than_it_may)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
