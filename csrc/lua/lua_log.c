#include "lua/lua_log.h"

#include <stdio.h>

#include "base/clock.h"

enum { SELF = 1, LINE_SIZE = 480 };

static bool is_too_soon(const pe_lua_self *self, pe_log_kind kind, int64_t now) {
  return self->logged[kind].last != 0 && now - self->logged[kind].last < PE_SECOND;
}

typedef struct news {
  const char *level, *about, *message; /* the line is the two of them */
  long suppressed;                     /* others of the kind, since the last line */
} news;

static int call_log(lua_State *L, void *data) {
  const news *told = data;
  pe_lua_self_push_kept(L, SELF, PE_KEEP_LOG);
  lua_pushstring(L, told->level);
  if (told->suppressed > 0)
    lua_pushfstring(L, "%s%s (and %d more of the kind)", told->about, told->message, (int)told->suppressed);
  else
    lua_pushfstring(L, "%s%s", told->about, told->message);
  lua_call(L, 2, 0);
  return 0;
}

bool pe_lua_log_takes(const pe_lua_self *self, pe_log_kind kind) {
  return self->has_log && (!self->logs_first_trouble || kind == PE_LOG_SPOOL);
}

/* Allocates nothing before it is in pe_lua_self_try. */
static bool tell(lua_State *L, pe_lua_self *self, pe_log_kind kind, news *told) {
  int64_t now = pe_clock_monotonic();

  if (!pe_lua_log_takes(self, kind)) {
    self->logged[kind].last = now; /* as if it were: nobody looks for the next one sooner */
    return false;
  }
  if (is_too_soon(self, kind, now)) {
    self->logged[kind].suppressed++;
    return false;
  }
  told->suppressed = self->logged[kind].suppressed;
  self->logged[kind].last = now;
  self->logged[kind].suppressed = 0;
  if (self->logs_first_trouble) self->has_log = false;
  if (pe_lua_self_try(L, call_log, told, 0) != 0) lua_pop(L, 1);
  return true;
}

bool pe_lua_log(lua_State *L, pe_lua_self *self, pe_log_kind kind, const char *level, const char *message) {
  news told = {level, "", message, 0};
  return tell(L, self, kind, &told);
}

/* A caller that is refused 60,000 times a second and writes each down is worse off than its log. */
int pe_lua_log_refused(lua_State *L, pe_lua_self *self, pe_error error, int count) {
  news told = {"warn", "an event was refused: ", lua_tostring(L, 1 - count), 0};
  if (error != PE_FILTERED) (void)tell(L, self, (pe_log_kind)(PE_LOG_REFUSED + (int)error), &told);
  return count;
}

void pe_lua_log_post(lua_State *L, pe_lua_self *self, int attempts, const char *code, const char *message) {
  char about[128];
  news told = {"warn", about, message, 0};

  if (attempts < 2 && !code) return;
  (void)snprintf(about, sizeof about, "a post took %d attempt%s and ended %s%s", attempts, attempts == 1 ? "" : "s",
                 code ? code : "delivered", message[0] ? ": " : "");
  (void)tell(L, self, code ? PE_LOG_FAILED : PE_LOG_RETRIED, &told);
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

/* The letters that were not kept, for the end of a line. */
static const char *dead_words(const pe_spool_gauges *spool, char words[80]) {
  words[0] = '\0';
  if (spool->dead_lost > 0)
    (void)snprintf(words, 80, "; dead events that were not kept: %llu", (unsigned long long)spool->dead_lost);
  return words;
}

static void log_spool(lua_State *L, pe_lua_self *self, const pe_counters *counters) {
  const pe_spool_gauges *spool = &counters->spool;
  pe_lua_told_spool *told = &self->told_spool;
  bool works = spool->state == PE_SPOOL_WORKS;
  bool has_failed = spool->failures != told->failures;
  char line[LINE_SIZE], dead[80];

  if (spool->state == told->state && !has_failed) return;
  if (works)
    (void)snprintf(line, sizeof line, "the spool works again; before: %s%s", spool->last_error,
                   dead_words(spool, dead));
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
  char line[LINE_SIZE], dead[80];

  if (damaged == told->damaged && unreadable == told->unreadable) return;
  (void)snprintf(line, sizeof line,
                 "files of the spool that were damaged, and set aside as *.damaged: %llu; events that could not be "
                 "read: %llu%s%s%s%s",
                 (unsigned long long)damaged, (unsigned long long)unreadable,
                 counters->spool.uncounted > 0 ? ", and others that nobody could count" : "",
                 dead_words(&counters->spool, dead), damaged > 0 ? "; the last file: " : "",
                 counters->spool.damaged_file);
  told->damaged = damaged;
  told->unreadable = unreadable;
  (void)pe_lua_log(L, self, PE_LOG_DAMAGED, "warn", line);
}

/* Files that are left alone: so many more than the log was told. */
static void log_left(lua_State *L, pe_lua_self *self, pe_log_kind kind, uint64_t count, uint64_t *told,
                     const char *what) {
  char line[LINE_SIZE];
  if (count <= *told) return;
  (void)snprintf(line, sizeof line, "files of the spool that %s: %llu", what, (unsigned long long)count);
  *told = count;
  (void)pe_lua_log(L, self, kind, "warn", line);
}

static void log_all_left(lua_State *L, pe_lua_self *self, const pe_counters *counters) {
  const pe_spool_gauges *spool = &counters->spool;
  pe_lua_told_spool *told = &self->told_spool;
  char what[PE_LAST_ERROR_SIZE + 64];

  log_left(L, self, PE_LOG_NEWER, spool->newer, &told->newer,
           "a newer version of postevent has written, and this one leaves alone");
  (void)snprintf(what, sizeof what, "this process cannot open, and leaves alone (%s)", spool->last_error);
  log_left(L, self, PE_LOG_BARRED, spool->barred, &told->barred, what);
  log_left(L, self, PE_LOG_ELSEWHERE, spool->elsewhere, &told->elsewhere,
           "are for another url, and that this client leaves alone (postevent spool list shows them)");
}

/* ---- all of it ---- */

/* Whether a line would be the second of its kind within a second. */
static bool is_any_too_soon(const pe_lua_self *self, int64_t now) {
  static const pe_log_kind kinds[] = {PE_LOG_STATE, PE_LOG_LOST,   PE_LOG_SPOOL,    PE_LOG_DAMAGED,
                                      PE_LOG_NEWER, PE_LOG_BARRED, PE_LOG_ELSEWHERE};
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
  log_all_left(L, self, &counters);
}
