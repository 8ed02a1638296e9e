#include "lua/lua_reader.h"

#include <string.h>

#include "base/clock.h"
#include "delivery/reader.h"
#include "lua/lua_settings.h"
#include "lua/lua_util.h"

static const char CLASS[] = "postevent.core.reader";

enum { MOST = 256 * 1024 * 1024 }; /* bytes of a document; as much as the command reads of a file of definitions */

int pe_lua_reader_new(lua_State *L) {
  enum { SETTINGS = 1, READER };
  pe_reader **self;
  pe_lua_settings settings;
  const char *why = NULL;

  luaL_checktype(L, SETTINGS, LUA_TTABLE);
  lua_settop(L, SETTINGS);
  self = lua_newuserdata(L, sizeof(pe_reader *)); /* empty first: from here on __gc meets a safe object */
  *self = NULL;
  luaL_getmetatable(L, CLASS);
  lua_setmetatable(L, READER);
  pe_lua_settings_read(L, SETTINGS, &settings);
  if (pe_reader_new(&settings.config.http, settings.config.credentials, &settings.config.post, self, &why) != PE_OK)
    return luaL_error(L, "%s", why);
  lua_settop(L, READER);
  return 1;
}

/* What a person may want to know of the failure; nil: nothing is known. */
static void push_trouble(lua_State *L, const pe_attempt *attempt) {
  if (attempt->transfer.message[0] != '\0')
    lua_pushstring(L, attempt->transfer.message);
  else if (attempt->reply.message)
    lua_pushlstring(L, attempt->reply.message, attempt->reply.message_size);
  else
    lua_pushnil(L);
}

/* reader:get(path, query) -> the document; or nil, code, HTTP status (0: none), what is known for people or nil, and
 * the seconds that the platform asks to wait (0: none). `path` and `query` (may be nil) are escaped. */
static int reader_get(lua_State *L) {
  pe_reader **self = luaL_checkudata(L, 1, CLASS);
  const pe_attempt *attempt;

  luaL_argcheck(L, *self, 1, "the reader is closed");
  attempt = pe_reader_get(*self, luaL_checkstring(L, 2), luaL_optstring(L, 3, NULL), MOST);
  if (attempt->error == PE_OK) {
    const pe_buffer *body = &attempt->transfer.body;
    lua_pushlstring(L, body->size > 0 ? body->data : "", body->size);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, pe_error_name(attempt->error));
  pe_lua_push_integer(L, attempt->transfer.http_status);
  push_trouble(L, attempt);
  lua_pushnumber(L, (lua_Number)attempt->retry_after / (lua_Number)PE_SECOND);
  return 5;
}

/* reader:hide(text) -> what the text, a document's, is without the credentials */
static int reader_hide(lua_State *L) {
  pe_reader **self = luaL_checkudata(L, 1, CLASS);
  size_t size;
  const char *text = luaL_checklstring(L, 2, &size);
  char *copy = lua_newuserdata(L, size + 1);

  luaL_argcheck(L, *self, 1, "the reader is closed");
  memcpy(copy, text, size);
  lua_pushlstring(L, copy, pe_reader_hide(*self, copy, size));
  return 1;
}

/* reader:close(), and what the collector calls */
static int reader_close(lua_State *L) {
  pe_reader **self = luaL_checkudata(L, 1, CLASS);
  pe_reader_free(*self);
  *self = NULL;
  return 0;
}

static const luaL_Reg methods[] = {{"get", reader_get}, {"hide", reader_hide}, {"close", reader_close}, {NULL, NULL}};

void pe_lua_reader_register(lua_State *L) {
  luaL_newmetatable(L, CLASS);
  lua_pushcfunction(L, reader_close);
  lua_setfield(L, -2, "__gc");
  lua_newtable(L);
  pe_lua_setfuncs(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
