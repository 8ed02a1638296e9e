/* What a reply means: spec/vectors/replies.jsonl, line by line, and replies that nobody should send. */
#include "policy/reply.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "test.h"

static const int64_t accepted_codes[] = {1100};
static const pe_accept accept_default = {accepted_codes, 1};

static const char *verdict_name(pe_verdict verdict) {
  static const char *const names[] = {"delivered", "rejected", "retry", "hold"};
  return names[verdict];
}

static void check_line(const json_t *vector) {
  const char *name = json_string_value(json_object_get(vector, "name"));
  const char *body = json_string_value(json_object_get(vector, "body"));
  const char *verdict = json_string_value(json_object_get(vector, "outcome"));
  const char *code = json_string_value(json_object_get(vector, "code"));
  long status = (long)json_integer_value(json_object_get(vector, "status"));
  pe_reply reply;
  pe_error error;
  const char *got = verdict_name(pe_reply_read(status, body, strlen(body), accept_default, &error, &reply));

  if (strcmp(got, verdict) != 0) fail_msg("%s: expected %s, got %s", name, verdict, got);
  if (strcmp(pe_error_name(error), code ? code : "ok") != 0)
    fail_msg("%s: expected %s, got %s", name, code ? code : "ok", pe_error_name(error));
  pe_reply_cleanup(&reply);
}

static void means_what_the_vectors_say(void **state) {
  FILE *file = fopen("spec/vectors/replies.jsonl", "r");
  char line[4096];
  int count = 0;
  (void)state;
  assert_non_null(file);
  while (fgets(line, sizeof line, file)) {
    json_t *vector = json_loads(line, 0, NULL);
    assert_non_null(vector);
    check_line(vector);
    json_decref(vector);
    count++;
  }
  assert_true(count >= 47);
  (void)fclose(file);
}

/* One reply of `depth` brackets around nothing, or without their ends, in a member of the documented one or alone. */
static char *nested(size_t depth, const char *open, const char *close, const char *before, const char *after) {
  size_t size = strlen(before) + strlen(after) + depth * (strlen(open) + strlen(close)) + 1;
  char *body = malloc(size);
  assert_non_null(body);
  (void)strcpy(body, before);
  for (size_t i = 0; i < depth; i++)
    (void)strcat(body, open);
  for (size_t i = 0; i < depth; i++)
    (void)strcat(body, close);
  return strcat(body, after);
}

static pe_verdict verdict_of(char *body) {
  pe_reply reply;
  pe_error error;
  pe_verdict verdict = pe_reply_read(200, body, strlen(body), accept_default, &error, &reply);
  pe_reply_cleanup(&reply);
  free(body);
  return verdict;
}

static void d1_is_not_followed_into_the_depth(void **state) {
  static const char head[] = "{\"status\":{\"code\":1100},\"x\":";
  (void)state;
  assert_int_equal(verdict_of(nested(2000, "[", "]", "", "")), PE_VERDICT_HOLD);
  assert_int_equal(verdict_of(nested(2000, "{\"a\":", "", "", "")), PE_VERDICT_HOLD);
  assert_int_equal(verdict_of(nested(2000, "[", "]", head, "}")), PE_VERDICT_HOLD);
  assert_int_equal(verdict_of(nested(33, "[", "]", "", "")), PE_VERDICT_HOLD);
  assert_int_equal(verdict_of(nested(31, "[", "]", head, "}")), PE_VERDICT_DELIVERED);
  assert_int_equal(verdict_of(nested(31, "{\"]\":[", "]}", head, "}")), PE_VERDICT_HOLD);
  /* not the brackets in a text */
  assert_int_equal(verdict_of(nested(2000, "[", "\\\"{", "{\"status\":{\"code\":1100},\"x\":\"", "\"}")),
                   PE_VERDICT_DELIVERED);
}

