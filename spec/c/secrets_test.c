/* What a server may quote of the credentials, in any encoding, and what is no secret. */
#include "http/secrets.h"

#include <stdio.h>
#include <string.h>

#include "test.h"

static pe_secrets *secrets;

/* What is left of the text. */
static const char *hide(const char *text) {
  static char copy[512];
  (void)snprintf(copy, sizeof copy, "%s", text);
  copy[pe_secrets_hide(secrets, copy, strlen(copy))] = '\0';
  return copy;
}

static void with(const char *authorization, const char *user, const char *password, const char *proxy) {
  pe_secrets_free(secrets);
  secrets = pe_secrets_new((pe_http_credentials){authorization, user, password}, proxy);
  assert_non_null(secrets);
}

static void a_header_and_what_is_in_it(void **state) {
  (void)state;
  with("Basic dXNlcjp3b25kZXIvIiA=", NULL, NULL, NULL); /* user:wonder/"  */
  assert_string_equal(hide("bad: Basic dXNlcjp3b25kZXIvIiA=."), "bad: ***.");
  assert_string_equal(hide("bad: dXNlcjp3b25kZXIvIiA="), "bad: ***");
  assert_string_equal(hide("BASIC DXNLCJP3B25KZXIVIIA"), "BASIC ***");
  assert_string_equal(hide("user:wonder/\" "), "***");
  assert_string_equal(hide("user and wonder/\" !"), "*** and ***!");
}

static void every_encoding(void **state) {
  static const char *const forms[] = {
      "p\xc3\xa4ss &1",             /* as it is */
      "p%C3%a4ss%20%261",           /* RFC 3986 */
      "p%c3%a4ss+%261",             /* of forms */
      "p\\u00c3\\u00A4ss \\u00261", /* JSON, by bytes */
      "p\\xc3\\xa4ss\\x20&1",       /* C */
      "p&#195;&#xa4;ss &amp;1",     /* HTML */
      "70c3a4737320263 1",          /* not hexadecimal */
      "70c3a47373202631",           /* hexadecimal */
      "70C3A47373202631",
      "cMOkc3MgJjE=", /* base64 */
      "\\p\xc3\xa4s\\s &1",
  };
  char text[128];
  (void)state;
  with(NULL, "someone", "p\xc3\xa4ss &1", NULL);
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    (void)snprintf(text, sizeof text, "<%s>", forms[i]);
    if (i == 6)
      assert_string_equal(hide(text), text);
    else if (i == 9)
      assert_string_equal(hide(text), "<***=>");
    else
      assert_string_equal(hide(text), "<***>");
  }
  assert_string_equal(hide("c29tZW9uZTpww6RzcyAmMQ=="), "***=="); /* of both, as it was sent */
}

static void a_token_and_a_proxy(void **state) {
  (void)state;
  with("Bearer abc.def-123", NULL, NULL, "http://me%40home:s3cret@127.0.0.1:3128");
  assert_string_equal(hide("token abc.def-123 of me@home, s3cret"), "token *** of ***, ***");
  with("dGVzdF9kaXY2OWZmZmRkYg==", NULL, NULL, ""); /* no scheme */
  assert_string_equal(hide("x dGVzdF9kaXY2OWZmZmRkYg=="), "x ***");
}

static void what_is_no_secret(void **state) {
  static const char text[] = "Event is pushed to transformation state %zz &nosuch; \\";
  (void)state;
  with("Basic dXNlcjp3b25kZXI=", NULL, NULL, NULL);
  assert_string_equal(hide(text), text);
  with(NULL, "a", "", NULL);
  assert_string_equal(hide("a banana"), "a banana"); /* it stands everywhere */
  with(NULL, NULL, NULL, NULL);
  assert_string_equal(hide(text), text);
  pe_secrets_free(secrets);
  secrets = NULL;
  assert_string_equal(hide(text), text);
}

static void never_reads_beyond_the_text(void **state) {
  static const char *const cut[] = {"%", "%4", "\\", "\\u", "\\u00", "&", "&#", "&#x", "&#65", "&am", "7", "70c"};
  (void)state;
  with(NULL, "someone", "pass", NULL);
  for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
    size_t size = strlen(cut[i]);
    char *exact = test_malloc(size); /* cmocka guards what lies behind it */
    memcpy(exact, cut[i], size);
    assert_int_equal(pe_secrets_hide(secrets, exact, size), size);
    test_free(exact);
  }
  pe_secrets_free(secrets);
  secrets = NULL;
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(a_header_and_what_is_in_it), TEST(every_encoding), TEST(a_token_and_a_proxy),
                                     TEST(what_is_no_secret), TEST(never_reads_beyond_the_text)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
