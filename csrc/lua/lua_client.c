#include "lua/lua_client.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/worker.h"
#include "lua/lua_account.h"
#include "lua/lua_deliver.h"
#include "lua/lua_log.h"
#include "lua/lua_result.h"
#include "lua/lua_self.h"
#include "lua/lua_settings.h"
#include "lua/lua_stats.h"
#include "lua/lua_util.h"

static const double CLOSE_SECONDS = 5;
static const int64_t STATE_END_PATIENCE = 900 * PE_MILLISECOND; /* design.md: one second in all */

enum { SELF = 1 };

/* ---- new ---- */

/* Stores settings[name], or nil where that is false, in a slot of the table on top. */
static void keep(lua_State *L, int settings, const char *name, int slot) {
  lua_getfield(L, settings, name);
  if (!lua_toboolean(L, -1)) {
    lua_pop(L, 1);
    lua_pushnil(L);
  }
  lua_rawseti(L, -2, slot);
}

static void keep_values(lua_State *L, int settings, pe_lua_self *self, int index, size_t max_event_bytes) {
  lua_createtable(L, PE_KEEP_COUNT, 0);
  keep(L, settings, "common", PE_KEEP_COMMON);
  keep(L, settings, "prepare", PE_KEEP_PREPARE);
  keep(L, settings, "log", PE_KEEP_LOG);
  keep(L, settings, "guard", PE_KEEP_GUARD);
  keep(L, settings, "facts", PE_KEEP_FACTS);
  keep(L, settings, "definitions", PE_KEEP_DEFINITIONS);
  self->call = pe_lua_call_new(L, max_event_bytes);
  lua_rawseti(L, -2, PE_KEEP_CALL);
  lua_pushcfunction(L, pe_lua_self_run_try);
  lua_rawseti(L, -2, PE_KEEP_TRY);
  lua_newtable(L);
  lua_rawseti(L, -2, PE_KEEP_RECORDED);
  lua_newtable(L);
  lua_rawseti(L, -2, PE_KEEP_UNPUBLISHED);
  pe_lua_setuservalue(L, index);
}

static void take_settings(pe_lua_self *self, const pe_lua_settings *settings) {
  self->mode = settings->mode;
  self->has_sent = settings->mode == PE_MODE_LIVE;
  self->rules = settings->rules;
  self->has_common = settings->has_common;
  self->has_prepare = settings->has_prepare;
  self->has_log = settings->has_log;
  self->logs_first_trouble = settings->logs_first_trouble;
  self->spools = settings->config.spool.directory != NULL;
  self->relays = settings->config.relay.link.url.text[0] != '\0';
  self->is_guarded = settings->has_guard;
  self->waits_for_room = settings->config.queue.overflow == PE_OVERFLOW_WAIT;
  self->waits_for_disk = settings->config.queue.awaits;
  (void)snprintf(self->target, sizeof self->target, "%s", settings->target);
}

/* A client that never sends keeps nothing. */
static void set_spool(pe_client_config *config) {
  if (!config->can_send) config->spool.directory = NULL;
  config->queue.spools = config->spool.directory != NULL;
  config->queue.awaits = config->queue.awaits && config->queue.spools;
  config->queue.required = config->queue.required && config->queue.awaits;
}

/* Nothing is posted where there is a relay. */
static void set_relay(pe_client_config *config) {
  if (config->relay.link.url.text[0] == '\0') config->relay.stream = NULL;
  config->relay.link.connect_timeout = config->http.connect_timeout;
  config->relay.link.timeout = config->post.timeout;
  config->can_send = config->http.url || config->relay.stream;
}

