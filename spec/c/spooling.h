/* A queue with a spool, for tests of what happens to it: the test is the sender, and time goes on when the test says
 * so. The events are numbered; what was delivered, and how often, is known by number. */
#ifndef PE_TEST_SPOOLING_H
#define PE_TEST_SPOOLING_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "spool/spool.h"

enum { SPOOLING_EVENTS = 1024, SPOOLING_WIDTH = 2 };

typedef struct spooling {
  pe_queue *queue;
  pe_spool *spool;
} spooling;

static char spooling_directory[96];
static unsigned spooling_delivered[SPOOLING_EVENTS], spooling_rejected[SPOOLING_EVENTS],
    spooling_dropped[SPOOLING_EVENTS];
static int spooling_size; /* of an event's JSON, at least */

/* Monotonic; the wall time lies so far ahead of it. */
static int64_t spooling_now;
static int64_t spooling_wall_ahead;

static int64_t spooling_monotonic(void) {
  return spooling_now;
}

static int64_t spooling_wall(void) {
  return spooling_now + spooling_wall_ahead;
}

static void spooling_sleep(int64_t nanoseconds) {
  spooling_now += nanoseconds;
}

/* Of the test's group. */
static inline int spooling_use_clock(void **state) {
  static const pe_clock clock = {spooling_wall, spooling_monotonic, spooling_sleep};
  (void)state;
  pe_clock_use(&clock);
  return 0;
}

/* Before each test. */
static inline int spooling_set_up(void **state) {
  const char *parent = getenv("TMPDIR");
  (void)state;
  (void)snprintf(spooling_directory, sizeof spooling_directory, "%s/postevent-spool-XXXXXX", parent ? parent : "/tmp");
  memset(spooling_delivered, 0, sizeof spooling_delivered);
  memset(spooling_rejected, 0, sizeof spooling_rejected);
  memset(spooling_dropped, 0, sizeof spooling_dropped);
  spooling_size = 0;
  spooling_now = 1000 * PE_SECOND;
  spooling_wall_ahead = INT64_C(1800000000) * PE_SECOND;
  return mkdtemp(spooling_directory) ? 0 : 1;
}

static inline int spooling_tear_down(void **state) {
  char command[128];
  (void)state;
  (void)snprintf(command, sizeof command, "rm -rf '%s'", spooling_directory);
  return system(command);
}

static inline pe_spool_config spooling_config(void) {
  return (pe_spool_config){
      .directory = spooling_directory, .endpoint = "https://x/1", .max_bytes = 1 << 20, .dead_letters = 10};
}

static inline pe_queue_config spooling_queue_config(void) {
  return (pe_queue_config){
      .max_events = 4, .max_bytes = 1 << 20, .max_age = 1000000 * PE_SECOND, .width = SPOOLING_WIDTH, .spools = true};
}

static inline pe_error spooling_start_queue(spooling *self, const pe_queue_config *queue,
                                            const pe_spool_config *config) {
  pe_error error;
  memset(self, 0, sizeof *self);
  error = pe_queue_new(queue, &self->queue);
  if (error != PE_OK) return error;
  error = pe_spool_new(config, self->queue, &self->spool);
  if (error != PE_OK) pe_queue_free(self->queue);
  return error;
}

static inline pe_error spooling_start_with(spooling *self, const pe_spool_config *config) {
  const pe_queue_config queue = spooling_queue_config();
  return spooling_start_queue(self, &queue, config);
}

static inline void spooling_start(spooling *self) {
  static pe_spool_config config;
  config = spooling_config();
  assert_int_equal(spooling_start_with(self, &config), PE_OK);
}

/* What a shell does to the directory, which stands for the %s. */
static inline void spooling_shell(const char *format) {
  char command[600];
  (void)snprintf(command, sizeof command, format, spooling_directory);
  assert_int_equal(system(command), 0);
}

static inline void spooling_run(spooling *self) {
  pe_spool_run(self->spool, spooling_now);
  (void)accounted(self->queue);
}

