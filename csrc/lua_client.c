#include "lua_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "clock.h"
#include "lua_call.h"
#include "lua_definitions.h"
#include "lua_event.h"
#include "lua_problems.h"
#include "lua_result.h"
#include "lua_util.h"

static const char CLASS[] = "postevent.client";

typedef enum client_mode { MODE_LIVE, MODE_RECORD, MODE_OFF } client_mode;

/* What the user value of the userdata, a table, keeps alive. */
enum {
  KEEP_COMMON = 1,
  KEEP_PREPARE,
  KEEP_LOG,
  KEEP_RECORDED,
  KEEP_DEFINITIONS,
  KEEP_UNPUBLISHED,
  KEEP_CALL,
  KEEP_COUNT = KEEP_CALL
};

enum { LOG_RETRIED, LOG_INVALID, LOG_UNPUBLISHED, LOG_KINDS };

typedef struct lua_client {
  pe_client *client; /* NULL in the modes that send nothing, and when closed */
  bool closed;
  /* immutable after new */
  client_mode mode;
  size_t max_event_bytes;
  bool has_common;
  bool has_prepare; /* a function: event -> completed copy, or nil (before_send's word); it applies `common` itself */
  bool has_log;
  pe_lua_event_rules rules;
  char target[300]; /* scheme and host, for tostring */
  /* one line a second of each kind */
  struct {
    int64_t last;
    long suppressed;
  } logged[LOG_KINDS];
} lua_client;

static lua_client *check_client(lua_State *L) {
  return luaL_checkudata(L, 1, CLASS);
}

/* Pushes one of the values that the client keeps. */
static void push_kept(lua_State *L, int index, int slot) {
  pe_lua_getuservalue(L, index);
  lua_rawgeti(L, -1, slot);
  lua_remove(L, -2);
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
  config->timeout = pe_lua_field_seconds(L, settings, "timeout");
  config->attempts = (int)pe_lua_field_integer(L, settings, "attempts");
  config->retry.initial = pe_lua_field_seconds(L, settings, "retry_initial");
  config->retry.max = pe_lua_field_seconds(L, settings, "retry_max");
  http->headers = push_lines(L, settings, "headers", &http->header_count);
  config->accept.codes = push_codes(L, settings, "accept_codes", &config->accept.count);
}

/* Moves settings[name] to a slot of the table at `kept`; returns whether there was a value. */
static bool keep(lua_State *L, int settings, const char *name, int kept, int slot) {
  bool present;
  lua_getfield(L, settings, name);
  present = !lua_isnil(L, -1);
  lua_rawseti(L, kept, slot);
  return present;
}

static void keep_values(lua_State *L, int settings, lua_client *self, int index) {
  int kept;
  lua_createtable(L, KEEP_COUNT, 0);
  kept = lua_gettop(L);
  self->has_common = keep(L, settings, "common", kept, KEEP_COMMON);
  self->has_prepare = keep(L, settings, "prepare", kept, KEEP_PREPARE);
  self->has_log = keep(L, settings, "log", kept, KEEP_LOG);
  (void)keep(L, settings, "definitions", kept, KEEP_DEFINITIONS);
  lua_newtable(L);
  lua_rawseti(L, kept, KEEP_RECORDED);
  lua_newtable(L);
  lua_rawseti(L, kept, KEEP_UNPUBLISHED);
  pe_lua_setuservalue(L, index);
}

static pe_validation read_validation(lua_State *L, int settings) {
  const char *validation = pe_lua_field_string(L, settings, "validation");
  if (!validation || strcmp(validation, "strict") == 0) return PE_VALIDATE_STRICT;
  return strcmp(validation, "warn") == 0 ? PE_VALIDATE_WARN : PE_VALIDATE_OFF;
}

static void read_rules(lua_State *L, int settings, lua_client *self) {
  const char *mode = pe_lua_field_string(L, settings, "mode");
  const char *target = pe_lua_field_string(L, settings, "target");
  const char *id = pe_lua_field_string(L, settings, "id_attribute");

  self->mode = strcmp(mode, "live") == 0 ? MODE_LIVE : strcmp(mode, "record") == 0 ? MODE_RECORD : MODE_OFF;
  if (!mode || !target) luaL_error(L, "the settings are not those of postevent/options.lua");
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
  lua_client *self;
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
  if (self->mode == MODE_LIVE && pe_client_new(&config, &self->client, &why) != PE_OK) return luaL_error(L, "%s", why);
  lua_settop(L, index);
  return 1;
}

/* ---- the way of an event ---- */

enum { SELF = 1, EVENT, KEPT, CALL };

/* Calls `prepare` on the event at EVENT and puts what it returns in its place. Returns false when that is nil: the
 * event was filtered. An error of before_send reaches the caller; nothing is held here. */