int pe_lua_client_new(lua_State *L) {
  enum { SETTINGS = 1, CLIENT };
  pe_lua_settings settings;
  const char *why = NULL;
  pe_lua_self *self;
  pe_error error;

  luaL_checktype(L, SETTINGS, LUA_TTABLE);
  lua_settop(L, SETTINGS);
  self = pe_lua_self_new(L); /* empty first: from here on __gc meets a safe object */
  pe_lua_settings_read(L, SETTINGS, &settings);
  take_settings(self, &settings);
  keep_values(L, SETTINGS, self, CLIENT, settings.max_event_bytes);
  set_relay(&settings.config);
  settings.config.sends = self->mode == PE_MODE_LIVE;
  set_spool(&settings.config);
  settings.config.group = lua_topointer(L, LUA_REGISTRYINDEX);
  error = pe_client_new(&settings.config, &self->client, &why);
  if (error != PE_OK) return luaL_error(L, "%s%s", error == PE_TLS && self->relays ? "relay." : "", why);
  lua_settop(L, CLIENT);
  return 1;
}

int pe_lua_client_facts(lua_State *L) {
  if (pe_lua_self_test(L))
    pe_lua_self_push_kept(L, SELF, PE_KEEP_FACTS);
  else
    lua_pushnil(L);
  return 1;
}

/* ---- the rest of the class ---- */

/* client:_set_credentials(credentials): what set_authorization calls after its checks. */
static int client_set_credentials(lua_State *L) {
  pe_lua_self *self = pe_lua_self_check(L);
  pe_error error;

  luaL_checktype(L, 2, LUA_TTABLE);
  if (self->closed) return pe_lua_push_refusal(L, PE_CLOSED, 0);
  error = pe_client_set_credentials(self->client, pe_lua_settings_read_credentials(L, 2));
  if (error) return pe_lua_push_refusal(L, error, 0);
  lua_pushboolean(L, 1);
  return 1;
}

/* The client keeps the value at `index` from now on. Allocates nothing: the table has its slots. So what is changed
 * together is changed or not, whatever memory there is. */
static void replace_kept(lua_State *L, int slot, int index) {
  pe_lua_getuservalue(L, SELF);
  lua_pushvalue(L, index);
  lua_rawseti(L, -2, slot);
  lua_pop(L, 1);
}

static void replace_prepare(lua_State *L, pe_lua_self *self, int index) {
  replace_kept(L, PE_KEEP_PREPARE, index);
  self->has_prepare = lua_isfunction(L, index);
}

/* client:_set_common(common, prepare): what set_common calls after its checks. */
static int client_set_common(lua_State *L) {
  enum { COMMON = 2, PREPARE };
  pe_lua_self *self = pe_lua_self_check(L);

  lua_settop(L, PREPARE);
  if (self->closed) return pe_lua_push_refusal(L, PE_CLOSED, 0);
  replace_kept(L, PE_KEEP_COMMON, COMMON);
  self->has_common = lua_istable(L, COMMON);
  replace_prepare(L, self, PREPARE);
  lua_pushboolean(L, 1);
  return 1;
}

static const char *const mode_names[] = {"live", "record", "off", NULL};

/* client:_set_mode(mode, pending, prepare, may_start): what set_mode calls after its checks. */
static int client_set_mode(lua_State *L) {
  enum { MODE = 2, PENDING, PREPARE, MAY_START };
  static const char *const pending_names[] = {"keep", "send", "drop", NULL}; /* as pe_pending */
  pe_lua_self *self = pe_lua_self_check(L);
  pe_client_mode mode = (pe_client_mode)luaL_checkoption(L, MODE, NULL, mode_names);
  pe_pending pending = (pe_pending)luaL_checkoption(L, PENDING, NULL, pending_names);
  bool sends = mode == PE_MODE_LIVE, may_start = lua_toboolean(L, MAY_START);
  pe_error error;

  lua_settop(L, PREPARE);
  error = self->closed ? PE_CLOSED : pe_client_set_mode(self->client, sends, pending, may_start);
  if (error) return pe_lua_push_refusal(L, error, 0);
  self->mode = mode;
  self->has_sent = self->has_sent || mode == PE_MODE_LIVE;
  replace_prepare(L, self, PREPARE);
  lua_pushboolean(L, 1);
  return 1;
}

