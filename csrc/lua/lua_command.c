#include "lua/lua_command.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "command/interrupts.h"
#include "command/place.h"
#include "command/sha256.h"
#include "lua/lua_journal.h"
#include "lua/lua_util.h"

static const char DIGEST[] = "postevent.core.digest";

static int push_errno(lua_State *L) {
  int error = errno;
  lua_pushnil(L);
  lua_pushstring(L, strerror(error));
  return 2;
}

/* ---- SHA-256 ---- */

static void add_argument(lua_State *L, int argument, pe_sha256 *digest) {
  size_t size;
  const char *text = luaL_checklstring(L, argument, &size);
  pe_sha256_add(digest, text, size);
}

/* Of a copy: more may be added to the digest. */
static int push_hex(lua_State *L, pe_sha256 digest) {
  char hex[PE_SHA256_HEX + 1];
  pe_sha256_end(&digest, hex);
  lua_pushlstring(L, hex, PE_SHA256_HEX);
  return 1;
}

static void add_arguments(lua_State *L, pe_sha256 *digest) {
  int count = lua_gettop(L);
  pe_sha256_init(digest);
  for (int argument = 1; argument <= count; argument++)
    add_argument(L, argument, digest);
}

static int command_sha256(lua_State *L) {
  pe_sha256 digest;
  add_arguments(L, &digest);
  return push_hex(L, digest);
}

/* RFC 9562, 5.8: all is ours but the version, and the variant, whose two bits are 10. */
static int command_uuid8(lua_State *L) {
  static const char variants[] = "89ab";
  char hex[PE_SHA256_HEX + 1], text[PE_UUID_LENGTH + 1];
  pe_sha256 digest;

  add_arguments(L, &digest);
  pe_sha256_end(&digest, hex);
  hex[12] = '8';
  hex[16] = variants[hex[16] % 4];
  (void)snprintf(text, sizeof text, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
  lua_pushlstring(L, text, PE_UUID_LENGTH);
  return 1;
}

static int command_digest(lua_State *L) {
  pe_sha256_init(lua_newuserdata(L, sizeof(pe_sha256)));
  luaL_getmetatable(L, DIGEST);
  lua_setmetatable(L, -2);
  return 1;
}

static int digest_add(lua_State *L) {
  add_argument(L, 2, luaL_checkudata(L, 1, DIGEST));
  return 0;
}

static int digest_hex(lua_State *L) {
  const pe_sha256 *digest = luaL_checkudata(L, 1, DIGEST);
  return push_hex(L, *digest);
}

/* ---- places ---- */

static int command_kind(lua_State *L) {
  int64_t size = 0;
  const char *kind = pe_place_kind(luaL_checkstring(L, 1), &size);
  if (!kind) return push_errno(L);
  lua_pushstring(L, kind);
  pe_lua_push_integer(L, size);
  return 2;
}

static int command_stamp(lua_State *L) {
  char stamp[PE_PLACE_STAMP];
  if (!pe_place_stamp(luaL_checkstring(L, 1), stamp)) return push_errno(L);
  lua_pushstring(L, stamp);
  return 1;
}

static int command_real_path(lua_State *L) {
  char *path = pe_place_real(luaL_checkstring(L, 1));
  char copy[4096]; /* held in C, it would be lost where Lua has no memory */
  if (!path) return push_errno(L);
  (void)strncpy(copy, path, sizeof copy - 1);
  copy[sizeof copy - 1] = '\0';
  free(path);
  lua_pushstring(L, copy);
  return 1;
}

static int command_make_directory(lua_State *L) {
  if (!pe_place_make(luaL_checkstring(L, 1))) return push_errno(L);
  lua_pushboolean(L, 1);
  return 1;
}

static int command_is_terminal(lua_State *L) {
  lua_pushboolean(L, pe_place_is_terminal((int)luaL_checkinteger(L, 1)));
  return 1;
}

static int command_columns(lua_State *L) {
  pe_lua_push_integer(L, pe_place_columns((int)luaL_checkinteger(L, 1)));
  return 1;
}

static int command_fill_standard(lua_State *L) {
  (void)L;
  pe_place_fill_standard();
  return 0;
}

/* ---- signals and time ---- */

static int command_survive_pipes(lua_State *L) {
  (void)L;
  pe_interrupts_survive_pipes();
  return 0;
}

static int command_hold_signals(lua_State *L) {
  (void)L;
  pe_interrupts_hold();
  return 0;
}

static int command_signals(lua_State *L) {
  pe_lua_push_integer(L, pe_interrupts_count());
  return 1;
}

static int command_release_signals(lua_State *L) {
  (void)L;
  pe_interrupts_release();
  return 0;
}

static int command_pause(lua_State *L) {
  int64_t time = pe_lua_opt_seconds(L, 1, "wait: seconds", 0);
  (void)poll(NULL, 0, (int)(time / (PE_SECOND / 1000))); /* interrupted or not: whoever waits looks again */
  return 0;
}

static int command_now(lua_State *L) {
  lua_pushnumber(L, (lua_Number)pe_clock_monotonic() / (lua_Number)PE_SECOND);
  return 1;
}

static const luaL_Reg functions[] = {
    {"sha256", command_sha256},
    {"uuid8", command_uuid8},
    {"digest", command_digest},
    {"kind", command_kind},
    {"stamp", command_stamp},
    {"real_path", command_real_path},
    {"make_directory", command_make_directory},
    {"is_terminal", command_is_terminal},
    {"columns", command_columns},
    {"fill_standard", command_fill_standard},
    {"survive_pipes", command_survive_pipes},
    {"hold_signals", command_hold_signals},
    {"signals", command_signals},
    {"release_signals", command_release_signals},
    {"pause", command_pause},
    {"now", command_now},
    {"journal", pe_lua_journal_open},
    {"witness", pe_lua_journal_witness},
    {"delivered", pe_lua_journal_delivered},
    {NULL, NULL},
};

static const luaL_Reg digest_methods[] = {{"add", digest_add}, {"hex", digest_hex}, {NULL, NULL}};

void pe_lua_command_register(lua_State *L) {
  pe_lua_journal_register(L);
  luaL_newmetatable(L, DIGEST);
  lua_newtable(L);
  pe_lua_setfuncs(L, digest_methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_newtable(L);
  pe_lua_setfuncs(L, functions);
}
