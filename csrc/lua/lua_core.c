/* The module postevent.core: what the Lua files of postevent build on. Not a public interface. */
#include <string.h>

#include "base/clock.h"
#include "base/notice.h"
#include "base/random.h"
#include "base/thread.h"
#include "base/version.h"
#include "event/json_plain.h"
#include "event/regex.h"
#include "event/similar.h"
#include "http/http.h"
#include "lua/lua_call.h"
#include "lua/lua_client.h"
#include "lua/lua_command.h"
#include "lua/lua_definitions.h"
#include "lua/lua_marker.h"
#include "lua/lua_reader.h"
#include "lua/lua_redis.h"
#include "lua/lua_spool.h"
#include "lua/lua_stats.h"
#include "lua/lua_util.h"
#include "lua/lua_waker.h"
#include "redis/redis_reply.h"
#include "redis/redis_tls.h"
#include "redis/redis_url.h"
#include "spool/spool.h"

/* { tls, loopback, host }; or nil, why */
static int push_parsed(lua_State *L, const char *why, const pe_http_url *parsed) {
  if (why) {
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
  }
  lua_createtable(L, 0, 3);
  lua_pushboolean(L, parsed->tls);
  lua_setfield(L, -2, "tls");
  lua_pushboolean(L, parsed->loopback);
  lua_setfield(L, -2, "loopback");
  pe_lua_set_string(L, "host", parsed->host, strlen(parsed->host));
  return 1;
}

/* core.process_exists(number) -> whether there is a process of that number, another user's too */
static int core_process_exists(lua_State *L) {
  lua_pushboolean(L, pe_process_exists((pid_t)luaL_checknumber(L, 1)));
  return 1;
}

/* core.check_url(text) -> { tls, loopback, host }; or nil, why */
static int core_check_url(lua_State *L) {
  pe_http_url parsed;
  const char *why = pe_http_check_url(luaL_checkstring(L, 1), &parsed);
  return push_parsed(L, why, &parsed);
}

/* core.check_proxy(text) -> the same of a proxy's URL */
static int core_check_proxy(lua_State *L) {
  pe_http_url parsed;
  const char *why = pe_http_check_proxy(luaL_checkstring(L, 1), &parsed);
  return push_parsed(L, why, &parsed);
}

/* core.check_redis(text) -> { tls, loopback, has_password, text }; or nil, why */
static int core_check_redis(lua_State *L) {
  pe_redis_url url;
  const char *why = pe_redis_url_read(luaL_checkstring(L, 1), &url);
  if (why) {
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
  }
  lua_createtable(L, 0, 4);
  lua_pushboolean(L, url.tls);
  lua_setfield(L, -2, "tls");
  lua_pushboolean(L, url.loopback);
  lua_setfield(L, -2, "loopback");
  lua_pushboolean(L, url.has_password);
  lua_setfield(L, -2, "has_password");
  pe_lua_set_string(L, "text", url.text, strlen(url.text));
  return 1;
}

/* core.distance(a, b, limit) -> how many edits apart, or a number above limit */
static int core_distance(lua_State *L) {
  size_t a_size, b_size;
  const char *a = luaL_checklstring(L, 1, &a_size);
  const char *b = luaL_checklstring(L, 2, &b_size);
  size_t limit = (size_t)luaL_checkinteger(L, 3);
  pe_lua_push_integer(L, (int64_t)pe_similar_distance(a, a_size, b, b_size, limit));
  return 1;
}

/* core.number(number) -> its JSON, the same in every locale; raises where it is not finite */
static int core_number(lua_State *L) {
  luaL_checktype(L, 1, LUA_TNUMBER);
  luaL_argcheck(L, pe_lua_push_number(L, 1), 1, "expected a finite number");
  return 1;
}

/* core.metatable(table) -> its metatable, also where that has a __metatable in its place; or nil */
static int core_metatable(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  return lua_getmetatable(L, 1);
}

