#include "lua/lua_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/worker.h"
#include "lua/lua_definitions.h"
#include "lua/lua_log.h"
#include "lua/lua_result.h"
#include "lua/lua_util.h"

static const char CLASS[] = "postevent.client";
static const double CLOSE_SECONDS = 5;
static const int64_t STATE_END_PATIENCE = 900 * PE_MILLISECOND; /* design.md: one second in all */

enum { SELF = 1 };

/* What was counted and told here was the parent's. */
static void begin_anew(pe_lua_client *self) {
  self->generation = pe_worker_generation();
  memset(self->logged, 0, sizeof self->logged);
  self->told_state = PE_STATE_IDLE;
  self->told_lost = self->invalid_sent = 0;
  self->results_left = 0;
  self->announced = false;
}

/* luaL_checkudata looks the class up by its name, which costs track as much as handing the event over. A full userdata
 * of this size that holds this address is a client. */
pe_lua_client *pe_lua_check_client(lua_State *L) {
  pe_lua_client *self = lua_touserdata(L, SELF);
  if (!self || pe_lua_rawlen(L, SELF) != sizeof *self || self->magic != CLASS) return luaL_checkudata(L, SELF, CLASS);
  if (self->generation != pe_worker_generation()) begin_anew(self);
  return self;
}

void pe_lua_push_kept(lua_State *L, int index, int slot) {
  pe_lua_getuservalue(L, index);
  lua_rawgeti(L, -1, slot);
  lua_remove(L, -2);
}

void pe_lua_check_may_wait(lua_State *L, const pe_lua_client *self, const char *method) {
  if (!self->is_guarded || self->mode != PE_MODE_LIVE) return;
  pe_lua_push_kept(L, SELF, PE_KEEP_GUARD);
  lua_pushstring(L, method);
  lua_call(L, 1, 0);
}

/* ---- new ---- */

/* table[name], an array of strings, as a C array inside a userdata that is pushed, or NULL and nothing is pushed. The
 * strings belong to the table. */
static const char *const *push_lines(lua_State *L, int table, const char *name, size_t *count) {
  const char **lines;

  lua_getfield(L, table, name);
  *count = lua_istable(L, -1) ? pe_lua_rawlen(L, -1) : 0;
  lines = lua_newuserdata(L, (*count + 1) * sizeof *lines);
  for (size_t i = 0; i < *count; i++) {
    lua_rawgeti(L, -2, (int)i + 1);
    lines[i] = lua_tostring(L, -1);
    lua_pop(L, 1);
  }
  lua_remove(L, -2);
  return lines;
}

static const int64_t *push_codes(lua_State *L, int table, const char *name, size_t *count) {
  int64_t *codes;

  lua_getfield(L, table, name);
  *count = lua_istable(L, -1) ? pe_lua_rawlen(L, -1) : 0;
  codes = lua_newuserdata(L, (*count + 1) * sizeof *codes);
  for (size_t i = 0; i < *count; i++) {
    lua_rawgeti(L, -2, (int)i + 1);
    codes[i] = (int64_t)lua_tonumber(L, -1);
    lua_pop(L, 1);
  }
  lua_remove(L, -2);
  return codes;
}

static pe_http_credentials read_credentials(lua_State *L, int table) {
  pe_http_credentials credentials;
  credentials.authorization = pe_lua_field_string(L, table, "authorization");
  credentials.user = pe_lua_field_string(L, table, "user");
  credentials.password = pe_lua_field_string(L, table, "password");
  return credentials;
}

static void read_queue(lua_State *L, int settings, pe_queue_config *queue) {
  const char *overflow = pe_lua_field_string(L, settings, "queue_overflow");

  queue->max_events = (size_t)pe_lua_field_integer(L, settings, "queue_max_events");
  queue->max_bytes = (size_t)pe_lua_field_integer(L, settings, "queue_max_bytes");
  queue->wait = pe_lua_field_seconds(L, settings, "queue_wait");
  queue->max_age = pe_lua_field_seconds(L, settings, "max_age");
  queue->width = (size_t)pe_lua_field_integer(L, settings, "max_in_flight");
  queue->overflow = PE_OVERFLOW_REJECT;
  if (overflow && strcmp(overflow, "drop_oldest") == 0) queue->overflow = PE_OVERFLOW_DROP_OLDEST;
  if (overflow && strcmp(overflow, "wait") == 0) queue->overflow = PE_OVERFLOW_WAIT;
}

