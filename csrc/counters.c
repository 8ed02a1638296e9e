#include "counters.h"

#include "clock.h"

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

const char *pe_state_name(pe_state state) {
  static const char *const names[] = {"idle", "sending", "cooling", "held", "closed"};
  return names[state];
}
