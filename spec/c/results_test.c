/* What became of events: a result holds all that was said, the ring forgets the oldest, and nothing is lost uncounted
 * between a thread that puts and one that takes. */
#include "delivery/results.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "test.h"

enum { CAPACITY = 8, MANY = 100000 };

/* A record with the texts "body", "id-1" and "booked". */
static pe_record *make_record(uint64_t ticket) {
  static const char texts[] = "bodyid-1booked";
  pe_record *record = calloc(1, sizeof *record + sizeof texts);
  assert_non_null(record);
  record->ticket = ticket;
  record->accepted_at = 5 * PE_SECOND;
  record->attempts = 3;
  record->body_size = 4;
  record->id_size = 4;
  record->name_size = 6;
  memcpy(record->data, texts, sizeof texts);
  return record;
}

static pe_result *make_result_of(uint64_t ticket, const pe_result_words *words) {
  pe_record *record = make_record(ticket);
  pe_result *result = pe_result_new(record, PE_EXPIRED, PE_OK, words, 5 * PE_SECOND);
  assert_non_null(result);
  free(record);
  return result;
}

static pe_result *make_result(uint64_t ticket) {
  const pe_result_words none = {0, NULL, NULL};
  return make_result_of(ticket, &none);
}

static pe_results *make_ring(size_t capacity) {
  pe_results *results = NULL;
  assert_int_equal(pe_results_new(capacity, &results), PE_OK);
  return results;
}

static void assert_count(pe_results *results, size_t count, uint64_t lost) {
  uint64_t told;
  assert_int_equal(pe_results_count(results, &told), count);
  assert_int_equal(told, lost);
}

/* ---- one result ---- */

static void a_result_keeps_every_word(void **state) {
  char message[] = "queued", request_id[] = "r\0d", trouble[] = "no answer";
  pe_reply reply = {.has_status = true, .status_code = 1100, .message = message, .message_size = 6};
  const pe_result_words words = {503, &reply, trouble};
  pe_record *record = make_record(7);
  pe_result *result;
  (void)state;
  reply.document = record; /* anybody's: it is not the result's */
  reply.request_id = request_id;
  reply.request_id_size = 3;
  result = pe_result_new(record, PE_UNKNOWN, PE_TIMEOUT, &words, 7 * PE_SECOND);
  memset(record, '!', sizeof *record + 14), free(record);
  memset(message, '!', 6), memset(request_id, '!', 3), memset(trouble, '!', 9);
  assert_int_equal(result->ticket, 7);
  assert_int_equal(result->outcome, PE_UNKNOWN);
  assert_int_equal(result->code, PE_TIMEOUT);
  assert_int_equal(result->attempts, 3);
  assert_int_equal(result->latency, 2 * PE_SECOND);
  assert_int_equal(result->http_status, 503);
  assert_null(result->reply.document);
  assert_int_equal(result->reply.status_code, 1100);
  assert_memory_equal(result->reply.message, "queued", 6);
  assert_memory_equal(result->reply.request_id, "r\0d", 3);
  assert_string_equal(result->trouble, "no answer");
  assert_int_equal(result->id_size, 4);
  assert_memory_equal(result->id, "id-1", 4);
  assert_int_equal(result->name_size, 6);
  assert_memory_equal(result->name, "booked", 6);
  free(result);
}

static void a_result_may_have_no_words(void **state) {
  pe_result *result = make_result(1);
  (void)state;
  assert_int_equal(result->http_status, 0);
  assert_false(result->reply.has_status);
  assert_null(result->reply.message);
  assert_null(result->reply.request_id);
  assert_string_equal(result->trouble, "");
  free(result);
}

/* ---- the ring ---- */

static void gives_them_back_in_order_and_once(void **state) {
  pe_results *results = make_ring(CAPACITY);
  uint64_t next = 1;
  (void)state;
  assert_null(pe_results_take(results));
  for (uint64_t i = 1; i <= 5 * CAPACITY; i++) {
    pe_results_put(results, make_result(i));
    if (i % CAPACITY != 0) continue;
    assert_count(results, CAPACITY, 0);
    for (int k = 0; k < CAPACITY; k++) {
      pe_result *result = pe_results_take(results);
      assert_int_equal(result->ticket, next++);
      free(result);
    }
    assert_null(pe_results_take(results));
    assert_count(results, 0, 0);
  }
  pe_results_free(results);
}

static void the_oldest_gives_way_and_is_counted(void **state) {
  pe_results *results = make_ring(CAPACITY);
  pe_result *result;
  (void)state;
  for (uint64_t i = 1; i <= CAPACITY + 3; i++)
    pe_results_put(results, make_result(i));
  assert_count(results, CAPACITY, 3);
  result = pe_results_take(results);
  assert_int_equal(result->ticket, 4);
  free(result);
  pe_results_put(results, make_result(99)); /* there is room again */
  assert_count(results, CAPACITY, 3);
  pe_results_free(results); /* with what is in it */
}

static void one_that_could_not_be_made_is_lost(void **state) {
  pe_results *results = make_ring(2);
  pe_result *result;
  (void)state;
  pe_results_put(results, NULL);
  assert_count(results, 0, 1);
  pe_results_put(results, make_result(1));
  pe_results_put(results, make_result(2));
  pe_results_put(results, NULL); /* and takes nobody's place */
  assert_count(results, 2, 2);
  result = pe_results_take(results);
  assert_int_equal(result->ticket, 1);
  free(result);
  pe_results_free(results);
}

