#include "lua/lua_settings.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/number.h"
#include "lua/lua_definitions.h"

/* Stores the value on top of the stack in `place`. Returns NULL; or what was expected, in words. */
typedef const char *reader(lua_State *L, void *place);

typedef struct setting {
  const char *name;
  reader *read;
  size_t place; /* in the struct that is filled */
  /* Where `read` is NULL, the texts that are taken: of three, in the order of an enum; of two, false and true. */
  const char *names[3];
} setting;

/* ---- one value ---- */

static bool is_false(lua_State *L) {
  return lua_isboolean(L, -1) && !lua_toboolean(L, -1);
}

static const char *read_text(lua_State *L, void *place) {
  if (lua_type(L, -1) != LUA_TSTRING) return "text";
  *(const char **)place = lua_tostring(L, -1);
  return NULL;
}

static const char *maybe_text(lua_State *L, void *place) {
  *(const char **)place = NULL;
  return is_false(L) || !read_text(L, place) ? NULL : "text or false";
}

static const char *read_boolean(lua_State *L, void *place) {
  if (!lua_isboolean(L, -1)) return "true or false";
  *(bool *)place = lua_toboolean(L, -1);
  return NULL;
}

static const char *read_number(lua_State *L, void *place) {
  double value = lua_type(L, -1) == LUA_TNUMBER ? (double)lua_tonumber(L, -1) : -1;
  if (!(value >= 0 && value <= 1e15)) return "a number, 0 or more";
  *(double *)place = value;
  return NULL;
}

/* False: no relay. */
static const char *maybe_redis(lua_State *L, void *place) {
  const char *text = NULL;
  memset(place, 0, sizeof(pe_redis_url));
  if (is_false(L)) return NULL;
  return read_text(L, &text) || pe_redis_url_read(text, place) ? "the url of a Redis or false" : NULL;
}

static const char *read_seconds(lua_State *L, void *place) {
  double value;
  if (read_number(L, &value) || value > 1e9) return "a number of seconds";
  *(int64_t *)place = (int64_t)(value * (double)PE_SECOND);
  if (value > 0 && *(int64_t *)place == 0) *(int64_t *)place = 1; /* 0 means none, or for ever */
  return NULL;
}

static const char *read_size(lua_State *L, void *place) {
  double value;
  if (read_number(L, &value) || floor(value) != value) return "a whole number";
  *(size_t *)place = pe_number_to_size(value);
  return NULL;
}

static const char *read_bytes(lua_State *L, void *place) {
  double value;
  if (read_number(L, &value) || floor(value) != value) return "a whole number";
  *(int64_t *)place = (int64_t)value;
  return NULL;
}

static const char *read_count(lua_State *L, void *place) {
  double value;
  if (read_number(L, &value) || floor(value) != value || value > INT32_MAX) return "a whole number";
  *(int *)place = (int)value;
  return NULL;
}

/* The index of the text on top among the names of the setting; -1: it is none of them. */
static int find_name(lua_State *L, const char *const names[3]) {
  const char *text = NULL;
  if (read_text(L, &text)) return -1;
  for (int i = 0; i < 3 && names[i]; i++)
    if (strcmp(names[i], text) == 0) return i;
  return -1;
}

static const char *read_choice(lua_State *L, const char *const names[3], void *place) {
  int choice = find_name(L, names);
  if (choice < 0) return "one of its names";
  if (names[2])
    *(unsigned *)place = (unsigned)choice;
  else
    *(bool *)place = choice == 1;
  return NULL;
}

/* ---- values that stay Lua's: whether there is one ---- */

static const char *maybe_table(lua_State *L, void *place) {
  *(bool *)place = lua_istable(L, -1);
  return lua_istable(L, -1) || is_false(L) ? NULL : "a table or false";
}

static const char *maybe_function(lua_State *L, void *place) {
  *(bool *)place = lua_isfunction(L, -1);
  return lua_isfunction(L, -1) || is_false(L) ? NULL : "a function or false";
}

static const char *maybe_definitions(lua_State *L, void *place) {
  const pe_definitions *definitions = pe_lua_to_definitions(L, -1);
  *(const pe_definitions **)place = definitions;
  return definitions || is_false(L) ? NULL : "definitions or false";
}

/* ---- lists: a userdata below the value holds the array ---- */

static const char *read_lines(lua_State *L, void *place) {
  pe_http_config *http = place;
  size_t count = lua_istable(L, -1) ? pe_lua_rawlen(L, -1) : 0;
  const char **lines = lua_newuserdata(L, (count + 1) * sizeof *lines);
  bool good = lua_istable(L, -2);

  lua_insert(L, -2);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, -1, (int)i + 1);
    good = good && !read_text(L, &lines[i]);
    lua_pop(L, 1); /* the list keeps it */
  }
  http->headers = lines;
  http->header_count = count;
  return good ? NULL : "a list of lines";
}

