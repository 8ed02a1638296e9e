#include "queue/counters.h"

#include <string.h>

#include "base/clock.h"

static const int64_t MICROSECOND = 1000;

/* Values below 4 have a bucket each; above, the two bits below the highest one choose among four. */
static int bucket_of(int64_t nanoseconds) {
  uint64_t value = nanoseconds > 0 ? (uint64_t)(nanoseconds / MICROSECOND) : 0;
  int power = 2;
  int bucket;

  if (value < 4) return (int)value;
  while (value >> (power + 1) > 0)
    power++;
  bucket = 4 * (power - 1) + (int)((value >> (power - 2)) & 3);
  return bucket < PE_LATENCY_BUCKETS ? bucket : PE_LATENCY_BUCKETS - 1;
}

/* The least value, in nanoseconds, that lies above the bucket. */
static int64_t end_of(int bucket) {
  int power = bucket / 4 + 1;
  if (bucket < 4) return (bucket + 1) * MICROSECOND;
  return ((INT64_C(4) + bucket % 4 + 1) << (power - 2)) * MICROSECOND;
}

void pe_latencies_add(pe_latencies *latencies, int64_t nanoseconds) {
  latencies->count++;
  latencies->buckets[bucket_of(nanoseconds)]++;
  latencies->sum += nanoseconds;
  if (nanoseconds > latencies->max) latencies->max = nanoseconds;
}

int64_t pe_latencies_quantile(const pe_latencies *latencies, double share) {
  uint64_t wanted = (uint64_t)(share * (double)latencies->count + 0.5);
  uint64_t seen = 0;

  if (latencies->count == 0) return 0;
  for (int i = 0; i < PE_LATENCY_BUCKETS - 1; i++) { /* the last one has no end */
    seen += latencies->buckets[i];
    if (seen >= wanted && seen > 0) return end_of(i) < latencies->max ? end_of(i) : latencies->max;
  }
  return latencies->max;
}

uint64_t pe_counters_failed(const pe_counters *counters) {
  uint64_t failed = 0;
  for (int outcome = PE_REJECTED_BY_PLATFORM; outcome < PE_OUTCOME_COUNT; outcome++)
    failed += counters->outcomes[outcome];
  return failed - counters->dropped_by[PE_WITHDRAWN];
}

uint64_t pe_counters_kept(const pe_counters *counters) {
  if (counters->spool.state == PE_SPOOL_OFF) return 0;
  return counters->pending - counters->unspooled - counters->unwritten;
}

/* ---- the sum of many ---- */

static void add_each(uint64_t *counts, const uint64_t *others, size_t count) {
  for (size_t i = 0; i < count; i++)
    counts[i] += others[i];
}

static void add_latencies(pe_latencies *latencies, const pe_latencies *other) {
  latencies->count += other->count;
  add_each(latencies->buckets, other->buckets, PE_LATENCY_BUCKETS);
  latencies->sum += other->sum;
  if (other->max > latencies->max) latencies->max = other->max;
}

static int attention(pe_state state) {
  static const int ranks[] = {
      [PE_STATE_CLOSED] = 0, [PE_STATE_IDLE] = 1, [PE_STATE_SENDING] = 2, [PE_STATE_COOLING] = 3, [PE_STATE_HELD] = 4};
  return ranks[state];
}

static void add_events(pe_counters *counters, const pe_counters *other) {
  counters->calls += other->calls;
  counters->accepted += other->accepted;
  counters->filtered += other->filtered;
  counters->restored += other->restored;
  add_each(counters->refused, other->refused, PE_ERROR_COUNT);
  add_each(counters->outcomes, other->outcomes, PE_OUTCOME_COUNT);
  counters->pending += other->pending;
  counters->queued += other->queued;
  counters->waiting += other->waiting;
  counters->in_flight += other->in_flight;
  counters->on_disk += other->on_disk;
  counters->unwritten += other->unwritten;
  counters->unspooled += other->spool.state == PE_SPOOL_OFF ? other->pending : other->unspooled;
  counters->pending_bytes += other->pending_bytes;
  counters->lost += other->lost;
  counters->kept += other->kept;
}

static void add_work(pe_counters *counters, const pe_counters *other) {
  add_each(counters->rejected_by, other->rejected_by, PE_ERROR_COUNT);
  add_each(counters->dropped_by, other->dropped_by, PE_ERROR_COUNT);
  add_each(counters->unknown_by, other->unknown_by, PE_ERROR_COUNT);
  counters->attempts += other->attempts;
  counters->retries += other->retries;
  counters->bytes_sent += other->bytes_sent;
  add_each(counters->replies, other->replies, PE_HTTP_CLASSES);
  counters->maybe_sent += other->maybe_sent;
  counters->trimmed += other->trimmed;
}

/* The state is the one that wants more attention: the order of the enumeration. */
static void add_spool(pe_spool_gauges *spool, const pe_spool_gauges *other) {
  spool->bytes += other->bytes;
  spool->dead += other->dead;
  spool->dead_dropped += other->dead_dropped;
  spool->dead_lost += other->dead_lost;
  spool->failures += other->failures;
  spool->adopted += other->adopted;
  spool->damaged += other->damaged;
  spool->uncounted += other->uncounted;
  if (other->newer > spool->newer) spool->newer = other->newer; /* each has seen the same files */
  if (other->barred > spool->barred) spool->barred = other->barred;
  if (other->elsewhere > spool->elsewhere) spool->elsewhere = other->elsewhere;
  if (other->state > spool->state) spool->state = other->state;
  if (other->damaged > 0) memcpy(spool->damaged_file, other->damaged_file, PE_SPOOL_NAME_SIZE);
  if (other->last_error_at <= spool->last_error_at) return;
  spool->last_error_at = other->last_error_at;
  memcpy(spool->last_error, other->last_error, PE_LAST_ERROR_SIZE);
}

void pe_counters_add(pe_counters *counters, const pe_counters *other) {
  add_events(counters, other);
  add_work(counters, other);
  add_spool(&counters->spool, &other->spool);
  add_latencies(&counters->latency, &other->latency);
  if (attention(other->state) > attention(counters->state)) counters->state = other->state;
  if (other->last_error == PE_OK || other->last_error_at < counters->last_error_at) return;
  counters->last_error = other->last_error;
  counters->last_error_at = other->last_error_at;
  memcpy(counters->last_error_message, other->last_error_message, PE_LAST_ERROR_SIZE);
}

void pe_counters_end(pe_counters *counters) {
  uint64_t kept = pe_counters_kept(counters);
  counters->kept += kept;
  counters->lost += counters->pending - kept;
  counters->pending = counters->queued = counters->waiting = counters->in_flight = 0;
  counters->on_disk = counters->unwritten = counters->unspooled = 0;
  counters->pending_bytes = counters->maybe_sent = 0;
  counters->spool.state = PE_SPOOL_OFF;
  counters->spool.bytes = counters->spool.dead = 0; /* of files that others have now */
  counters->spool.newer = counters->spool.barred = counters->spool.elsewhere = 0;
  counters->state = PE_STATE_CLOSED;
}

/* ---- the state ---- */

const char *pe_state_name(pe_state state) {
  static const char *const names[] = {"idle", "sending", "cooling", "held", "closed"};
  return names[state];
}
