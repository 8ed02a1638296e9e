#include "lua/lua_spool.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "lua/lua_util.h"
#include "spool/claim.h"
#include "spool/store.h"

static const char CLASS[] = "postevent.core.spool_file";

typedef struct lua_spool_file {
  pe_claim *claim; /* NULL: none */
  pe_store *store; /* NULL: closed */
  int64_t row;     /* that was read last: Lua's numbers may not tell it from the next */
} lua_spool_file;

static pe_store *check_store(lua_State *L) {
  const lua_spool_file *file = luaL_checkudata(L, 1, CLASS);
  luaL_argcheck(L, file->store, 1, "the file is closed");
  return file->store;
}

static int push_why(lua_State *L, const char *why) {
  lua_pushnil(L);
  lua_pushstring(L, why);
  return 2;
}

/* true; or nil, why */
static int push_status(lua_State *L, pe_store *store, pe_db_status status) {
  if (status != PE_DB_OK) return push_why(L, pe_store_message(store));
  lua_pushboolean(L, true);
  return 1;
}

/* Sets t[name] to the text, where there is one. */
static void set_bytes(lua_State *L, const char *name, pe_bytes bytes) {
  if (bytes.data) pe_lua_set_string(L, name, bytes.data, bytes.size);
}

static void set_time(lua_State *L, const char *name, int64_t wall) {
  pe_lua_set_number(L, name, (double)wall / (double)PE_SECOND);
}

/* Seconds since 1970, or the end of time. */
static int64_t opt_before(lua_State *L, int argument) {
  if (lua_isnoneornil(L, argument)) return INT64_MAX;
  return (int64_t)((double)luaL_checknumber(L, argument) * (double)PE_SECOND);
}

/* ---- the directory ---- */

/* Puts the real path of the directory in its place, argument 1, as far as there is one. */
static const char *check_directory(lua_State *L) {
  const char *directory = luaL_checkstring(L, 1);
  char message[PE_CLAIM_MESSAGE], real[PATH_MAX];
  char *found = pe_claim_resolve(directory, message);

  if (!found) return directory;
  (void)snprintf(real, sizeof real, "%s", found);
  free(found); /* held in C, it would be lost where Lua has no memory */
  lua_pushstring(L, real);
  lua_replace(L, 1);
  return lua_tostring(L, 1);
}

/* Appends { name = , damaged = } for each name, to the table on top. */
static void list_names(lua_State *L, const char *directory, bool damaged) {
  size_t count = pe_lua_rawlen(L, -1);
  const char *after = NULL;

  for (;;) {
    char *name = damaged ? pe_claim_next_damaged(directory, after) : pe_claim_next(directory, "", after);
    char copy[256]; /* as long as a name can be: held in C, it would be lost where Lua has no memory */
    if (!name) return;
    (void)strncpy(copy, name, sizeof copy - 1);
    copy[sizeof copy - 1] = '\0';
    free(name);
    lua_createtable(L, 0, 2);
    lua_pushstring(L, copy);
    after = lua_tostring(L, -1); /* lives as long as the table */
    lua_setfield(L, -2, "name");
    lua_pushboolean(L, damaged);
    lua_setfield(L, -2, "damaged");
    lua_rawseti(L, -2, (int)++count);
  }
}

static int spool_files(lua_State *L) {
  const char *directory = luaL_checkstring(L, 1);
  char message[PE_CLAIM_MESSAGE];

  if (!pe_claim_readable(directory, message)) return push_why(L, message);
  lua_newtable(L);
  list_names(L, directory, false);
  list_names(L, directory, true);
  return 1;
}

static int spool_writable(lua_State *L) {
  char message[PE_CLAIM_MESSAGE];
  if (!pe_claim_writable(luaL_checkstring(L, 1), message)) return push_why(L, message);
  lua_pushboolean(L, true);
  return 1;
}

static int spool_owner(lua_State *L) {
  long owner = pe_claim_owner(luaL_checkstring(L, 1), luaL_checkstring(L, 2));
  if (owner == 0)
    lua_pushnil(L);
  else
    pe_lua_push_integer(L, owner);
  return 1;
}

static int spool_asks(lua_State *L) {
  lua_pushboolean(L, isatty(STDIN_FILENO));
  return 1;
}

/* ---- a file's life ---- */

static lua_spool_file *push_file(lua_State *L) {
  lua_spool_file *file = lua_newuserdata(L, sizeof *file);
  memset(file, 0, sizeof *file);
  luaL_getmetatable(L, CLASS);
  lua_setmetatable(L, -2);
  return file;
}

static int push_kind(lua_State *L, const char *kind, const char *why) {
  lua_pushnil(L);
  lua_pushstring(L, kind);
  lua_pushstring(L, why);
  return 3;
}

static int push_unusable(lua_State *L, pe_db_status status, pe_store_kind kind, const char *why) {
  if (status == PE_DB_DAMAGED) return push_kind(L, "damaged", why);
  if (kind == PE_STORE_NOTHING) return push_kind(L, "nothing", "nothing is in it yet");
  if (status != PE_DB_OK) return push_kind(L, "failed", why);
  if (kind == PE_STORE_NEWER) return push_kind(L, "newer", "a newer release has written it");
  return push_kind(L, "foreign", "it is no spool's file");
}