static bool prepare(lua_State *L, const lua_client *self) {
  if (!self->has_prepare) return true;
  push_kept(L, SELF, KEEP_PREPARE);
  lua_pushvalue(L, EVENT);
  lua_call(L, 1, 1);
  lua_replace(L, EVENT);
  return !lua_isnil(L, EVENT);
}

/* Calls the program's log function, at most once a second for each kind. What it raises is dropped: a broken log must
 * not cost a reply. Returns whether it was called. */
static bool write_log(lua_State *L, lua_client *self, int kind, const char *level, const char *message) {
  int64_t now = pe_clock_monotonic();

  if (!self->has_log) return false;
  if (self->logged[kind].last != 0 && now - self->logged[kind].last < PE_SECOND) {
    self->logged[kind].suppressed++;
    return false;
  }
  push_kept(L, SELF, KEEP_LOG);
  lua_pushstring(L, level);
  if (self->logged[kind].suppressed > 0)
    lua_pushfstring(L, "%s (and %d more of the kind)", message, (int)self->logged[kind].suppressed);
  else
    lua_pushstring(L, message);
  self->logged[kind].last = now;
  self->logged[kind].suppressed = 0;
  if (lua_pcall(L, 2, 0, 0) != 0) lua_pop(L, 1);
  return true;
}

/* Writes the event at EVENT to `body`. Leaves on the stack what pe_lua_event_write leaves. */
static pe_error write_event(lua_State *L, lua_client *self, pe_buffer *body, const pe_definition **definition) {
  int common = 0;

  if (self->has_common && !self->has_prepare) {
    lua_rawgeti(L, KEPT, KEEP_COMMON);
    common = lua_gettop(L);
  }
  return pe_lua_event_write(L, EVENT, common, &self->rules, self->has_prepare, body, definition);
}

/* Logs the problems at the top of the stack, which were only to be warned about, and pops them. */
static void log_problems(lua_State *L, lua_client *self) {
  if (!lua_isnil(L, -1)) {
    pe_lua_problems_push_message(L, lua_gettop(L));
    lua_pushfstring(L, "an invalid event was sent all the same: %s", lua_tostring(L, -1));
    (void)write_log(L, self, LOG_INVALID, "warn", lua_tostring(L, -1));
    lua_pop(L, 2);
  }
  lua_pop(L, 1);
}

/* Logs an event whose definition is not published, once for each of them. */
static void log_unpublished(lua_State *L, lua_client *self, const pe_definition *definition) {
  const pe_text *name;

  if (!self->has_log || !definition || pe_definition_published(definition)) return;
  name = pe_definition_name(definition);
  push_kept(L, SELF, KEEP_UNPUBLISHED);
  lua_pushlstring(L, name->bytes, name->size);
  lua_rawget(L, -2);
  if (lua_isnil(L, -1)) {
    int logged = lua_gettop(L) - 1;
    pe_lua_push_printable(L, name->bytes, name->size);
    lua_pushfstring(L, "the event %s is not published on the platform", lua_tostring(L, -1));
    if (write_log(L, self, LOG_UNPUBLISHED, "warn", lua_tostring(L, -1))) {
      lua_pushlstring(L, name->bytes, name->size);
      lua_pushboolean(L, 1);
      lua_rawset(L, logged);
    }
    lua_pop(L, 2);
  }
  lua_pop(L, 2);
}

/* Pushes KEPT and CALL: what this call works with. */
static pe_lua_call *begin_call(lua_State *L, lua_client *self) {
  lua_settop(L, EVENT);
  pe_lua_getuservalue(L, SELF);
  return pe_lua_call_take(L, KEPT, KEEP_CALL, self->max_event_bytes);
}

/* Ends a call that returns the `count` values on top. */
static int end_call(lua_State *L, int count) {
  pe_lua_call_keep(L, KEPT, KEEP_CALL, CALL);
  return count;
}

/* The part that `post` and `encode` share. Returns 0 when `body` holds the event and its id, or nil, is on top of the
 * stack; otherwise the number of values to return. */
static int complete(lua_State *L, lua_client *self, pe_buffer *body) {
  const pe_definition *definition = NULL;
  pe_error error;

  if (!prepare(L, self)) return pe_lua_push_refusal(L, PE_FILTERED, 0);
  error = write_event(L, self, body, &definition);
  if (error == PE_NO_MEMORY) return pe_lua_push_refusal(L, error, 0);
  if (error != PE_OK) return pe_lua_push_refusal(L, error, lua_gettop(L));
  log_problems(L, self);
  log_unpublished(L, self, definition);
  /* before_send, the log or a finalizer may have closed the client meanwhile. */
  return self->closed ? pe_lua_push_refusal(L, PE_CLOSED, 0) : 0;
}

