#include "lua/lua_log.h"

#include <stdio.h>

#include "base/clock.h"

enum { SELF = 1, LINE_SIZE = 480 };

static bool is_too_soon(const pe_lua_self *self, pe_log_kind kind, int64_t now) {
  return self->logged[kind].last != 0 && now - self->logged[kind].last < PE_SECOND;
}

typedef struct news {
  const char *level, *message;
  long suppressed; /* others of the kind, since the last line */
} news;

static int call_log(lua_State *L, void *data) {
  const news *told = data;
  pe_lua_self_push_kept(L, SELF, PE_KEEP_LOG);
  lua_pushstring(L, told->level);
  if (told->suppressed > 0)
    lua_pushfstring(L, "%s (and %d more of the kind)", told->message, (int)told->suppressed);
  else
    lua_pushstring(L, told->message);
  lua_call(L, 2, 0);
  return 0;
}

bool pe_lua_log(lua_State *L, pe_lua_self *self, pe_log_kind kind, const char *level, const char *message) {
  int64_t now = pe_clock_monotonic();
  news told = {level, message, self->logged[kind].suppressed};

  if (!self->has_log) return false;
  if (is_too_soon(self, kind, now)) {
    self->logged[kind].suppressed++;
    return false;
  }
  self->logged[kind].last = now;
  self->logged[kind].suppressed = 0;
  if (pe_lua_self_try(L, call_log, &told, 0) != 0) lua_pop(L, 1);
  return true;
}

static void log_state(lua_State *L, pe_lua_self *self, const pe_counters *counters) {
  char line[LINE_SIZE];
  bool troubled = counters->state == PE_STATE_HELD || counters->state == PE_STATE_COOLING;
  bool was_troubled = self->told_state == PE_STATE_HELD || self->told_state == PE_STATE_COOLING;

  if (counters->state == self->told_state || (!troubled && !was_troubled)) return;
  if (troubled)
    (void)snprintf(line, sizeof line, "delivery is %s, %llu pending: %s", pe_state_name(counters->state),
                   (unsigned long long)counters->pending, counters->last_error_message);
  else
    (void)snprintf(line, sizeof line, "delivery goes on, %llu pending", (unsigned long long)counters->pending);
  self->told_state = counters->state;
  (void)pe_lua_log(L, self, PE_LOG_STATE, troubled ? "warn" : "info", line);
}

static void log_lost(lua_State *L, pe_lua_self *self, const pe_counters *counters) {
  const uint64_t *outcomes = counters->outcomes;
  char line[LINE_SIZE];

  if (pe_counters_failed(counters) == self->told_lost) return;
  (void)snprintf(
      line, sizeof line,
      "not delivered since the last line of the kind: %llu; in all %llu rejected, %llu expired, %llu dropped, "
      "%llu unknown; the last error: %s",
      (unsigned long long)(pe_counters_failed(counters) - self->told_lost),
      (unsigned long long)outcomes[PE_REJECTED_BY_PLATFORM], (unsigned long long)outcomes[PE_EXPIRED],
      (unsigned long long)outcomes[PE_DROPPED], (unsigned long long)outcomes[PE_UNKNOWN],
      counters->last_error == PE_OK ? "none" : counters->last_error_message);
  self->told_lost = pe_counters_failed(counters);
  (void)pe_lua_log(L, self, PE_LOG_LOST, "warn", line);
}

/* ---- the spool ---- */

static void log_spool(lua_State *L, pe_lua_self *self, const pe_counters *counters) {
  const pe_spool_gauges *spool = &counters->spool;
  pe_lua_told_spool *told = &self->told_spool;
  bool works = spool->state == PE_SPOOL_WORKS;
  bool has_failed = spool->failures != told->failures;
  char line[LINE_SIZE];

  if (spool->state == told->state && !has_failed) return;
  if (works)
    (void)snprintf(line, sizeof line, "the spool works again; before: %s", spool->last_error);
  else
    (void)snprintf(line, sizeof line, "%s, %llu pending in memory alone: %s",
                   spool->state == PE_SPOOL_FULL ? "the spool is full" : "the spool fails",
                   (unsigned long long)counters->unwritten, spool->last_error);
  if (!works || has_failed || told->state != PE_SPOOL_OFF)
    (void)pe_lua_log(L, self, PE_LOG_SPOOL, works ? "info" : "warn", line);
  told->state = spool->state;
  told->failures = spool->failures;
}

static void log_damaged(lua_State *L, pe_lua_self *self, const pe_counters *counters) {
  pe_lua_told_spool *told = &self->told_spool;
  uint64_t damaged = counters->spool.damaged, unreadable = counters->dropped_by[PE_SPOOL];
  char line[LINE_SIZE];

  if (damaged == told->damaged && unreadable == told->unreadable) return;
  (void)snprintf(line, sizeof line,
                 "files of the spool that were damaged, and set aside as *.damaged: %llu; events that could not be "
                 "read: %llu",
                 (unsigned long long)damaged, (unsigned long long)unreadable);
  told->damaged = damaged;
  told->unreadable = unreadable;
  (void)pe_lua_log(L, self, PE_LOG_DAMAGED, "warn", line);
}

static void log_newer(lua_State *L, pe_lua_self *self, const pe_counters *counters) {
  uint64_t newer = counters->spool.newer;
  char line[LINE_SIZE];

  if (newer <= self->told_spool.newer) return;
  (void)snprintf(line, sizeof line,
                 "files of the spool that a newer version of postevent has written, and this one leaves alone: %llu",
                 (unsigned long long)newer);
  self->told_spool.newer = newer;
  (void)pe_lua_log(L, self, PE_LOG_NEWER, "warn", line);
}

/* ---- all of it ---- */

/* Whether a line would be the second of its kind within a second. */
static bool is_any_too_soon(const pe_lua_self *self, int64_t now) {
  static const pe_log_kind kinds[] = {PE_LOG_STATE, PE_LOG_LOST, PE_LOG_SPOOL, PE_LOG_DAMAGED, PE_LOG_NEWER};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (is_too_soon(self, kinds[i], now)) return true;
  return false;
}

void pe_lua_log_news(lua_State *L, pe_lua_self *self) {
  pe_counters counters;

  if (!self->has_log || !pe_client_has_news(self->client)) return;
  if (is_any_too_soon(self, pe_clock_monotonic())) return; /* the news stays */
  pe_client_take_news(self->client);
  pe_client_snapshot(self->client, &counters);
  log_state(L, self, &counters);
  log_lost(L, self, &counters);
  log_spool(L, self, &counters);
  log_damaged(L, self, &counters);
  log_newer(L, self, &counters);
}
