/* A plan is shared by threads, and each makes handles by it at the same time. Case D3: copies of one handle failed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/thread.h"
#include "http/http.h"
#include "test.h"

enum { THREADS = 2, HANDLES = 2000 };

static int failures; /* atomic */

static void *make_handles(void *plan) {
  for (int i = 0; i < HANDLES; i++) {
    pe_http *http = NULL;
    if (pe_http_new(plan, &http, NULL) != PE_OK) (void)__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
    pe_http_free(http);
  }
  return NULL;
}

static pe_http_config config_of(void) {
  static const char *const headers[] = {"X-Source: test"};
  return (pe_http_config){
      .url = "https://127.0.0.1:1/x", .user_agent = "test", .headers = headers, .header_count = 1, .verify = true};
}

static void threads_make_handles_by_one_plan(void **state) {
  pe_http_config config = config_of();
  pe_thread threads[THREADS];
  pe_http_plan *plan = NULL;
  const char *why;

  (void)state;
  assert_true(pe_http_prepare());
  assert_int_equal(pe_http_plan_new(&config, &plan, &why), PE_OK);
  for (int i = 0; i < THREADS; i++)
    assert_true(pe_thread_start(&threads[i], make_handles, plan));
  for (int i = 0; i < THREADS; i++)
    pe_thread_join(threads[i]);
  assert_int_equal(failures, 0);
  pe_http_plan_free(plan);
}

/* Makes a plan with that as the file of authorities. Returns the reason why it is none; NULL: it is. */
static const char *why_not(const char *content) {
  char path[] = "/tmp/postevent-plan-XXXXXX";
  pe_http_config config = config_of();
  pe_http_plan *plan = NULL;
  const char *why = NULL;
  int file = mkstemp(path);

  assert_true(file >= 0);
  assert_int_equal(write(file, content, strlen(content)), strlen(content));
  (void)close(file);
  config.files.ca_file = path;
  if (pe_http_plan_new(&config, &plan, &why) == PE_OK) why = NULL;
  pe_http_plan_free(plan);
  (void)unlink(path);
  return why;
}

static void a_file_that_holds_no_certificate_is_no_plan(void **state) {
  (void)state;
  assert_null(why_not("-----BEGIN CERTIFICATE-----\n"));
  assert_non_null(strstr(why_not("nothing"), "-----BEGIN"));
  assert_non_null(strstr(why_not(""), "-----BEGIN"));
}

static void a_file_that_is_not_there_is_no_plan(void **state) {
  pe_http_config config = config_of();
  pe_http_plan *plan = NULL;
  const char *why = NULL;
  (void)state;
  config.files.cert_file = "/not/there";
  assert_int_equal(pe_http_plan_new(&config, &plan, &why), PE_TLS);
  assert_non_null(strstr(why, "cannot be read"));
  config = config_of();
  config.files.ca_path = "/not/there";
  assert_int_equal(pe_http_plan_new(&config, &plan, &why), PE_TLS);
  assert_null(plan);
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(threads_make_handles_by_one_plan),
                                     TEST(a_file_that_holds_no_certificate_is_no_plan),
                                     TEST(a_file_that_is_not_there_is_no_plan)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