static void without_room_nothing_is_kept_or_lost(void **state) {
  pe_results *results = make_ring(0);
  (void)state;
  assert_false(pe_results_wanted(results));
  pe_results_put(results, make_result(1));
  pe_results_put(results, NULL);
  assert_null(pe_results_take(results));
  assert_count(results, 0, 0);
  pe_results_free(results);
  pe_results_free(NULL);
}

/* ---- threads ---- */

static void *put_many(void *user) {
  pe_results *results = user;
  const pe_result_words none = {0, NULL, NULL};
  pe_record record = {.ticket = 0};
  for (uint64_t i = 1; i <= MANY; i++) {
    record.ticket = i;
    pe_results_put(results, pe_result_new(&record, PE_DELIVERED, PE_OK, &none, 0));
  }
  pe_results_put(results, NULL); /* the end */
  return NULL;
}

static void none_is_lost_uncounted_between_threads(void **state) {
  pe_results *results = make_ring(64);
  uint64_t taken = 0, last = 0, lost = 0;
  pe_thread thread;
  (void)state;
  assert_true(pe_thread_start(&thread, put_many, results));
  while (taken + lost < MANY + 1) {
    pe_result *result = pe_results_take(results);
    (void)pe_results_count(results, &lost);
    if (!result) continue;
    taken++;
    assert_true(result->ticket > last);
    last = result->ticket;
    free(result);
  }
  pe_thread_join(thread);
  assert_null(pe_results_take(results));
  assert_count(results, 0, MANY + 1 - taken);
  assert_int_equal(last, MANY);
  pe_results_free(results);
}

/* As many as were asked for, where they are no larger than results are. */
static void keeps_all_that_it_is_asked_to(void **state) {
  enum { ASKED = 60000 };
  pe_results *results = make_ring(ASKED);
  (void)state;
  for (uint64_t ticket = 1; ticket <= ASKED; ticket++)
    pe_results_put(results, make_result(ticket));
  assert_count(results, ASKED, 0);
  pe_results_free(results);
}

static void keeps_one_whatever_its_size(void **state) {
  static char words[60000];
  const pe_reply reply = {.has_status = true, .message = words, .message_size = sizeof words};
  const pe_result_words large = {200, &reply, NULL};
  pe_results *results = make_ring(1);
  (void)state;
  pe_results_put(results, make_result_of(1, &large));
  assert_count(results, 1, 0);
  pe_results_put_back(results, pe_results_take(results));
  assert_count(results, 1, 0);
  pe_results_free(results);
}

/* D6: replies of 64 KiB do not take 60 MB. */
static void keeps_no_more_than_so_many_bytes(void **state) {
  static char words[60000];
  const pe_reply reply = {.has_status = true, .message = words, .message_size = sizeof words};
  const pe_result_words large = {200, &reply, NULL};
  size_t bytes = 0, count;
  uint64_t lost;
  pe_results *results = make_ring(1024);
  (void)state;
  for (uint64_t ticket = 1; ticket <= 1024; ticket++)
    pe_results_put(results, make_result_of(ticket, &large));
  count = pe_results_count(results, &lost);
  assert_int_equal(count + lost, 1024);
  assert_true(count >= 70);
  for (uint64_t ticket = 1024 - count + 1; ticket <= 1024; ticket++) { /* the newest, in order */
    pe_result *result = pe_results_take(results);
    assert_true(result->ticket == ticket);
    bytes += result->size;
    free(result);
  }
  assert_true(bytes <= 5 * 1024 * 1024);
  assert_null(pe_results_take(results));
  pe_results_free(results);
}

static void one_that_is_given_back_is_the_next(void **state) {
  pe_results *results = make_ring(2);
  pe_result *first;
  uint64_t lost;
  (void)state;
  pe_results_put(results, make_result(1));
  pe_results_put(results, make_result(2));
  first = pe_results_take(results);
  pe_results_put_back(results, first);
  first = pe_results_take(results);
  assert_true(first->ticket == 1);
  pe_results_put(results, make_result(3)); /* takes its place */
  pe_results_put_back(results, first);
  assert_int_equal(pe_results_count(results, &lost), 2);
  assert_int_equal(lost, 1);
  pe_results_free(results);
}

static void note_ticket(void *data, const pe_result *result) {
  *(uint64_t *)data += result->ticket;
}

static void forget(void *data) {
  *(uint64_t *)data = 0;
}

static void a_witness_is_told_of_each(void **state) {
  pe_results *results = make_ring(1);
  uint64_t sum = 0;
  (void)state;
  pe_results_set_witness(results, (pe_witness){note_ticket, forget, &sum});
  pe_results_put(results, make_result(3));
  pe_results_put(results, make_result(4)); /* in the place of the other */
  pe_results_put(results, NULL);
  assert_int_equal(sum, 7);
  pe_results_free(results);
  assert_int_equal(sum, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_result_keeps_every_word),          TEST(a_result_may_have_no_words),
      TEST(gives_them_back_in_order_and_once),  TEST(the_oldest_gives_way_and_is_counted),
      TEST(one_that_could_not_be_made_is_lost), TEST(without_room_nothing_is_kept_or_lost),
      TEST(keeps_all_that_it_is_asked_to),      TEST(keeps_one_whatever_its_size),
      TEST(keeps_no_more_than_so_many_bytes),   TEST(one_that_is_given_back_is_the_next),
      TEST(a_witness_is_told_of_each),          TEST(none_is_lost_uncounted_between_threads)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