static const char *read_codes(lua_State *L, void *place) {
  pe_accept *accept = place;
  size_t count = lua_istable(L, -1) ? pe_lua_rawlen(L, -1) : 0;
  int64_t *codes = lua_newuserdata(L, (count + 1) * sizeof *codes);
  bool good = count > 0;

  lua_insert(L, -2);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, -1, (int)i + 1);
    good = good && lua_type(L, -1) == LUA_TNUMBER;
    codes[i] = (int64_t)lua_tonumber(L, -1);
    lua_pop(L, 1);
  }
  accept->codes = codes;
  accept->count = count;
  return good ? NULL : "a list of codes";
}

/* Copied: it outlives the settings. */
static const char *read_id_name(lua_State *L, void *place) {
  const char *name = NULL;
  if (read_text(L, &name) || strlen(name) >= PE_ID_NAME_SIZE) return "the name of an attribute";
  (void)strcpy(place, name);
  return NULL;
}

/* ---- all of them ---- */

#define SETTING(member) offsetof(pe_lua_settings, member)

/* In the order of options/properties.lua; then what options/ works out. */
static const setting of_client[] = {
    {"url", maybe_text, SETTING(config.http.url), {0}},
    {"relay.url", maybe_redis, SETTING(config.relay.link.url), {0}},
    {"relay.stream", read_text, SETTING(config.relay.stream), {0}},
    {"relay.max_length", read_bytes, SETTING(config.relay.max_length), {0}},
    {"relay.overflow", NULL, SETTING(config.relay.drops_oldest), {"reject", "drop_oldest"}},
    {"relay.wait_replicas", read_count, SETTING(config.relay.wait_replicas), {0}},
    {"relay.tls.ca_file", maybe_text, SETTING(config.relay.files.ca_file), {0}},
    {"relay.tls.ca_path", maybe_text, SETTING(config.relay.files.ca_path), {0}},
    {"relay.tls.cert_file", maybe_text, SETTING(config.relay.files.cert_file), {0}},
    {"relay.tls.key_file", maybe_text, SETTING(config.relay.files.key_file), {0}},
    {"relay.tls.key_password", maybe_text, SETTING(config.relay.link.tls.key_password), {0}},
    {"relay.tls.verify", read_boolean, SETTING(config.relay.link.tls.verify), {0}},
    {"authorization", maybe_text, SETTING(config.credentials.authorization), {0}},
    {"user", maybe_text, SETTING(config.credentials.user), {0}},
    {"password", maybe_text, SETTING(config.credentials.password), {0}},
    {"headers", read_lines, SETTING(config.http), {0}},
    {"timeout", read_seconds, SETTING(config.post.timeout), {0}},
    {"connect_timeout", read_seconds, SETTING(config.http.connect_timeout), {0}},
    {"attempts", read_count, SETTING(config.post.attempts), {0}},
    {"tls.ca_file", maybe_text, SETTING(config.http.files.ca_file), {0}},
    {"tls.ca_path", maybe_text, SETTING(config.http.files.ca_path), {0}},
    {"tls.cert_file", maybe_text, SETTING(config.http.files.cert_file), {0}},
    {"tls.key_file", maybe_text, SETTING(config.http.files.key_file), {0}},
    {"tls.key_password", maybe_text, SETTING(config.http.key_password), {0}},
    {"tls.verify", read_boolean, SETTING(config.http.verify), {0}},
    {"proxy", maybe_text, SETTING(config.http.proxy), {0}},
    {"user_agent", read_text, SETTING(config.http.user_agent), {0}},
    {"accept_codes", read_codes, SETTING(config.post.accept), {0}},
    {"max_event_bytes", read_size, SETTING(max_event_bytes), {0}},
    {"definitions", maybe_definitions, SETTING(rules.definitions), {0}},
    {"validation", NULL, SETTING(rules.validation), {"strict", "warn", "off"}},
    {"unknown_events", NULL, SETTING(rules.allow_unknown_events), {"error", "allow"}},
    {"unknown_attributes", NULL, SETTING(rules.allow_unknown_attributes), {"error", "allow"}},
    {"invalid_utf8", NULL, SETTING(rules.repair), {"error", "replace"}},
    {"common", maybe_table, SETTING(has_common), {0}},
    {"stamp", read_boolean, SETTING(rules.stamp), {0}},
    {"id_attribute", read_id_name, SETTING(rules.id_name), {0}},
    {"mode", NULL, SETTING(mode), {"live", "record", "off"}},
    {"log", maybe_function, SETTING(has_log), {0}},
    {"max_in_flight", read_size, SETTING(config.queue.width), {0}},
    {"queue.max_events", read_size, SETTING(config.queue.max_events), {0}},
    {"queue.max_bytes", read_size, SETTING(config.queue.max_bytes), {0}},
    {"queue.overflow", NULL, SETTING(config.queue.overflow), {"reject", "drop_oldest", "wait"}},
    {"queue.wait", read_seconds, SETTING(config.queue.wait), {0}},
    {"retry.initial", read_seconds, SETTING(config.post.retry.initial), {0}},
    {"retry.max", read_seconds, SETTING(config.post.retry.max), {0}},
    {"retry.max_age", read_seconds, SETTING(config.queue.max_age), {0}},
    {"retry.ambiguous", read_boolean, SETTING(config.retry_ambiguous), {0}},
    {"spool.path", maybe_text, SETTING(config.spool.directory), {0}},
    {"spool.max_bytes", read_bytes, SETTING(config.spool.max_bytes), {0}},
    {"spool.wait", read_boolean, SETTING(config.queue.awaits), {0}},
    {"spool.required", read_boolean, SETTING(config.queue.required), {0}},
    {"spool.sync", NULL, SETTING(config.spool.full_sync), {"normal", "full"}},
    {"spool.dead_letters", read_bytes, SETTING(config.spool.dead_letters), {0}},
    {"rate_limit.per_second", read_number, SETTING(config.rate_per_second), {0}},
    {"rate_limit.burst", read_number, SETTING(config.rate_burst), {0}},
    {"results", read_size, SETTING(config.results), {0}},
    {"max_posts", read_size, SETTING(config.max_posts), {0}},
    {"no_proxy", maybe_text, SETTING(config.http.no_proxy), {0}},
    {"endpoint", maybe_text, SETTING(config.spool.endpoint), {0}},
    {"target", read_text, SETTING(target), {0}},
    {"fill_id", read_boolean, SETTING(rules.fill_id), {0}},
    {"prepare", maybe_function, SETTING(has_prepare), {0}},
    {"guard", maybe_function, SETTING(has_guard), {0}},
    {"log_first_trouble", read_boolean, SETTING(logs_first_trouble), {0}},
    {"last_words", read_boolean, SETTING(config.last_words), {0}},
    {"facts", maybe_table, SETTING(has_facts), {0}},
    {NULL, NULL, 0, {0}},
};

