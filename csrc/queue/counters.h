/* What a client has done, as plain numbers ("design.md", The way of an event). No lock of its own: the queue guards the
 * one that counts, and hands out copies. */
#ifndef PE_COUNTERS_H
#define PE_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "queue/outcome.h"

enum {
  PE_LATENCY_BUCKETS = 160, /* four to each power of two, from 1 microsecond to 12 days */
  PE_LAST_ERROR_SIZE = 320,
  PE_SPOOL_NAME_SIZE = 80,
  PE_HTTP_CLASSES = 6 /* [1] is 1xx, ... [5] is 5xx */
};

/* How long events took from their acceptance to their delivery, or until they were relayed. */
typedef struct pe_latencies {
  uint64_t count;
  uint64_t buckets[PE_LATENCY_BUCKETS];
  int64_t sum; /* nanoseconds */
  int64_t max; /* nanoseconds */
} pe_latencies;

typedef enum pe_state { PE_STATE_IDLE, PE_STATE_SENDING, PE_STATE_COOLING, PE_STATE_HELD, PE_STATE_CLOSED } pe_state;

typedef enum pe_spool_state {
  PE_SPOOL_OFF,   /* there is none */
  PE_SPOOL_WORKS, /* what is accepted is on disk before it is sent */
  PE_SPOOL_FULL,  /* the disk: in memory meanwhile */
  PE_SPOOL_FAILS  /* in memory meanwhile */
} pe_spool_state;

/* How a spool is. */
typedef struct pe_spool_gauges {
  pe_spool_state state;
  uint64_t bytes;              /* used in the files that we have */
  uint64_t dead, dead_dropped; /* dead letters there, and those that gave way to newer ones */
  uint64_t failures;           /* times that it ceased to work */
  uint64_t adopted, damaged;   /* files of other processes; files set aside */
  uint64_t newer;              /* files of a newer release, left alone: at the last look */
  uint64_t uncounted;          /* of those set aside: nobody knows how many events were in them */
  uint64_t barred;             /* files that cannot be opened, another user's, left alone: at the last look */
  uint64_t elsewhere;          /* files of other endpoints that nobody had: at the first look */
  uint64_t dead_lost;          /* that were not kept: of damaged files, and of events that were not on disk */
  int64_t last_error_at;       /* wall nanoseconds; 0: none so far */
  char last_error[PE_LAST_ERROR_SIZE];
  char damaged_file[PE_SPOOL_NAME_SIZE]; /* that was set aside last */
} pe_spool_gauges;

typedef struct pe_counters {
  /* calls = accepted + filtered + all of refused */
  uint64_t calls, accepted, filtered;
  uint64_t refused[PE_ERROR_COUNT];
  /* accepted + restored = all of outcomes + pending */
  uint64_t restored; /* found on disk: another process had accepted them */
  uint64_t outcomes[PE_OUTCOME_COUNT];
  uint64_t pending; /* queued + waiting + in_flight */
  uint64_t queued, waiting, in_flight;
  uint64_t on_disk;       /* of those that are queued: on disk alone */
  uint64_t unwritten;     /* of those that are pending: not on disk, and meant to be */
  uint64_t pending_bytes; /* of those in memory */
  /* why */
  uint64_t rejected_by[PE_ERROR_COUNT];
  uint64_t dropped_by[PE_ERROR_COUNT];
  uint64_t unknown_by[PE_ERROR_COUNT];
  /* the sender's work */
  uint64_t attempts, retries;
  uint64_t bytes_sent; /* of bodies */
  uint64_t replies[PE_HTTP_CLASSES];
  uint64_t maybe_sent; /* pending events whose last attempt was sent and then cancelled by close */
  uint64_t trimmed;    /* entries of the stream that gave way to newer ones, whoever had relayed them */
  uint64_t lost;       /* of processes that are no more: events that were pending when they ended, in memory alone */
  uint64_t kept;       /* and those that were on disk: another process has them restored, or will have */
  pe_latencies latency;
  pe_state state;
  pe_error last_error;   /* PE_OK: none so far */
  int64_t last_error_at; /* wall nanoseconds */
  char last_error_message[PE_LAST_ERROR_SIZE];
  pe_spool_gauges spool;
  uint64_t unspooled; /* of a sum: pending events of clients that have no spool */
} pe_counters;

void pe_latencies_add(pe_latencies *latencies, int64_t nanoseconds);

/* The latency that `share` (0 to 1) of the events did not exceed: nanoseconds, at most a quarter too long (below 4
 * microseconds at most one), never longer than the longest. 0 when there are none. */
int64_t pe_latencies_quantile(const pe_latencies *latencies, double share);

/* How many events came to no good: every outcome but delivered and relayed, without those that were thrown away as the
 * program said. */
uint64_t pe_counters_failed(const pe_counters *counters);

/* How many of those that are pending are on disk, and outlive the process. */
uint64_t pe_counters_kept(const pe_counters *counters);

/* Adds the counts of another client. The state is the one that wants more attention (held, cooling, sending, idle,
 * closed), the last error the later one. The sums are as consistent as what is added. */
void pe_counters_add(pe_counters *counters, const pe_counters *other);

/* The process whose counters they are is no more: what was pending is lost or kept, and nothing is under way. The sums
 * are balanced with both: accepted + restored = all of outcomes + pending + lost + kept. */
void pe_counters_end(pe_counters *counters);

/* The state as a program reads it: "idle". Static storage. */
const char *pe_state_name(pe_state state);

#endif
