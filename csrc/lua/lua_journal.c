#include "lua/lua_journal.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "command/journal.h"
#include "delivery/client.h"
#include "lua/lua_self.h"
#include "lua/lua_util.h"

static const char CLASS[] = "postevent.core.journal";

enum { MOST_READ = 65536 };

typedef struct lua_journal {
  pe_journal *file; /* NULL: closed */
} lua_journal;

static pe_journal *check_journal(lua_State *L) {
  const lua_journal *journal = luaL_checkudata(L, 1, CLASS);
  luaL_argcheck(L, journal->file, 1, "the journal is closed");
  return journal->file;
}

/* true; or nil, why */
static int push_status(lua_State *L, int error) {
  if (error != 0) {
    lua_pushnil(L);
    lua_pushstring(L, strerror(error));
    return 2;
  }
  lua_pushboolean(L, 1);
  return 1;
}

/* Two have words that say more than the system's. */
static int push_refusal(lua_State *L, int error) {
  if (error != ELOOP && error != EINVAL) return push_status(L, error);
  lua_pushnil(L);
  lua_pushstring(L, error == ELOOP ? "it is a symbolic link" : "it is no file");
  return 2;
}

int pe_lua_journal_open(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  lua_journal *journal = lua_newuserdata(L, sizeof *journal);
  long holder = 0;
  int error;

  journal->file = NULL;
  luaL_getmetatable(L, CLASS);
  lua_setmetatable(L, -2);
  error = pe_journal_open(path, &journal->file, &holder);
  if (error == 0) return 1;
  (void)push_refusal(L, error);
  if (error != EAGAIN) return 2;
  pe_lua_push_integer(L, holder);
  return 3;
}

static int journal_read(lua_State *L) {
  pe_journal *file = check_journal(L);
  int64_t from = (int64_t)luaL_checknumber(L, 2);
  size_t size = (size_t)luaL_checkinteger(L, 3), got = 0;
  char bytes[MOST_READ];
  int error = pe_journal_read(file, from, bytes, size < sizeof bytes ? size : sizeof bytes, &got);
  if (error != 0) return push_status(L, error);
  lua_pushlstring(L, bytes, got);
  return 1;
}

static int journal_discard(lua_State *L) {
  pe_journal *file = check_journal(L);
  pe_journal_discard(file, luaL_checkstring(L, 2));
  return 0;
}

static int journal_end_at(lua_State *L) {
  return push_status(L, pe_journal_end_at(check_journal(L), (int64_t)luaL_checknumber(L, 2)));
}

static int journal_reserve(lua_State *L) {
  return push_status(L, pe_journal_reserve(check_journal(L), (size_t)luaL_checkinteger(L, 2)));
}

static int journal_append(lua_State *L) {
  pe_journal *file = check_journal(L);
  size_t size;
  const char *bytes = luaL_checklstring(L, 2, &size);
  int64_t at = 0;
  int error = pe_journal_append(file, bytes, size, &at);
  if (error != 0) return push_status(L, error);
  pe_lua_push_integer(L, at);
  return 1;
}

static int journal_expect(lua_State *L) {
  pe_journal_expect(check_journal(L), (uint64_t)luaL_checknumber(L, 2), (int64_t)luaL_checknumber(L, 3));
  return 0;
}

static int journal_trouble(lua_State *L) {
  int error = pe_journal_trouble(check_journal(L));
  if (error == 0) return 0;
  lua_pushstring(L, strerror(error));
  return 1;
}

/* The sender's thread. What an import takes up again another day has no answer yet. */
static void saw(void *data, const pe_result *result) {
  pe_journal_answer answer = {result->ticket, pe_outcome_name(result->outcome), result->id, result->id_size};
  if (result->outcome == PE_EXPIRED || result->outcome == PE_DROPPED) return;
  pe_journal_answer_is(data, &answer);
}

static void release(void *data) {
  pe_journal_release(data);
}

int pe_lua_journal_witness(lua_State *L) {
  pe_lua_self *self = pe_lua_self_check(L);
  const lua_journal *journal = luaL_checkudata(L, 2, CLASS);
  luaL_argcheck(L, journal->file, 2, "the journal is closed");
  pe_journal_hold(journal->file);
  lua_pushboolean(L, pe_client_set_witness(self->client, (pe_witness){saw, release, journal->file}));
  return 1;
}

static int journal_sync(lua_State *L) {
  return push_status(L, pe_journal_sync(check_journal(L)));
}

/* Also __gc. The sender's thread may hold it a moment longer. */
static int journal_close(lua_State *L) {
  lua_journal *journal = luaL_checkudata(L, 1, CLASS);
  if (journal->file) pe_journal_close(journal->file);
  pe_journal_release(journal->file);
  journal->file = NULL;
  return 0;
}

/* Most results say that all went well, and a table for each would cost more than all else that is done for them. */
int pe_lua_journal_delivered(lua_State *L) {
  pe_lua_self *self = pe_lua_self_check(L);
  pe_result *result;
  int64_t count = 0;

  while ((result = pe_client_take_result(self->client)) && result->outcome == PE_DELIVERED) {
    free(result);
    count++;
  }
  if (result) pe_client_return_result(self->client, result);
  pe_lua_push_integer(L, count);
  return 1;
}

static const luaL_Reg methods[] = {
    {"read", journal_read},       {"end_at", journal_end_at},
    {"reserve", journal_reserve}, {"append", journal_append},
    {"sync", journal_sync},       {"expect", journal_expect},
    {"trouble", journal_trouble}, {"discard", journal_discard},
    {"close", journal_close},     {NULL, NULL},
};

void pe_lua_journal_register(lua_State *L) {
  luaL_newmetatable(L, CLASS);
  lua_pushcfunction(L, journal_close);
  lua_setfield(L, -2, "__gc");
  lua_newtable(L);
  pe_lua_setfuncs(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