static int spool_open(lua_State *L) {
  static const char *const ways[] = {"look", "write", "claim", "salvage", "again", NULL};
  const char *directory = check_directory(L), *name = luaL_checkstring(L, 2);
  int how = luaL_checkoption(L, 3, NULL, ways);
  bool looks = how == 0 || how == 3, is_made;
  bool is_open = how == 4 || pe_claim_owner(directory, name) == (long)getpid(); /* by us, already */
  pe_store_config config = {.dead_letters = INT64_MAX, .looks = looks, .is_alone = !is_open};
  char message[PE_CLAIM_MESSAGE];
  pe_store_kind kind = PE_STORE_FOREIGN;
  const char *path = lua_pushfstring(L, "%s/%s", directory, name);
  lua_spool_file *file = push_file(L);
  pe_db_status status;

  if (access(path, looks ? R_OK : R_OK | W_OK) != 0 && errno != ENOENT) return push_kind(L, "failed", strerror(errno));
  if ((how == 2 || how == 4) && access(path, F_OK) == 0) {
    file->claim = pe_claim_take(directory, name, message);
    if (!file->claim) return push_kind(L, message[0] != '\0' ? "failed" : "taken", message);
  }
  if (how == 3) {
    file->store = pe_store_open_damaged(path, &config);
    return file->store ? 1 : push_kind(L, "damaged", "nothing in it can be read");
  }
  status = pe_store_open(path, &config, &file->store, &kind, message);
  if (file->store) return 1;
  is_made = file->claim ? pe_claim_was_made(file->claim) : pe_claim_is_made(directory, name);
  pe_claim_free(file->claim);
  file->claim = NULL;
  if (status == PE_DB_OK && kind == PE_STORE_NOTHING && is_made) return push_kind(L, "damaged", "nothing is in it");
  return push_unusable(L, status, kind, message);
}

static int spool_create(lua_State *L) {
  const char *directory = check_directory(L);
  const pe_store_config config = {.endpoint = luaL_checkstring(L, 2), .dead_letters = INT64_MAX};
  char message[PE_CLAIM_MESSAGE];
  lua_spool_file *file = push_file(L);

  file->claim = pe_claim_new(directory, config.endpoint, message);
  if (!file->claim) return push_why(L, message);
  if (pe_store_create(pe_claim_path(file->claim), &config, &file->store, message) == PE_DB_OK) {
    pe_claim_note_made(file->claim);
    return 1;
  }
  pe_claim_remove(file->claim);
  file->claim = NULL;
  return push_why(L, message);
}

/* Also __gc. */
static int file_close(lua_State *L) {
  lua_spool_file *file = luaL_checkudata(L, 1, CLASS);
  bool is_empty = false;

  if (file->store) {
    pe_store_undo(file->store);
    is_empty = pe_store_is_empty(file->store);
  }
  pe_store_close(file->store);
  file->store = NULL;
  if (file->claim && is_empty)
    pe_claim_remove(file->claim);
  else
    pe_claim_free(file->claim);
  file->claim = NULL;
  return 0;
}

/* ---- looking ---- */

static int file_about(lua_State *L) {
  pe_store *store = check_store(L);
  const char *endpoint = pe_store_endpoint(store);
  pe_store_counts counts;

  pe_store_count(store, &counts);
  lua_createtable(L, 0, 6);
  if (endpoint) pe_lua_set_string(L, "endpoint", endpoint, strlen(endpoint)); /* a damaged one may not tell */
  pe_lua_set_integer(L, "pending", counts.pending);
  pe_lua_set_integer(L, "dead", counts.dead);
  pe_lua_set_integer(L, "dead_dropped", counts.dead_dropped);
  pe_lua_set_integer(L, "bytes", counts.used_bytes);
  lua_pushboolean(L, pe_store_has_passed(store));
  lua_setfield(L, -2, "passed");
  return 1;
}

static int file_tally(lua_State *L) {
  pe_store *store = check_store(L);
  bool dead = lua_toboolean(L, 2);
  pe_db_status status;
  pe_tally tally;
  int count = 0;

  pe_store_tally(store, dead, opt_before(L, 3));
  lua_newtable(L);
  while ((status = pe_store_next_tally(store, dead, &tally)) == PE_DB_ROW) {
    lua_createtable(L, 0, 4);
    set_bytes(L, "name", tally.name);
    set_bytes(L, "code", tally.code);
    pe_lua_set_integer(L, "count", tally.count);
    set_time(L, "oldest", tally.oldest);
    lua_rawseti(L, -2, ++count);
  }
  if (status == PE_DB_OK) return 1;
  return push_kind(L, status == PE_DB_DAMAGED ? "damaged" : "failed", pe_store_message(store));
}