static void reads_the_documented_members(void **state) {
  static const char body[] = "{\"status\":{\"code\":1100,\"message\":\"a\\u0000b\"},\"requestId\":\"r\"}";
  pe_reply reply;
  pe_error error;
  (void)state;
  assert_int_equal(pe_reply_read(200, body, sizeof body - 1, accept_default, &error, &reply), PE_VERDICT_DELIVERED);
  assert_int_equal(reply.status_code, 1100);
  assert_int_equal(reply.message_size, 3);
  assert_memory_equal(reply.message, "a\0b", 3);
  assert_int_equal(reply.request_id_size, 1);
  assert_memory_equal(reply.request_id, "r", 1);
  pe_reply_cleanup(&reply);
  assert_null(reply.message);
}

static void takes_the_codes_that_the_user_accepts(void **state) {
  static const int64_t codes[] = {7300, 1100};
  static const char body[] = "{\"status\":{\"code\":7300}}";
  pe_reply reply;
  pe_error error;
  (void)state;
  assert_int_equal(pe_reply_read(200, body, sizeof body - 1, (pe_accept){codes, 2}, &error, &reply),
                   PE_VERDICT_DELIVERED);
  pe_reply_cleanup(&reply);
  assert_int_equal(pe_reply_read(200, body, sizeof body - 1, accept_default, &error, &reply), PE_VERDICT_REJECTED);
  pe_reply_cleanup(&reply);
}

static void a_code_may_be_text_of_eighteen_digits(void **state) {
  static const char body[] = "{\"status\":{\"code\":\"123456789012345678\"}}";
  pe_reply reply;
  pe_error error;
  (void)state;
  (void)pe_reply_read(200, body, sizeof body - 1, accept_default, &error, &reply);
  assert_true(reply.has_status);
  assert_true(reply.status_code == INT64_C(123456789012345678));
  pe_reply_cleanup(&reply);
}

static void wrong_types_are_not_the_documented_reply(void **state) {
  static const char *const bodies[] = {
      "{\"status\":{\"code\":true}}",
      "{\"status\":{\"code\":[1100]}}",
      "{\"status\":{\"code\":null}}",
      "{\"status\":{\"code\":1100.5}}",
      "{\"status\":{\"code\":1e400}}",
      "{\"status\":{\"code\":\"\"}}",
      "{\"status\":{\"code\":\" 1100\"}}",
      "{\"status\":{\"code\":\"11000000000000000000000000\"}}",
      "{\"status\":{\"code\":11000000000000000000000000}}",
      "{\"status\":1100}",
      "{\"status\":[{\"code\":1100}]}",
      "{\"status\":{\"code\":1100,\"message\":7}}",
      "{\"status\":{\"code\":1100},\"requestId\":{}}",
      "\"1100\"",
      "null",
      "{\"status\":{\"code\":1100}} x",
  };
  (void)state;
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    pe_reply reply;
    pe_error error;
    pe_verdict verdict = pe_reply_read(200, bodies[i], strlen(bodies[i]), accept_default, &error, &reply);
    if (verdict != PE_VERDICT_HOLD || error != PE_BAD_REPLY) fail_msg("%s was taken for a reply", bodies[i]);
    pe_reply_cleanup(&reply);
  }
}

static bool same_text(const char *a, size_t a_size, const char *b, size_t b_size) {
  return !a == !b && a_size == b_size && (!a || memcmp(a, b, a_size) == 0);
}

/* A blank behind the body sends it to jansson, and must change nothing else. */
static void assert_reads_as_jansson_does(char *body, size_t size) {
  pe_reply ours, theirs;
  pe_error error, other;

  (void)pe_reply_read(200, body, size, accept_default, &error, &ours);
  body[size] = ' ';
  (void)pe_reply_read(200, body, size + 1, accept_default, &other, &theirs);
  if (error != other || ours.has_status != theirs.has_status || ours.status_code != theirs.status_code ||
      !same_text(ours.message, ours.message_size, theirs.message, theirs.message_size) ||
      !same_text(ours.request_id, ours.request_id_size, theirs.request_id, theirs.request_id_size))
    fail_msg("%.*s: %s, jansson: %s", (int)size, body, pe_error_name(error), pe_error_name(other));
  pe_reply_cleanup(&ours);
  pe_reply_cleanup(&theirs);
}