static inline unsigned spooling_number_of(const pe_record *record) {
  char body[16] = ""; /* a record's is not NUL-terminated */
  unsigned number = SPOOLING_EVENTS;
  memcpy(body, pe_record_body(record), record->body_size < sizeof body ? record->body_size : sizeof body - 1);
  assert_int_equal(sscanf(body, "{%u", &number), 1);
  assert_true(number < SPOOLING_EVENTS);
  return number;
}

/* The event of that number. What goes for it is noted. */
static inline pe_error spooling_try(spooling *self, unsigned number) {
  static char body[65536];
  char id[16];
  pe_event event = {.body = body, .id = id, .name = "e", .name_size = 1};
  pe_push push;
  pe_error error;
  event.body_size = (size_t)snprintf(body, sizeof body, "{%u%*s}", number, spooling_size, "");
  event.id_size = (size_t)snprintf(id, sizeof id, "%u", number);
  error = pe_queue_push(self->queue, &event, spooling_now, &push);
  for (const pe_record *record = push.dropped; record; record = record->newer)
    spooling_dropped[spooling_number_of(record)]++;
  (void)pe_queue_forget(self->queue, push.dropped);
  return error;
}

/* Whether it was accepted. */
static inline bool spooling_push(spooling *self, unsigned number) {
  return spooling_try(self, number) == PE_OK;
}

static inline void spooling_end(spooling *self, pe_record *record) {
  unsigned number = spooling_number_of(record);
  bool rejected = number % 5 == 4; /* one in five */
  const pe_spool_end end = {.outcome = rejected ? PE_REJECTED_BY_PLATFORM : PE_DELIVERED,
                            .code = rejected ? PE_REJECTED : PE_OK,
                            .http_status = 200};
  if (rejected)
    spooling_rejected[number]++;
  else
    spooling_delivered[number]++;
  pe_spool_end_event(self->spool, record, &end);
  end_with(self->queue, record, end.outcome, end.code);
}

/* As the sender's loop: what can be taken has its outcome, then the spool runs. Returns how many were taken. */
static inline unsigned spooling_cycle(spooling *self) {
  unsigned count = 0;
  pe_record *records[SPOOLING_WIDTH];
  while (count < SPOOLING_WIDTH && (records[count] = pe_queue_take(self->queue, PE_PICK_DUE, spooling_now)))
    count++;
  for (unsigned i = 0; i < count; i++)
    spooling_end(self, records[i]);
  spooling_run(self);
  return count;
}

/* Until nothing is pending, and a few rounds of looking for files longer. */
static inline void spooling_drain(spooling *self) {
  for (int round = 0, idle = 0; idle < 4 && round < 1000; round++) {
    bool is_idle = spooling_cycle(self) == 0 && accounted(self->queue).pending == 0;
    idle = is_idle ? idle + 1 : 0;
    spooling_now += is_idle || accounted(self->queue).spool.state != PE_SPOOL_WORKS ? 31 * PE_SECOND : 0;
  }
  assert_int_equal(accounted(self->queue).pending, 0);
}

static inline void spooling_stop(spooling *self) {
  pe_spool_free(self->spool);
  (void)accounted(self->queue);
  pe_queue_free(self->queue);
}

/* How many files there are whose name ends so. */
static inline unsigned spooling_files(const char *suffix) {
  DIR *directory = opendir(spooling_directory);
  const struct dirent *entry;
  unsigned count = 0;
  assert_non_null(directory);
  while ((entry = readdir(directory))) {
    size_t length = strlen(entry->d_name);
    if (entry->d_name[0] == '.' || length < strlen(suffix)) continue;
    if (strcmp(entry->d_name + length - strlen(suffix), suffix) == 0) count++;
  }
  (void)closedir(directory);
  return count;
}

/* How many of the events from 0 to before `count` came never, and more than once. */
static inline void spooling_judge(unsigned count, unsigned *missing, unsigned *twice) {
  *missing = *twice = 0;
  for (unsigned i = 0; i < count; i++) {
    unsigned times = spooling_delivered[i] + spooling_rejected[i];
    if (times == 0) ++*missing;
    if (times > 1) ++*twice;
  }
}

#endif