static void push_event(lua_State *L, const pe_stored *event) {
  lua_createtable(L, 0, 10);
  pe_lua_set_integer(L, "row", event->row);
  set_time(L, "accepted_at", event->accepted_at);
  set_bytes(L, "id", event->id);
  set_bytes(L, "name", event->name);
  set_bytes(L, "body", event->body);
}

static void push_dead(lua_State *L, const pe_dead_letter *dead) {
  push_event(L, &dead->event);
  set_time(L, "ended_at", dead->ended_at);
  set_bytes(L, "outcome", dead->outcome);
  set_bytes(L, "code", dead->code);
  set_bytes(L, "message", dead->message);
  set_bytes(L, "reply", dead->reply);
  if (dead->http_status != 0) pe_lua_set_integer(L, "http_status", dead->http_status);
}

static pe_db_status read_next(pe_store *store, bool dead, int64_t row, pe_dead_letter *letter) {
  return dead ? pe_store_next_dead(store, row, letter) : pe_store_next(store, row, &letter->event);
}

static bool is_of(const pe_stored *event, const char *id, size_t size) {
  return !id || (event->id.data && event->id.size == size && memcmp(event->id.data, id, size) == 0);
}

static int64_t check_row(lua_State *L, int index) {
  const lua_spool_file *file = lua_touserdata(L, 1);
  lua_Number given = luaL_checknumber(L, index);
  if (given == (lua_Number)file->row) return file->row;
  return given < (lua_Number)INT64_MAX ? (int64_t)given : INT64_MAX;
}

static int file_next(lua_State *L) {
  pe_store *store = check_store(L);
  lua_spool_file *file = lua_touserdata(L, 1);
  bool dead = lua_toboolean(L, 2);
  int64_t row = check_row(L, 3);
  size_t size = 0;
  const char *id = luaL_optlstring(L, 4, NULL, &size);
  pe_dead_letter letter;
  pe_db_status status;

  do {
    status = read_next(store, dead, row, &letter);
    if (status == PE_DB_ROW) row = letter.event.row;
  } while (status == PE_DB_ROW && !is_of(&letter.event, id, size));
  if (status == PE_DB_OK) return 0;
  if (status != PE_DB_ROW) return push_why(L, pe_store_message(store));
  file->row = row;
  if (dead)
    push_dead(L, &letter);
  else
    push_event(L, &letter.event);
  pe_store_end_reading(store); /* stdout may wait for hours, and a reader holds the owner's log back */
  return 1;
}

/* ---- changing ---- */

/* The field as bytes, which live as long as the table; it stays on the stack. */
static pe_bytes get_bytes(lua_State *L, const char *name) {
  pe_bytes bytes = {NULL, 0};
  lua_getfield(L, 2, name);
  bytes.data = lua_tolstring(L, -1, &bytes.size);
  return bytes;
}

/* The last of the file, accepted now: how old it was has ended with its outcome. */
static int file_append(lua_State *L) {
  pe_store *store = check_store(L);
  pe_store_counts counts;
  pe_stored event;

  luaL_checktype(L, 2, LUA_TTABLE);
  pe_store_count(store, &counts);
  event.row = counts.last_row + 1;
  event.attempts = 0;
  event.accepted_at = pe_clock_wall();
  event.id = get_bytes(L, "id");
  event.name = get_bytes(L, "name");
  event.body = get_bytes(L, "body");
  return push_status(L, store, pe_store_append(store, &event));
}

static int file_remove_dead(lua_State *L) {
  pe_store *store = check_store(L);
  return push_status(L, store, pe_store_remove_dead(store, check_row(L, 2)));
}

static int file_commit(lua_State *L) {
  pe_store *store = check_store(L);
  return push_status(L, store, pe_store_commit(store));
}

/* Of a file that is ours alone the log is written back each time: on a full disk there is no room for it to grow. */
static int file_purge(lua_State *L) {
  pe_store *store = check_store(L);
  const lua_spool_file *file = lua_touserdata(L, 1);
  int64_t removed = 0;
  pe_db_status status = pe_store_purge(store, lua_toboolean(L, 2), opt_before(L, 3), &removed);

  if (status == PE_DB_OK) status = pe_store_commit(store);
  if (status == PE_DB_OK && file->claim) status = pe_store_tidy(store, true);
  if (status != PE_DB_OK) return push_status(L, store, status);
  pe_lua_push_integer(L, removed);
  return 1;
}

static const luaL_Reg methods[] = {
    {"about", file_about},   {"tally", file_tally},   {"next", file_next},
    {"append", file_append}, {"commit", file_commit}, {"remove_dead", file_remove_dead},
    {"purge", file_purge},   {"close", file_close},   {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"files", spool_files}, {"owner", spool_owner},   {"writable", spool_writable},
    {"open", spool_open},   {"create", spool_create}, {"asks", spool_asks},
    {NULL, NULL},
};

void pe_lua_spool_register(lua_State *L) {
  luaL_newmetatable(L, CLASS);
  lua_pushcfunction(L, file_close);
  lua_setfield(L, -2, "__gc");
  lua_newtable(L);
  pe_lua_setfuncs(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_newtable(L);
  pe_lua_setfuncs(L, functions);
}
