#include "lua/lua_call.h"

#include <string.h>

static const char CLASS[] = "postevent.core.call";

static int call_gc(lua_State *L) {
  pe_lua_call *self = luaL_checkudata(L, 1, CLASS);
  pe_buffer_cleanup(&self->body);
  pe_post_result_cleanup(&self->result);
  return 0;
}

pe_lua_call *pe_lua_call_new(lua_State *L, size_t ceiling) {
  pe_lua_call *self = lua_newuserdata(L, sizeof *self);
  memset(self, 0, sizeof *self);
  pe_buffer_init(&self->body, ceiling);
  pe_post_result_init(&self->result);
  luaL_getmetatable(L, CLASS);
  lua_setmetatable(L, -2);
  return self;
}

void pe_lua_call_register(lua_State *L) {
  luaL_newmetatable(L, CLASS);
  lua_pushcfunction(L, call_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
}