/* Reads the settings; pushes two userdata that hold the arrays that *config points into. */
static void read_config(lua_State *L, int settings, pe_client_config *config) {
  pe_http_config *http = &config->http;

  memset(config, 0, sizeof *config);
  http->url = pe_lua_field_string(L, settings, "url");
  http->user_agent = pe_lua_field_string(L, settings, "user_agent");
  http->ca_file = pe_lua_field_string(L, settings, "ca_file");
  http->ca_path = pe_lua_field_string(L, settings, "ca_path");
  http->cert_file = pe_lua_field_string(L, settings, "cert_file");
  http->key_file = pe_lua_field_string(L, settings, "key_file");
  http->key_password = pe_lua_field_string(L, settings, "key_password");
  http->verify = pe_lua_field_boolean(L, settings, "verify");
  http->proxy = pe_lua_field_string(L, settings, "proxy");
  http->no_proxy = pe_lua_field_string(L, settings, "no_proxy");
  http->http_2 = pe_lua_field_boolean(L, settings, "http_2");
  http->connect_timeout = pe_lua_field_seconds(L, settings, "connect_timeout");
  config->credentials = read_credentials(L, settings);
  config->post.timeout = pe_lua_field_seconds(L, settings, "timeout");
  config->post.attempts = (int)pe_lua_field_integer(L, settings, "attempts");
  config->max_posts = (size_t)pe_lua_field_integer(L, settings, "max_posts");
  config->retry_ambiguous = pe_lua_field_boolean(L, settings, "retry_ambiguous");
  config->results = (size_t)pe_lua_field_integer(L, settings, "results");
  config->rate_per_second = pe_lua_field_number(L, settings, "rate_per_second");
  config->rate_burst = pe_lua_field_number(L, settings, "rate_burst");
  config->group = lua_topointer(L, LUA_REGISTRYINDEX);
  read_queue(L, settings, &config->queue);
  config->post.retry.initial = pe_lua_field_seconds(L, settings, "retry_initial");
  config->post.retry.max = pe_lua_field_seconds(L, settings, "retry_max");
  http->headers = push_lines(L, settings, "headers", &http->header_count);
  config->post.accept.codes = push_codes(L, settings, "accept_codes", &config->post.accept.count);
}

/* Moves settings[name] to a slot of the table at `kept`; returns whether there was a value. */
static bool keep(lua_State *L, int settings, const char *name, int kept, int slot) {
  bool present;
  lua_getfield(L, settings, name);
  present = !lua_isnil(L, -1);
  lua_rawseti(L, kept, slot);
  return present;
}

static void keep_values(lua_State *L, int settings, pe_lua_client *self, int index) {
  int kept;
  lua_createtable(L, PE_KEEP_COUNT, 0);
  kept = lua_gettop(L);
  self->has_common = keep(L, settings, "common", kept, PE_KEEP_COMMON);
  self->has_prepare = keep(L, settings, "prepare", kept, PE_KEEP_PREPARE);
  self->has_log = keep(L, settings, "log", kept, PE_KEEP_LOG);
  self->is_guarded = keep(L, settings, "guard", kept, PE_KEEP_GUARD);
  (void)keep(L, settings, "definitions", kept, PE_KEEP_DEFINITIONS);
  self->call = pe_lua_call_new(L, self->max_event_bytes);
  lua_rawseti(L, kept, PE_KEEP_CALL);
  lua_newtable(L);
  lua_rawseti(L, kept, PE_KEEP_RECORDED);
  lua_newtable(L);
  lua_rawseti(L, kept, PE_KEEP_UNPUBLISHED);
  pe_lua_setuservalue(L, index);
}

static pe_validation read_validation(lua_State *L, int settings) {
  const char *validation = pe_lua_field_string(L, settings, "validation");
  if (!validation || strcmp(validation, "strict") == 0) return PE_VALIDATE_STRICT;
  return strcmp(validation, "warn") == 0 ? PE_VALIDATE_WARN : PE_VALIDATE_OFF;
}

static void read_rules(lua_State *L, int settings, pe_lua_client *self) {
  const char *mode = pe_lua_field_string(L, settings, "mode");
  const char *target = pe_lua_field_string(L, settings, "target");
  const char *id = pe_lua_field_string(L, settings, "id_attribute");

  self->mode = strcmp(mode, "live") == 0 ? PE_MODE_LIVE : strcmp(mode, "record") == 0 ? PE_MODE_RECORD : PE_MODE_OFF;
  if (!mode || !target) luaL_error(L, "the settings are not those of postevent/options/");
  lua_getfield(L, settings, "definitions");
  self->rules.definitions = pe_lua_to_definitions(L, -1);
  lua_pop(L, 1);
  self->rules.validation = read_validation(L, settings);
  self->rules.allow_unknown_events = pe_lua_field_boolean(L, settings, "allow_unknown_events");
  self->rules.allow_unknown_attributes = pe_lua_field_boolean(L, settings, "allow_unknown_attributes");
  self->rules.stamp = pe_lua_field_boolean(L, settings, "stamp");
  self->rules.fill_id = pe_lua_field_boolean(L, settings, "fill_id");
  if (id) (void)snprintf(self->rules.id_name, sizeof self->rules.id_name, "%s", id);
  (void)snprintf(self->target, sizeof self->target, "%s", target);
}

