#include "delivery/last_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/notice.h"
#include "base/thread.h"
#include "base/worker.h"

enum { LINE_SIZE = 768 };

static struct {
  pe_mutex lock;
  /* guarded by lock */
  unsigned generation; /* pe_worker_generation's: whose all of this is */
  pe_last_words *first;
  pe_counters sum; /* of the clients that lost something and are no more */
  unsigned clients;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- the list; no fork comes between the two ---- */

static void enter(void) {
  pe_worker_visit();
  pe_mutex_lock(&all.lock);
  if (all.generation == pe_worker_generation()) return;
  all.generation = pe_worker_generation();
  all.first = NULL;
  all.clients = 0;
}

static void leave(void) {
  pe_mutex_unlock(&all.lock);
  pe_worker_depart();
}

static void unlist(pe_last_words *self) {
  *self->link = self->next;
  if (self->next) self->next->link = self->link;
  __atomic_store_n(&self->listed, false, __ATOMIC_RELAXED);
}

/* Costs no lock where it is not. */
static bool is_listed(const pe_last_words *self) {
  return __atomic_load_n(&self->listed, __ATOMIC_RELAXED);
}

static void add_up(pe_last_words *self) {
  pe_counters counters;
  pe_queue_snapshot(self->queue, &counters);
  counters.pending -= pe_counters_kept(&counters);
  unlist(self);
  if (pe_counters_failed(&counters) + counters.pending == 0) return;
  if (all.clients++ == 0) memset(&all.sum, 0, sizeof all.sum);
  pe_counters_add(&all.sum, &counters);
}

void pe_last_words_add(pe_last_words *self, pe_queue *queue) {
  enter();
  self->queue = queue;
  self->link = &all.first;
  self->next = all.first;
  if (self->next) self->next->link = &self->next;
  all.first = self;
  __atomic_store_n(&self->listed, true, __ATOMIC_RELAXED);
  leave();
}

void pe_last_words_spare(pe_last_words *self) {
  if (!is_listed(self)) return;
  enter();
  if (is_listed(self)) unlist(self); /* the program may be at its end, on another thread */
  leave();
}

void pe_last_words_settle(pe_last_words *self) {
  if (!is_listed(self)) return;
  enter();
  if (is_listed(self)) add_up(self);
  leave();
}

/* ---- the line ---- */

typedef struct line {
  char text[LINE_SIZE];
  size_t size;
} line;

/* Appends a text, of which what steers a terminal or is not ASCII is a question mark: libcurl's words may quote others.
 */
static void put(line *self, const char *text) {
  for (; *text != '\0' && self->size < LINE_SIZE; text++)
    self->text[self->size++] = *text >= ' ' && *text <= '~' ? *text : '?';
}

static void put_count(line *self, const char *before, uint64_t count, const char *after) {
  char digits[24];
  (void)snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
  put(self, before);
  put(self, digits);
  put(self, after);
}

/* ": 3 rejected, 9 pending" */
static void put_outcomes(line *self, const pe_counters *sum) {
  const char *before = ": ";
  for (int outcome = PE_REJECTED_BY_PLATFORM; outcome < PE_OUTCOME_COUNT; outcome++) {
    if (sum->outcomes[outcome] == 0) continue;
    put_count(self, before, sum->outcomes[outcome], " ");
    put(self, pe_outcome_name((pe_outcome)outcome));
    before = ", ";
  }
  if (sum->pending > 0) put_count(self, before, sum->pending, " pending");
}

static void put_cause(line *self, const pe_counters *sum) {
  if (sum->spool.state > PE_SPOOL_WORKS) {
    put(self, "; the spool cannot be used: ");
    put(self, sum->spool.last_error);
  }
  if (sum->last_error != PE_OK) {
    put(self, "; the last error: ");
    put(self, pe_error_name(sum->last_error));
    put(self, ": ");
    put(self, sum->last_error_message);
  } else if (sum->pending > 0) {
    put(self, "; nobody waited for them");
  }
}

static void describe(line *self, const pe_counters *sum, unsigned clients) {
  uint64_t lost = pe_counters_failed(sum) + sum->pending;
  uint64_t maybe = sum->outcomes[PE_UNKNOWN] + sum->maybe_sent;

  put_count(self, "postevent: ", lost, lost == 1 ? " event" : " events");
  if (clients > 1) put_count(self, " of ", clients, " clients");
  put(self, lost == 1 ? " was lost when this program ended" : " were lost when this program ended");
  if (maybe > 0) put_count(self, " (", maybe, " may have arrived)");
  put_outcomes(self, sum);
  put_cause(self, sum);
  put(self, ". client:close() waits and tells; log = false keeps this line away");
}

/* At exit, after the handler of the workers, which is registered later: they have ended. */
static void say(void) {
  line said = {.size = 0};

  enter();
  while (all.first)
    add_up(all.first);
  if (all.clients > 0) describe(&said, &all.sum, all.clients);
  all.clients = 0;
  leave();
  if (said.size > 0) pe_notice_write(said.text, said.size);
}

bool pe_last_words_prepare(void) {
  static bool prepared; /* pe_worker_prepare's lock guards it */
  if (!prepared) prepared = atexit(say) == 0;
  return prepared;
}
