#include "lua/lua_stats.h"

#include <string.h>

#include "base/clock.h"
#include "base/version.h"
#include "lua/lua_log.h"
#include "lua/lua_self.h"
#include "lua/lua_util.h"

/* What client:_counters() returns, for another process of this machine with the same build. */
typedef struct published {
  char layout[16]; /* LAYOUT: the other process has the same idea of this struct */
  pe_counters counters;
  uint64_t invalid_sent, results_unread, results_lost;
} published;

static const char LAYOUT[16] = PE_VERSION;

static void set_count(lua_State *L, const char *name, uint64_t count) {
  pe_lua_set_integer(L, name, (int64_t)count);
}

/* t[name] = { [code] = count, ... }, without those that are 0 */
static void set_by_code(lua_State *L, const char *name, const uint64_t counts[PE_ERROR_COUNT]) {
  lua_newtable(L);
  for (int error = 0; error < PE_ERROR_COUNT; error++)
    if (counts[error] > 0) set_count(L, pe_error_name((pe_error)error), counts[error]);
  lua_setfield(L, -2, name);
}

/* t.replies = { ["2xx"] = count, ... } */
static void set_replies(lua_State *L, const uint64_t replies[PE_HTTP_CLASSES]) {
  static const char *const names[PE_HTTP_CLASSES] = {"", "1xx", "2xx", "3xx", "4xx", "5xx"};
  lua_createtable(L, 0, PE_HTTP_CLASSES - 1);
  for (int class = 1; class < PE_HTTP_CLASSES; class ++)
    set_count(L, names[class], replies[class]);
  lua_setfield(L, -2, "replies");
}

static void set_seconds(lua_State *L, const char *name, int64_t nanoseconds) {
  pe_lua_set_number(L, name, (double)nanoseconds / (double)PE_SECOND);
}

/* t.latency = { count, sum, p50, p90, p99, max }, in seconds, of what was delivered */
static void set_latency(lua_State *L, const pe_latencies *latencies) {
  lua_createtable(L, 0, 6);
  set_count(L, "count", latencies->count);
  set_seconds(L, "sum", latencies->sum);
  set_seconds(L, "p50", pe_latencies_quantile(latencies, 0.5));
  set_seconds(L, "p90", pe_latencies_quantile(latencies, 0.9));
  set_seconds(L, "p99", pe_latencies_quantile(latencies, 0.99));
  set_seconds(L, "max", latencies->max);
  lua_setfield(L, -2, "latency");
}

/* t.last_error = { code, message, at }, at in seconds since 1970 */
static void set_last_error(lua_State *L, const pe_counters *counters) {
  const char *code = pe_error_name(counters->last_error);
  if (counters->last_error == PE_OK) return;
  lua_createtable(L, 0, 3);
  pe_lua_set_string(L, "code", code, strlen(code));
  pe_lua_set_string(L, "message", counters->last_error_message, strlen(counters->last_error_message));
  set_seconds(L, "at", counters->last_error_at);
  lua_setfield(L, -2, "last_error");
}

/* The counts of events, of which the two equations speak. */
static void set_events(lua_State *L, const pe_counters *counters) {
  set_count(L, "calls", counters->calls);
  set_count(L, "filtered", counters->filtered);
  set_by_code(L, "refused", counters->refused);
  set_count(L, "accepted", counters->accepted);
  for (int outcome = 0; outcome < PE_OUTCOME_COUNT; outcome++)
    set_count(L, pe_outcome_name((pe_outcome)outcome), counters->outcomes[outcome]);
  set_by_code(L, "rejected_by", counters->rejected_by);
  set_by_code(L, "dropped_by", counters->dropped_by);
  set_by_code(L, "unknown_by", counters->unknown_by);
  set_count(L, "restored", counters->restored);
  set_count(L, "pending", counters->pending);
  set_count(L, "queued", counters->queued);
  set_count(L, "in_flight", counters->in_flight);
  set_count(L, "waiting", counters->waiting);
  set_count(L, "pending_bytes", counters->pending_bytes);
  set_count(L, "maybe_sent", counters->maybe_sent);
  set_count(L, "trimmed", counters->trimmed);
}