/* client:_announce(function): it is called at the next call of track, and when that was in another process or it did
 * not return true, at the one after. */
static int client_announce(lua_State *L) {
  pe_lua_self *self = pe_lua_self_check(L);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  pe_lua_getuservalue(L, SELF);
  lua_pushvalue(L, 2);
  lua_rawseti(L, -2, PE_KEEP_ANNOUNCE);
  self->has_announce = true;
  self->announced = false;
  return 0;
}

/* client:_trace(is_rehearsal), before the first post: what posts send and receive is kept for _traced. */
static int client_trace(lua_State *L) {
  pe_http_trace *trace = pe_client_trace(pe_lua_self_check(L)->client);
  if (!trace) return luaL_error(L, "%s", pe_error_text(PE_NO_MEMORY));
  trace->is_rehearsal = lua_toboolean(L, 2);
  return 0;
}

/* client:_traced() -> the bytes, credentials hidden */
static int client_traced(lua_State *L) {
  const pe_http_trace *trace = pe_client_trace(pe_lua_self_check(L)->client);
  lua_pushlstring(L, trace && trace->text.size > 0 ? trace->text.data : "", trace ? trace->text.size : 0);
  return 1;
}

/* client:start() -> true; or nil, message, code, detail */
static int client_start(lua_State *L) {
  pe_lua_self *self = pe_lua_self_check(L);
  pe_error error = self->closed ? PE_CLOSED : pe_client_start(self->client);
  if (error) return pe_lua_push_refusal(L, error, 0);
  lua_pushboolean(L, 1);
  return 1;
}

/* Flushes and stops. Returns as client:close does; a second time it does nothing but that. */
static int end_client(lua_State *L, pe_lua_self *self, int64_t timeout) {
  uint64_t remaining;

  if (self->closed) return pe_lua_account_push_remaining(L, self, pe_client_flush(self->client, 0));
  pe_lua_self_check_may_wait(L, self, "close");
  self->closed = true;
  (void)pe_client_close(self->client, timeout);
  pe_lua_log_news(L, self);
  remaining = pe_client_stop(self->client);
  return pe_lua_account_push_remaining(L, self, remaining);
}

/* client:_finish(seconds): nothing is accepted any more, and what was has so long, behind the caller's back. An earlier
 * wish stays. */
static int client_finish(lua_State *L) {
  pe_lua_self *self = pe_lua_self_check(L);
  int64_t patience = pe_lua_opt_seconds(L, 2, "close: seconds", CLOSE_SECONDS);
  if (!self->client) return 0;
  self->closed = true;
  pe_client_finish(self->client, patience);
  return 0;
}

/* client:_life() -> "open"; "closing": it has events or a thread yet; or "ended": its counters are final */
static int client_life(lua_State *L) {
  const pe_lua_self *self = pe_lua_self_check(L);
  const char *life = "open";
  if (self->closed) life = self->client && !pe_client_has_ended(self->client, 0) ? "closing" : "ended";
  lua_pushstring(L, life);
  return 1;
}

/* client:_remaining() -> as client:close, of what is left now */
static int client_remaining(lua_State *L) {
  pe_lua_self *self = pe_lua_self_check(L);
  pe_client_asked(self->client);
  return pe_lua_account_push_remaining(L, self, pe_client_flush(self->client, 0));
}

/* client:_end(seconds): waits for a client that is to finish, and ends it. From here on it says nothing to the log. */
static int client_end(lua_State *L) {
  pe_lua_self *self = pe_lua_self_check(L);
  int64_t timeout = pe_lua_opt_seconds(L, 2, "close: seconds", CLOSE_SECONDS);
  self->has_log = false;
  if (!self->client) return 0;
  self->closed = true;
  pe_client_finish(self->client, timeout);
  if (!pe_client_has_ended(self->client, timeout)) (void)pe_client_stop(self->client);
  return 0;
}