/* core.is_plain(text) -> whether it is an event that a lenient reader of JSON keeps as it is; whether it has numbers */
static int core_is_plain(lua_State *L) {
  size_t size;
  const char *text = luaL_checklstring(L, 1, &size);
  bool has_numbers = false;
  lua_pushboolean(L, pe_json_is_plain(text, size, &has_numbers));
  lua_pushboolean(L, has_numbers);
  return 2;
}

/* t[name] = the version of a library; false: there is none */
static void set_version(lua_State *L, const char *name, const char *version) {
  if (version)
    lua_pushstring(L, version);
  else
    lua_pushboolean(L, false);
  lua_setfield(L, -2, name);
}

/* core.features() -> { curl = "7.88.1", tls = "OpenSSL/3.0.19", http2 = false, pcre2 = true, sqlite = "3.40.1",
 * redis = "0.14.1", redis_tls = false } */
static int core_features(lua_State *L) {
  const char *tls;
  const char *curl = pe_http_library(&tls);
  lua_createtable(L, 0, 7);
  pe_lua_set_string(L, "curl", curl, strlen(curl));
  pe_lua_set_string(L, "tls", tls, strlen(tls));
  lua_pushboolean(L, false); /* not offered: docs/explain/why.md */
  lua_setfield(L, -2, "http2");
  lua_pushboolean(L, pe_regex_available());
  lua_setfield(L, -2, "pcre2");
  set_version(L, "sqlite", pe_spool_version());
  set_version(L, "redis", pe_redis_version());
  lua_pushboolean(L, pe_redis_tls_is_there());
  lua_setfield(L, -2, "redis_tls");
  return 1;
}

/* core.can_yield() -> whether the caller may yield: not inside a function of C (string.gsub), nor in a finalizer. */
static int core_can_yield(lua_State *L) {
  lua_pushboolean(L, pe_lua_isyieldable(L));
  return 1;
}

/* core.notice(text): a line on stderr */
static int core_notice(lua_State *L) {
  size_t size;
  const char *text = luaL_checklstring(L, 1, &size);
  pe_notice_write(text, size);
  return 0;
}

static const luaL_Reg functions[] = {
    {"new", pe_lua_client_new},
    {"facts", pe_lua_client_facts},
    {"derive", pe_lua_client_derive},
    {"become", pe_lua_client_become},
    {"check_url", core_check_url},
    {"check_proxy", core_check_proxy},
    {"check_redis", core_check_redis},
    {"distance", core_distance},
    {"number", core_number},
    {"is_plain", core_is_plain},
    {"features", core_features},
    {"notice", core_notice},
    {"process_exists", core_process_exists},
    {"compile", pe_lua_definitions_compile},
    {"can_yield", core_can_yield},
    {"markers", pe_lua_marker_list},
    {"metatable", core_metatable},
    {"waker", pe_lua_waker_new},
    {"reader", pe_lua_reader_new},
    {"sum", pe_lua_stats_sum},
    {"total", pe_lua_stats_total},
    {NULL, NULL},
};

PE_EXPORT int luaopen_postevent_core(lua_State *L);

PE_EXPORT int luaopen_postevent_core(lua_State *L) {
  pe_lua_checkversion(L);
  lua_newtable(L);
  pe_lua_setfuncs(L, functions);
  pe_lua_call_register(L);
  pe_lua_definitions_register(L);
  pe_lua_waker_register(L);
  pe_lua_reader_register(L);
  pe_lua_client_register(L);
  lua_setfield(L, -2, "methods");
  pe_lua_spool_register(L);
  lua_setfield(L, -2, "spool");
  pe_lua_command_register(L);
  lua_setfield(L, -2, "command");
  pe_lua_redis_register(L);
  lua_setfield(L, -2, "redis");
  lua_pushliteral(L, PE_VERSION);
  lua_setfield(L, -2, "version");
  return 1;
}