static const setting of_credentials[] = {
    {"authorization", maybe_text, offsetof(pe_http_credentials, authorization), {0}},
    {"user", maybe_text, offsetof(pe_http_credentials, user), {0}},
    {"password", maybe_text, offsetof(pe_http_credentials, password), {0}},
    {NULL, NULL, 0, {0}},
};

_Static_assert(sizeof(pe_client_mode) == sizeof(unsigned) && sizeof(pe_validation) == sizeof(unsigned) &&
                   sizeof(pe_overflow) == sizeof(unsigned),
               "read_choice stores an unsigned");

static bool is_known(const setting *known, const char *name) {
  for (; known->name; known++)
    if (strcmp(known->name, name) == 0) return true;
  return false;
}

static void refuse_unknown(lua_State *L, int index, const setting *known) {
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
    if (lua_type(L, -2) != LUA_TSTRING || !is_known(known, lua_tostring(L, -2)))
      luaL_error(L, "setting %s: unknown to the core",
                 lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : luaL_typename(L, -2));
}

static void read_all(lua_State *L, int index, const setting *known, void *place) {
  for (const setting *each = known; each->name; each++) {
    void *member = (char *)place + each->place;
    const char *expected;
    lua_getfield(L, index, each->name);
    expected = each->read ? each->read(L, member) : read_choice(L, each->names, member);
    if (expected) luaL_error(L, "setting %s: expected %s, got %s", each->name, expected, luaL_typename(L, -1));
    lua_pop(L, 1); /* the table keeps it */
  }
  refuse_unknown(L, index, known);
}

void pe_lua_settings_read(lua_State *L, int index, pe_lua_settings *settings) {
  memset(settings, 0, sizeof *settings);
  read_all(L, index, of_client, settings);
}

pe_http_credentials pe_lua_settings_read_credentials(lua_State *L, int index) {
  pe_http_credentials credentials = {NULL, NULL, NULL};
  read_all(L, index, of_credentials, &credentials);
  return credentials;
}
