#include "delivery/results.h"

#include <stdlib.h>
#include <string.h>

#include "base/bell.h"
#include "base/thread.h"

struct pe_results {
  /* immutable */
  size_t capacity;
  pe_result **ring; /* owned, as is what it holds */
  pe_witness witness;
  /* guarded by lock */
  pe_mutex lock;
  size_t first, count;
  size_t bytes; /* of those in the ring */
  uint64_t lost;
  bool is_awaited; /* the next one rings the bell */
  /* of who waits; made when it first does */
  pe_bell bell;
  bool has_bell;
};

/* ---- one result ---- */

/* Copies `size` bytes to *end, which moves on; returns where they are now. */
static const char *keep(char **end, const char *text, size_t size) {
  char *kept = *end;
  if (size > 0) memcpy(kept, text, size);
  *end += size;
  return kept;
}

pe_result *pe_result_new(const pe_record *record, pe_outcome outcome, pe_error code, const pe_result_words *words,
                         int64_t now) {
  static const pe_reply no_reply;
  const pe_reply *reply = words->reply ? words->reply : &no_reply;
  const char *trouble = words->trouble ? words->trouble : "";
  size_t texts = record->id_size + record->name_size + reply->message_size + reply->request_id_size + strlen(trouble);
  size_t size = sizeof(pe_result) + texts + 1;
  pe_result *result = malloc(size);
  char *end;

  if (!result) return NULL;
  memset(result, 0, sizeof *result);
  end = (char *)(result + 1);
  result->size = size;
  result->ticket = record->ticket;
  result->outcome = outcome;
  result->code = code;
  result->attempts = record->attempts;
  result->latency = now - record->accepted_at;
  result->http_status = words->http_status;
  result->reply = *reply;
  result->reply.document = NULL;
  if (reply->message) result->reply.message = keep(&end, reply->message, reply->message_size);
  if (reply->request_id) result->reply.request_id = keep(&end, reply->request_id, reply->request_id_size);
  result->id_size = record->id_size;
  result->id = keep(&end, pe_record_id(record), record->id_size);
  result->name_size = record->name_size;
  result->name = keep(&end, pe_record_name(record), record->name_size);
  result->trouble = keep(&end, trouble, strlen(trouble) + 1);
  return result;
}

/* ---- the ring ---- */

pe_error pe_results_new(size_t capacity, pe_results **results) {
  pe_results *made = calloc(1, sizeof *made);

  if (!made) return PE_NO_MEMORY;
  made->capacity = capacity;
  made->ring = calloc(capacity > 0 ? capacity : 1, sizeof(pe_result *));
  if (!made->ring || !pe_mutex_init(&made->lock)) {
    free(made->ring);
    free(made);
    return PE_NO_MEMORY;
  }
  *results = made;
  return PE_OK;
}

void pe_results_free(pe_results *results) {
  pe_result *result;
  if (!results) return;
  while ((result = pe_results_take(results)))
    free(result);
  if (results->witness.release) results->witness.release(results->witness.data);
  if (results->has_bell) pe_bell_cleanup(&results->bell);
  pe_mutex_destroy(&results->lock);
  free(results->ring);
  free(results);
}

void pe_results_set_witness(pe_results *results, pe_witness witness) {
  results->witness = witness;
}

bool pe_results_wanted(const pe_results *results) {
  return results->capacity > 0;
}

/* Frees a list of those that gave way. */
static void free_all(pe_result *first) {
  while (first) {
    pe_result *next = first->next;
    free(first);
    first = next;
  }
}

/* Takes the oldest out, with the lock held; there is one. */
static pe_result *take_first(pe_results *results) {
  pe_result *result = results->ring[results->first];
  results->first = (results->first + 1) % results->capacity;
  results->count--;
  results->bytes -= result->size;
  return result;
}

/* Whether it has a place, with the lock held. One alone has, whatever its size. In 64 bits: a million results of 4.5
 * KiB are more than a size_t of 32 counts. */
static bool fits(const pe_results *results, const pe_result *result) {
  uint64_t most = (uint64_t)results->capacity * PE_RESULT_BYTES;
  if (results->count == 0) return true;
  return results->count < results->capacity && (uint64_t)results->bytes + result->size <= most;
}

/* Stores it at that place of the ring, counted from the oldest, with the lock held. */
static void store(pe_results *results, pe_result *result, size_t place) {
  results->ring[(results->first + place) % results->capacity] = result;
  results->count++;
  results->bytes += result->size;
}

void pe_results_put(pe_results *results, pe_result *result) {
  pe_result *lost = NULL;

  if (result && results->witness.saw) results->witness.saw(results->witness.data, result);
  if (results->capacity == 0) {
    free(result);
    return;
  }
  pe_mutex_lock(&results->lock);
  if (!result) results->lost++;
  while (result && results->count > 0 && !fits(results, result)) {
    pe_result *oldest = take_first(results);
    oldest->next = lost;
    lost = oldest;
    results->lost++;
  }
  if (result) store(results, result, results->count);
  if (results->is_awaited) pe_bell_ring(&results->bell);
  results->is_awaited = false;
  pe_mutex_unlock(&results->lock);
  free_all(lost);
}

int pe_results_await(pe_results *results) {
  if (!results->has_bell) results->has_bell = pe_bell_init(&results->bell);
  if (!results->has_bell) return -1;
  pe_mutex_lock(&results->lock);
  results->is_awaited = results->count == 0;
  if (!results->is_awaited) pe_bell_ring(&results->bell);
  pe_mutex_unlock(&results->lock);
  return pe_bell_descriptor(&results->bell);
}

void pe_results_attend(pe_results *results) {
  pe_mutex_lock(&results->lock);
  results->is_awaited = false;
  pe_mutex_unlock(&results->lock);
  if (results->has_bell) pe_bell_silence(&results->bell);
}

void pe_results_put_back(pe_results *results, pe_result *result) {
  bool has_place;
  pe_mutex_lock(&results->lock);
  has_place = fits(results, result);
  if (has_place) {
    results->first = (results->first + results->capacity - 1) % results->capacity;
    store(results, result, 0);
  } else {
    results->lost++;
  }
  pe_mutex_unlock(&results->lock);
  if (!has_place) free(result);
}

pe_result *pe_results_take(pe_results *results) {
  pe_result *result = NULL;
  pe_mutex_lock(&results->lock);
  if (results->count > 0) result = take_first(results);
  pe_mutex_unlock(&results->lock);
  return result;
}

size_t pe_results_count(pe_results *results, uint64_t *lost) {
  size_t count;
  pe_mutex_lock(&results->lock);
  count = results->count;
  *lost = results->lost;
  pe_mutex_unlock(&results->lock);
  return count;
}