int pe_lua_client_new(lua_State *L) {
  enum { SETTINGS = 1 };
  pe_client_config config;
  const char *why = NULL;
  pe_lua_client *self;
  int index;

  luaL_checktype(L, SETTINGS, LUA_TTABLE);
  /* The empty userdata first: from here on __gc meets a safe object. */
  self = lua_newuserdata(L, sizeof *self);
  memset(self, 0, sizeof *self);
  index = lua_gettop(L);
  luaL_getmetatable(L, CLASS);
  lua_setmetatable(L, index);
  self->max_event_bytes = (size_t)pe_lua_field_integer(L, SETTINGS, "max_event_bytes");
  read_rules(L, SETTINGS, self);
  keep_values(L, SETTINGS, self, index);
  read_config(L, SETTINGS, &config);
  config.sends = self->mode == PE_MODE_LIVE;
  self->waits_for_room = config.queue.overflow == PE_OVERFLOW_WAIT;
  if (pe_client_new(&config, &self->client, &why) != PE_OK) return luaL_error(L, "%s", why);
  self->magic = CLASS;
  self->generation = pe_worker_generation();
  lua_settop(L, index);
  return 1;
}

/* ---- the rest of the class ---- */

/* client:_set_credentials(credentials): what set_authorization calls after its checks. */
static int client_set_credentials(lua_State *L) {
  pe_lua_client *self = pe_lua_check_client(L);
  pe_error error;

  luaL_checktype(L, 2, LUA_TTABLE);
  if (self->closed) return pe_lua_push_refusal(L, PE_CLOSED, 0);
  error = pe_client_set_credentials(self->client, read_credentials(L, 2));
  if (error) return pe_lua_push_refusal(L, error, 0);
  lua_pushboolean(L, 1);
  return 1;
}

/* client:_announce(function): it is called at the next call of track, and when that was in another process or it did
 * not return true, at the one after. */
static int client_announce(lua_State *L) {
  pe_lua_client *self = pe_lua_check_client(L);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  pe_lua_getuservalue(L, SELF);
  lua_pushvalue(L, 2);
  lua_rawseti(L, -2, PE_KEEP_ANNOUNCE);
  self->has_announce = true;
  self->announced = false;
  return 0;
}

/* client:start() -> true; or nil, message, code, detail */
static int client_start(lua_State *L) {
  pe_lua_client *self = pe_lua_check_client(L);
  pe_error error = self->closed ? PE_CLOSED : pe_client_start(self->client);
  if (error) return pe_lua_push_refusal(L, error, 0);
  lua_pushboolean(L, 1);
  return 1;
}

/* client:close(seconds) -> true; or nil, message, "timeout", { remaining = }. Idempotent; serves __close too, whose
 * second argument is an error or nil. */
static int client_close(lua_State *L) {
  pe_lua_client *self = pe_lua_check_client(L);
  int64_t timeout = pe_lua_opt_seconds(L, 2, CLOSE_SECONDS);
  uint64_t remaining;

  if (self->closed) {
    lua_pushboolean(L, 1);
    return 1;
  }
  pe_lua_check_may_wait(L, self, "close");
  self->closed = true;
  (void)pe_client_close(self->client, timeout);
  pe_lua_log_news(L, self);
  remaining = pe_client_stop(self->client);
  return pe_lua_account_push_remaining(L, self, remaining);
}

/* Leaving the scope of a `local client <close>` ends it as close() does, whatever the error in the second argument. */
static int client_leave_scope(lua_State *L) {
  lua_settop(L, SELF);
  return client_close(L);
}

/* Never waits. */
static int client_gc(lua_State *L) {
  pe_lua_client *self = pe_lua_check_client(L);
  self->closed = true;
  while (self->reading) { /* left by calls that an error ended */
    pe_result *result = self->reading;
    self->reading = result->next;
    free(result);
  }
  pe_client_leave(self->client);
  self->client = NULL;
  return 0;
}

static int client_tostring(lua_State *L) {
  static const char *const modes[] = {"live", "record", "off"};
  const pe_lua_client *self = pe_lua_check_client(L);
  lua_pushfstring(L, "postevent.client (%s, %s%s)", modes[self->mode], self->target, self->closed ? ", closed" : "");
  return 1;
}

static const luaL_Reg methods[] = {
    {"_set_credentials", client_set_credentials},
    {"_announce", client_announce},
    {"start", client_start},
    {"close", client_close},
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

void pe_lua_client_register(lua_State *L) {
  set_sentinel(L);
  luaL_newmetatable(L, CLASS);
  pe_lua_setfuncs(L, metamethods);
  lua_pushstring(L, CLASS);
  lua_setfield(L, -2, "__name");
  lua_newtable(L);
  pe_lua_setfuncs(L, methods);
  pe_lua_deliver_set_methods(L);
  pe_lua_account_set_methods(L);
  pe_lua_stats_set_methods(L);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__index");
  lua_remove(L, -2);
}