/* t.spool = { state, uncommitted, on_disk, bytes, dead, ..., last_error = { message, at } } */
static void set_spool(lua_State *L, const pe_counters *counters) {
  static const char *const states[] = {"off", "works", "full", "fails"};
  const pe_spool_gauges *spool = &counters->spool;

  lua_createtable(L, 0, 14);
  pe_lua_set_string(L, "state", states[spool->state], strlen(states[spool->state]));
  set_count(L, "uncommitted", counters->unwritten);
  set_count(L, "on_disk", counters->on_disk);
  set_count(L, "bytes", spool->bytes);
  set_count(L, "dead", spool->dead);
  set_count(L, "dead_dropped", spool->dead_dropped);
  set_count(L, "dead_lost", spool->dead_lost);
  set_count(L, "failures", spool->failures);
  set_count(L, "adopted", spool->adopted);
  set_count(L, "damaged", spool->damaged);
  set_count(L, "uncounted", spool->uncounted);
  set_count(L, "newer", spool->newer);
  set_count(L, "barred", spool->barred);
  set_count(L, "elsewhere", spool->elsewhere);
  if (spool->last_error_at != 0) {
    lua_createtable(L, 0, 2);
    pe_lua_set_string(L, "message", spool->last_error, strlen(spool->last_error));
    set_seconds(L, "at", spool->last_error_at);
    lua_setfield(L, -2, "last_error");
  }
  lua_setfield(L, -2, "spool");
}

/* Pushes a table of plain values. */
static void push_stats(lua_State *L, const published *all) {
  const pe_counters *counters = &all->counters;
  const char *state = pe_state_name(counters->state);

  lua_createtable(L, 0, 31);
  set_events(L, counters);
  set_count(L, "attempts", counters->attempts);
  set_count(L, "retries", counters->retries);
  set_count(L, "bytes", counters->bytes_sent);
  set_count(L, "invalid_sent", all->invalid_sent);
  set_count(L, "results_unread", all->results_unread);
  set_count(L, "results_lost", all->results_lost);
  set_replies(L, counters->replies);
  set_latency(L, &counters->latency);
  set_last_error(L, counters);
  if (counters->spool.state != PE_SPOOL_OFF) set_spool(L, counters);
  pe_lua_set_string(L, "state", state, strlen(state));
}

static void read_client(pe_lua_self *self, published *all) {
  memset(all, 0, sizeof *all);
  memcpy(all->layout, LAYOUT, sizeof LAYOUT);
  pe_client_snapshot(self->client, &all->counters);
  if (self->closed) all->counters.state = PE_STATE_CLOSED;
  all->invalid_sent = self->invalid_sent;
  all->results_unread = pe_client_results(self->client, &all->results_lost);
}

/* client:stats() -> a table of plain values */
static int client_stats(lua_State *L) {
  pe_lua_self *self = pe_lua_self_check(L);
  published all;

  pe_client_asked(self->client);
  pe_lua_log_news(L, self);
  read_client(self, &all);
  push_stats(L, &all);
  return 1;
}

/* ---- the sum of many ---- */

/* client:_counters() -> a string, whether the client is closed, how many events are pending. Not the program asks. */
static int client_counters(lua_State *L) {
  pe_lua_self *self = pe_lua_self_check(L);
  bool closed;
  published all;

  pe_lua_log_news(L, self);
  closed = self->closed; /* before: a finalizer may close it while the string is made */
  read_client(self, &all);
  lua_pushlstring(L, (const char *)&all, sizeof all);
  lua_pushboolean(L, closed);
  pe_lua_push_integer(L, (int64_t)all.counters.pending);
  return 3;
}

/* Adds up the strings of the list at index 1. What another build has written is left out. */
static void add_all(lua_State *L, published *all) {
  luaL_checktype(L, 1, LUA_TTABLE);
  memset(all, 0, sizeof *all);
  memcpy(all->layout, LAYOUT, sizeof LAYOUT);
  all->counters.state = PE_STATE_CLOSED;
  for (int i = 1; i <= (int)pe_lua_rawlen(L, 1); i++) {
    published one;
    const char *bytes;
    size_t size;
    lua_rawgeti(L, 1, i);
    bytes = lua_tolstring(L, -1, &size);
    if (bytes && size == sizeof one) {
      memcpy(&one, bytes, sizeof one); /* a string is not aligned */
      if (memcmp(one.layout, LAYOUT, sizeof LAYOUT) == 0) {
        pe_counters_add(&all->counters, &one.counters);
        all->invalid_sent += one.invalid_sent;
        all->results_unread += one.results_unread;
        all->results_lost += one.results_lost;
      }
    }
    lua_pop(L, 1);
  }
}

int pe_lua_stats_sum(lua_State *L) {
  published all;
  add_all(L, &all);
  push_stats(L, &all);
  set_count(L, "lost", all.counters.lost);
  set_count(L, "kept", all.counters.kept);
  return 1;
}

int pe_lua_stats_total(lua_State *L) {
  published all;
  add_all(L, &all);
  if (lua_toboolean(L, 2)) {
    pe_counters_end(&all.counters);
    all.results_lost += all.results_unread;
    all.results_unread = 0;
  }
  lua_pushlstring(L, (const char *)&all, sizeof all);
  return 1;
}

static const luaL_Reg methods[] = {
    {"stats", client_stats},
    {"_counters", client_counters},
    {NULL, NULL},
};

void pe_lua_stats_set_methods(lua_State *L) {
  pe_lua_setfuncs(L, methods);
}