/* client:close(seconds) -> true; or nil, message, "timeout", { remaining = } */
static int client_close(lua_State *L) {
  pe_lua_self *self = pe_lua_self_check(L);
  int results = end_client(L, self, pe_lua_opt_seconds(L, 2, "close: seconds", CLOSE_SECONDS));
  pe_client_asked(self->client);
  return results;
}

/* Leaving the scope of a `local client <close>` ends it as close() does, whatever the error in the second argument.
 * But nobody sees the answer: so the program has not asked. */
static int client_leave_scope(lua_State *L) {
  lua_settop(L, SELF);
  return end_client(L, pe_lua_self_check(L), pe_lua_opt_seconds(L, 2, "close: seconds", CLOSE_SECONDS));
}

/* Never waits. */
static int client_gc(lua_State *L) {
  pe_lua_self *self = pe_lua_self_check(L);
  self->closed = true;
  pe_client_leave(self->client);
  self->client = NULL;
  return 0;
}

static int client_tostring(lua_State *L) {
  const pe_lua_self *self = pe_lua_self_check(L);
  lua_pushfstring(L, "postevent.client (%s, %s%s)", mode_names[self->mode], self->target,
                  self->closed ? ", closed" : "");
  return 1;
}

static const luaL_Reg methods[] = {
    {"_set_credentials", client_set_credentials},
    {"_set_common", client_set_common},
    {"_set_mode", client_set_mode},
    {"_announce", client_announce},
    {"_trace", client_trace},
    {"_traced", client_traced},
    {"start", client_start},
    {"close", client_close},
    {"_finish", client_finish},
    {"_life", client_life},
    {"_remaining", client_remaining},
    {"_end", client_end},
    {"_collect", client_gc},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__gc", client_gc},
    {"__close", client_leave_scope},
    {"__tostring", client_tostring},
    {NULL, NULL},
};

/* The sentinel's: the Lua state ends, and with it the threads of its clients. One second in all. */
static int end_state(lua_State *L) {
  pe_worker_end_all(lua_topointer(L, LUA_REGISTRYINDEX), STATE_END_PATIENCE);
  return 0;
}

/* A userdata that is older than every client, so that it is finalized after them all. */
static void set_sentinel(lua_State *L) {
  (void)lua_newuserdata(L, 1);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, end_state);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  (void)luaL_ref(L, LUA_REGISTRYINDEX); /* for good */
}

/* Completes the table of methods on top. */
static void set_methods(lua_State *L) {
  pe_lua_setfuncs(L, methods);
  pe_lua_deliver_set_methods(L);
  pe_lua_account_set_methods(L);
  pe_lua_stats_set_methods(L);
}

/* Gives the metatable on top what every class of clients has; its __index is another matter. */
static void complete_class(lua_State *L) {
  pe_lua_setfuncs(L, metamethods);
  lua_pushstring(L, PE_LUA_SELF_CLASS);
  lua_setfield(L, -2, "__name");
}

int pe_lua_client_derive(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_newtable(L);
  complete_class(L);
  lua_pushvalue(L, 1);
  lua_setfield(L, -2, "__index");
  return 1;
}

int pe_lua_client_become(lua_State *L) {
  (void)pe_lua_self_check(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  lua_setmetatable(L, 1);
  return 1;
}

/* The class and its methods outlive the module: a program may load that anew (package.loaded), and a client that it
 * made before has the methods that Lua adds then. */
void pe_lua_client_register(lua_State *L) {
  if (luaL_newmetatable(L, PE_LUA_SELF_CLASS)) {
    set_sentinel(L);
    complete_class(L);
    lua_newtable(L);
    set_methods(L);
    lua_setfield(L, -2, "__index");
  }
  lua_getfield(L, -1, "__index");
  lua_remove(L, -2);
}