static void a_mutated_reply_reads_as_jansson_reads_it(void **state) {
  static const char documented[] =
      "{\"status\":{\"code\":1100,\"message\":\"Event is pushed\"},\"requestId\":\"defc955f-ebca\"}";
  static const char bytes[] = "\"\\{}[]:,01x \t\n\x7f\x80\xc3\xa9";
  char body[sizeof documented + 2];
  unsigned char random[4];
  (void)state;
  memcpy(body, documented, sizeof documented);
  assert_reads_as_jansson_does(body, sizeof documented - 1);
  for (int i = 0; i < 200000; i++) {
    size_t size = sizeof documented - 1, at;
    memcpy(body, documented, sizeof documented);
    pe_random_bytes(random, sizeof random);
    at = random[0] % size;
    if (random[1] % 3 == 0) { /* cut out */
      memmove(body + at, body + at + 1, size - at - 1);
      size--;
    } else if (random[1] % 3 == 1) { /* put in */
      memmove(body + at + 1, body + at, size - at);
      size++;
      body[at] = bytes[random[2] % (sizeof bytes)];
    } else {
      body[at] = bytes[random[2] % (sizeof bytes)];
    }
    if (random[3] % 8 == 0) size = random[3] * size / 256; /* cut short */
    assert_reads_as_jansson_does(body, size);
  }
}

static void depth_neither_crashes_nor_counts(void **state) {
  enum { DEPTH = 60000 };
  char *body = malloc(DEPTH);
  pe_reply reply;
  pe_error error;
  (void)state;
  assert_non_null(body);
  memset(body, '[', DEPTH);
  assert_int_equal(pe_reply_read(200, body, DEPTH, accept_default, &error, &reply), PE_VERDICT_HOLD);
  assert_int_equal(error, PE_BAD_REPLY);
  pe_reply_cleanup(&reply);
  free(body);
}

static void an_unusable_body_leaves_the_status_to_decide(void **state) {
  pe_reply reply;
  pe_error error;
  (void)state;
  assert_int_equal(pe_reply_read(200, NULL, 0, accept_default, &error, &reply), PE_VERDICT_HOLD);
  assert_int_equal(error, PE_BAD_REPLY);
  assert_int_equal(pe_reply_read(503, NULL, 0, accept_default, &error, &reply), PE_VERDICT_RETRY);
  assert_int_equal(error, PE_UNAVAILABLE);
  pe_reply_cleanup(&reply);
}

static void every_status_means_something(void **state) {
  (void)state;
  for (long status = 100; status < 1000; status++) {
    pe_reply reply;
    pe_error error = PE_OK;
    pe_verdict verdict = pe_reply_read(status, "{}", 2, accept_default, &error, &reply);
    assert_int_not_equal(error, PE_OK);
    assert_int_not_equal(verdict, PE_VERDICT_DELIVERED);
    pe_reply_cleanup(&reply);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(means_what_the_vectors_say),
                                     TEST(d1_is_not_followed_into_the_depth),
                                     TEST(reads_the_documented_members),
                                     TEST(takes_the_codes_that_the_user_accepts),
                                     TEST(a_code_may_be_text_of_eighteen_digits),
                                     TEST(wrong_types_are_not_the_documented_reply),
                                     TEST(a_mutated_reply_reads_as_jansson_reads_it),
                                     TEST(depth_neither_crashes_nor_counts),
                                     TEST(an_unusable_body_leaves_the_status_to_decide),
                                     TEST(every_status_means_something)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
