#include "lua/lua_listener.h"

#include "base/clock.h"
#include "lua/lua_util.h"

static const char CLASS[] = "postevent.core.listener";

typedef struct lua_listener {
  pe_listener *listener; /* NULL only while it is made, and when it is collected */
} lua_listener;

static pe_listener *check_listener(lua_State *L) {
  const lua_listener *self = luaL_checkudata(L, 1, CLASS);
  luaL_argcheck(L, self->listener, 1, "the listener was collected");
  return self->listener;
}

int pe_lua_listener_open(lua_State *L) {
  const char *host = luaL_checkstring(L, 1), *port = luaL_checkstring(L, 2);
  char why[PE_LISTENER_MESSAGE];
  lua_listener *self = lua_newuserdata(L, sizeof *self);

  self->listener = NULL;
  luaL_getmetatable(L, CLASS);
  lua_setmetatable(L, -2);
  self->listener = pe_listener_open(host, port, why);
  if (self->listener) return 1;
  lua_pushnil(L);
  lua_pushstring(L, why);
  return 2;
}

const pe_listener *pe_lua_listener_test(lua_State *L, int index) {
  const lua_listener *self = pe_lua_testudata(L, index, CLASS);
  return self ? self->listener : NULL;
}

static int listener_run(lua_State *L) {
  lua_pushboolean(L, pe_listener_run(check_listener(L), pe_clock_monotonic()));
  return 1;
}

static int listener_answer(lua_State *L) {
  pe_listener *listener = check_listener(L);
  size_t size;
  const char *page = luaL_checklstring(L, 2, &size);
  pe_listener_answer(listener, page, size);
  return 0;
}

static int listener_port(lua_State *L) {
  pe_lua_push_integer(L, pe_listener_port(check_listener(L)));
  return 1;
}

static int listener_gc(lua_State *L) {
  lua_listener *self = luaL_checkudata(L, 1, CLASS);
  pe_listener_free(self->listener);
  self->listener = NULL;
  return 0;
}

static const luaL_Reg methods[] = {
    {"run", listener_run}, {"answer", listener_answer}, {"port", listener_port}, {NULL, NULL}};

void pe_lua_listener_register(lua_State *L) {
  luaL_newmetatable(L, CLASS);
  lua_pushcfunction(L, listener_gc);
  lua_setfield(L, -2, "__gc");
  lua_newtable(L);
  pe_lua_setfuncs(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