static void log_retries(lua_State *L, lua_client *self, const pe_post_result *result) {
  char message[128];
  if (result->attempts < 2) return;
  (void)snprintf(message, sizeof message, "a post took %d attempts and ended %s", result->attempts,
                 result->error == PE_OK ? "delivered" : pe_error_name(result->error));
  (void)write_log(L, self, LOG_RETRIED, "warn", message);
}

/* Keeps the event at EVENT, a copy that `prepare` made, for client:recorded(). */
static int record(lua_State *L, int id) {
  push_kept(L, SELF, KEEP_RECORDED);
  lua_pushvalue(L, EVENT);
  lua_rawseti(L, -2, (int)pe_lua_rawlen(L, -2) + 1);
  return pe_lua_push_own_reply(L, "recorded, not sent (mode = \"record\")", id);
}

static int client_post(lua_State *L) {
  lua_client *self = check_client(L);
  pe_lua_call *call;
  pe_post_result *result;
  int returned, id;

  luaL_checktype(L, EVENT, LUA_TTABLE);
  if (self->closed) return pe_lua_push_refusal(L, PE_CLOSED, 0);
  if (self->mode == MODE_OFF) {
    lua_pushnil(L);
    return pe_lua_push_own_reply(L, "not sent (mode = \"off\")", lua_gettop(L));
  }
  call = begin_call(L, self);
  returned = complete(L, self, &call->body);
  if (returned > 0) return end_call(L, returned);
  id = lua_gettop(L);
  if (self->mode == MODE_RECORD) return end_call(L, record(L, id));
  result = &call->result;
  pe_client_post(self->client, call->body.data, call->body.size, result);
  returned = result->error == PE_OK ? pe_lua_push_reply(L, result, id) : pe_lua_push_failure(L, result, id);
  log_retries(L, self, result);
  return end_call(L, returned);
}

static int client_encode(lua_State *L) {
  lua_client *self = check_client(L);
  pe_lua_call *call;
  int returned;

  luaL_checktype(L, EVENT, LUA_TTABLE);
  if (self->closed) return pe_lua_push_refusal(L, PE_CLOSED, 0);
  call = begin_call(L, self);
  returned = complete(L, self, &call->body);
  if (returned == 0) {
    lua_pushlstring(L, call->body.data, call->body.size);
    returned = 1;
  }
  return end_call(L, returned);
}

/* ---- the rest of the class ---- */

/* recorded() -> a list of the events kept so far, oldest first. */
static int client_recorded(lua_State *L) {
  lua_client *self = check_client(L);
  int count;

  if (self->mode != MODE_RECORD) return luaL_error(L, "recorded: the client's mode is not \"record\"");
  push_kept(L, SELF, KEEP_RECORDED);
  count = (int)pe_lua_rawlen(L, -1);
  lua_createtable(L, count, 0);
  for (int i = 1; i <= count; i++) {
    lua_rawgeti(L, -2, i);
    lua_rawseti(L, -2, i);
  }
  return 1;
}

/* client:_set_credentials(credentials): what set_authorization calls after its checks. */
static int client_set_credentials(lua_State *L) {
  lua_client *self = check_client(L);

  luaL_checktype(L, 2, LUA_TTABLE);
  if (self->closed) return pe_lua_push_refusal(L, PE_CLOSED, 0);
  if (self->client) {
    pe_error error = pe_client_set_credentials(self->client, read_credentials(L, 2));
    if (error) return pe_lua_push_refusal(L, error, 0);
  }
  lua_pushboolean(L, 1);
  return 1;
}

/* close, __gc and __close: idempotent. */
static int client_close(lua_State *L) {
  lua_client *self = check_client(L);
  self->closed = true;
  pe_client_free(self->client);
  self->client = NULL;
  lua_pushboolean(L, 1);
  return 1;
}

static int client_tostring(lua_State *L) {
  static const char *const modes[] = {"live", "record", "off"};
  const lua_client *self = check_client(L);
  lua_pushfstring(L, "postevent.client (%s, %s%s)", modes[self->mode], self->target, self->closed ? ", closed" : "");
  return 1;
}

static const luaL_Reg methods[] = {
    {"post", client_post},         {"encode", client_encode},
    {"recorded", client_recorded}, {"_set_credentials", client_set_credentials},
    {"close", client_close},       {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__gc", client_close},
    {"__close", client_close},
    {"__tostring", client_tostring},
    {NULL, NULL},
};

void pe_lua_client_register(lua_State *L) {
  luaL_newmetatable(L, CLASS);
  pe_lua_setfuncs(L, metamethods);
  lua_pushstring(L, CLASS);
  lua_setfield(L, -2, "__name");
  lua_newtable(L);
  pe_lua_setfuncs(L, methods);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__index");
  lua_remove(L, -2);
}
