/* What became of events, as Lua reads it: results, waiting for the end. The counters are in lua_stats.c. */
#include "lua/lua_account.h"

#include <math.h>
#include <stdlib.h>

#include "lua/lua_log.h"
#include "lua/lua_result.h"
#include "lua/lua_util.h"

static const double FLUSH_SECONDS = 10;

/* ---- results ---- */

static int push_result(lua_State *L, void *result) {
  const pe_lua_self *self = pe_lua_self_test(L);
  pe_lua_push_result(L, result, self && self->spools);
  return 1;
}

/* The iterator of client:results(). A result that cannot be told, for want of memory, is there the next time. It is
 * counted before Lua makes anything: a finalizer may run a loop of its own, which ends this one. */
static int next_result(lua_State *L) {
  pe_lua_self *self = pe_lua_self_check(L);
  pe_result *result = self->results_left > 0 ? pe_client_take_result(self->client) : NULL;

  if (!result) {
    self->results_left = 0;
    lua_pushnil(L);
    return 1;
  }
  self->results_left--;
  if (pe_lua_self_try(L, push_result, result, 1) != 0) {
    pe_client_return_result(self->client, result);
    return lua_error(L);
  }
  free(result);
  return 1;
}

/* client:results(max) -> iterator, client: outcomes recorded since the last call, at most `max` */
static int client_results(lua_State *L) {
  pe_lua_self *self = pe_lua_self_check(L);
  lua_Number max = pe_lua_opt_number(L, 2, "results: max", HUGE_VAL, HUGE_VAL);
  uint64_t lost;
  size_t count;

  pe_client_asked(self->client);
  pe_lua_log_news(L, self);
  count = pe_client_results(self->client, &lost);
  self->results_left = max < (lua_Number)count ? (size_t)max : count;
  lua_pushvalue(L, lua_upvalueindex(1)); /* the same function each time: a loop that finds nothing makes no garbage */
  lua_pushvalue(L, 1);
  return 2;
}

/* ---- waiting for the end ---- */

int pe_lua_account_push_remaining(lua_State *L, pe_lua_self *self, uint64_t remaining) {
  pe_counters counters;
  uint64_t kept;
  pe_client_snapshot(self->client, &counters);
  kept = pe_counters_kept(&counters);
  return pe_lua_push_remaining(L, remaining, kept, counters.last_error == PE_OK ? "" : counters.last_error_message);
}

/* client:flush(seconds) -> true; or nil, message, "timeout", { remaining = } */
static int client_flush(lua_State *L) {
  pe_lua_self *self = pe_lua_self_check(L);
  int64_t timeout = pe_lua_opt_seconds(L, 2, "flush: seconds", FLUSH_SECONDS);
  uint64_t remaining;

  pe_lua_self_check_may_wait(L, self, "flush");
  pe_client_asked(self->client);
  remaining = pe_client_flush(self->client, timeout);
  pe_lua_log_news(L, self);
  return pe_lua_account_push_remaining(L, self, remaining);
}

static const luaL_Reg methods[] = {
    {"flush", client_flush},
    {NULL, NULL},
};

void pe_lua_account_set_methods(lua_State *L) {
  pe_lua_setfuncs(L, methods);
  lua_pushcfunction(L, next_result);
  lua_pushcclosure(L, client_results, 1);
  lua_setfield(L, -2, "results");
}
