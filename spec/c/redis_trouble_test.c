/* What an error of Redis's means, in the words of each of its versions; and what no text of ours shows. */
#include "redis/redis_trouble.h"

#include <string.h>

#include "http/secrets.h"
#include "redis/redis_url.h"
#include "test.h"

static size_t hide(const void *secrets, char *text, size_t size) {
  return pe_secrets_hide(secrets, text, size);
}

static pe_redis_trouble read(const char *command, const char *text) {
  pe_redis_url url;
  pe_redis_trouble trouble;
  pe_secrets *secrets = pe_secrets_new((pe_http_credentials){NULL, "", "s3cret"}, NULL);
  assert_null(pe_redis_url_read("redis://worker:s3cret@127.0.0.1", &url));
  assert_non_null(secrets);
  pe_redis_trouble_read(&trouble, &url, (pe_redis_hide){hide, secrets}, command, text, strlen(text));
  pe_secrets_free(secrets);
  return trouble;
}

static void tells_what_passes_from_what_has_to_be_mended(void **state) {
  (void)state;
  assert_int_equal(read("XADD", "OOM command not allowed").error, PE_UNAVAILABLE);
  assert_false(read("XADD", "LOADING Redis is loading").holds);
  assert_true(read("XADD", "NOPERM this user has no permissions").holds);
  assert_int_equal(read("XADD", "WRONGTYPE Operation").error, PE_ENDPOINT);
  assert_int_equal(read("XADD", "ERR what nobody knows").error, PE_ENDPOINT);
  assert_int_equal(read("XADD", "").error, PE_ENDPOINT);
}

static void reads_what_redis_6_wraps(void **state) {
  static const char wrapped[] =
      "ERR Error running script (call to f_6b1b): @user_script:1: @user_script: 1: -OOM command "
      "not allowed when used memory > 'maxmemory'.";
  pe_redis_trouble trouble = read("EVAL", wrapped);
  (void)state;
  assert_int_equal(trouble.error, PE_UNAVAILABLE);
  assert_non_null(strstr(trouble.message, "(OOM command not allowed"));
  assert_int_equal(read("EVAL", "ERR Error running script (call to f_6b1b): @user_script:1: a mistake").error,
                   PE_ENDPOINT);
  assert_int_equal(read("EVAL", "ERR Error running script: -").error, PE_ENDPOINT);
}

static void shows_no_password_and_nothing_but_text(void **state) {
  pe_redis_trouble trouble = read("XADD", "ERR s3cret\033[1m \xff");
  (void)state;
  assert_null(strstr(trouble.message, "s3cret"));
  assert_null(strchr(trouble.message, '\033'));
  assert_null(strchr(trouble.message, '\xff'));
  assert_null(strstr(read("AUTH", "ERR unknown words s3cret").message, "unknown words"));
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(tells_what_passes_from_what_has_to_be_mended), TEST(reads_what_redis_6_wraps),
                                     TEST(shows_no_password_and_nothing_but_text)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
