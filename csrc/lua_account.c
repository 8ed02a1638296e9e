/* What became of events, as Lua reads it: results, counters, waiting for the end. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "lua_client.h"
#include "lua_log.h"
#include "lua_result.h"
#include "lua_util.h"

static const double FLUSH_SECONDS = 10;

/* ---- results ---- */

/* Takes the result off the list; others may be in front of it: a finalizer's, which an error ended. */
static void unlink_result(pe_lua_client *self, const pe_result *result) {
  pe_result **link = &self->reading;
  while (*link != result)
    link = &(*link)->next;
  *link = result->next;
}

/* The iterator of client:results(). What it holds in C while it calls Lua hangs on the client, which frees it in the
 * end should an error come between. */
static int next_result(lua_State *L) {
  pe_lua_client *self = pe_lua_check_client(L);
  pe_result *result = self->results_left > 0 ? pe_client_take_result(self->client) : NULL;

  if (!result) {
    self->results_left = 0;
    lua_pushnil(L);
    return 1;
  }
  self->results_left--;
  result->next = self->reading;
  self->reading = result;
  pe_lua_push_result(L, result);
  unlink_result(self, result);
  free(result);
  return 1;
}

/* client:results(max) -> iterator, client: outcomes recorded since the last call, at most `max` */
static int client_results(lua_State *L) {
  pe_lua_client *self = pe_lua_check_client(L);
  lua_Number max = luaL_optnumber(L, 2, -1);
  uint64_t lost;
  size_t count;

  luaL_argcheck(L, max >= 0 || lua_isnoneornil(L, 2), 2, "expected a number, 0 or more");
  pe_lua_log_news(L, self);
  count = pe_client_results(self->client, &lost);
  self->results_left = max >= 0 && max < (lua_Number)count ? (size_t)max : count;
  lua_pushvalue(L, lua_upvalueindex(1)); /* the same function each time: a loop that finds nothing makes no garbage */
  lua_pushvalue(L, 1);
  return 2;
}

/* ---- counters ---- */

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
  set_count(L, "pending", counters->pending);
  set_count(L, "queued", counters->queued);
  set_count(L, "in_flight", counters->in_flight);
  set_count(L, "waiting", counters->waiting);
  set_count(L, "pending_bytes", counters->pending_bytes);
  set_count(L, "maybe_sent", counters->maybe_sent);
}

/* client:stats() -> a table of plain values */
static int client_stats(lua_State *L) {
  pe_lua_client *self = pe_lua_check_client(L);
  const char *state;
  pe_counters counters;
  uint64_t lost;
  size_t unread;

  pe_lua_log_news(L, self);
  pe_client_snapshot(self->client, &counters);
  unread = pe_client_results(self->client, &lost);
  state = pe_state_name(self->closed ? PE_STATE_CLOSED : counters.state);
  lua_createtable(L, 0, 28);
  set_events(L, &counters);
  set_count(L, "attempts", counters.attempts);
  set_count(L, "retries", counters.retries);
  set_count(L, "bytes", counters.bytes_sent);
  set_count(L, "invalid_sent", self->invalid_sent);
  set_count(L, "results_unread", unread);
  set_count(L, "results_lost", lost);
  set_replies(L, counters.replies);
  set_latency(L, &counters.latency);
  set_last_error(L, &counters);
  pe_lua_set_string(L, "state", state, strlen(state));
  return 1;
}

int pe_lua_account_push_remaining(lua_State *L, pe_lua_client *self, uint64_t remaining) {
  pe_counters counters;
  pe_client_snapshot(self->client, &counters);
  return pe_lua_push_remaining(L, remaining, counters.last_error == PE_OK ? "" : counters.last_error_message);
}

/* client:flush(seconds) -> true; or nil, message, "timeout", { remaining = } */
static int client_flush(lua_State *L) {
  pe_lua_client *self = pe_lua_check_client(L);
  int64_t timeout = pe_lua_opt_seconds(L, 2, FLUSH_SECONDS);
  uint64_t remaining = pe_client_flush(self->client, timeout);

  pe_lua_log_news(L, self);
  return pe_lua_account_push_remaining(L, self, remaining);
}

static const luaL_Reg methods[] = {
    {"stats", client_stats},
    {"flush", client_flush},
    {NULL, NULL},
};

void pe_lua_account_set_methods(lua_State *L) {
  pe_lua_setfuncs(L, methods);
  lua_pushcfunction(L, next_result);
  lua_pushcclosure(L, client_results, 1);
  lua_setfield(L, -2, "results");
}
