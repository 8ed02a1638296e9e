#include "lua/lua_self.h"

#include <string.h>

#include "base/worker.h"

static const char MAGIC[] = PE_LUA_SELF_CLASS;

enum { SELF = 1 };

/* What was counted and told here was the parent's. */
static void begin_anew(pe_lua_self *self) {
  self->generation = pe_worker_generation();
  memset(self->logged, 0, sizeof self->logged);
  self->told_state = PE_STATE_IDLE;
  self->told_lost = self->invalid_sent = 0;
  memset(&self->told_spool, 0, sizeof self->told_spool);
  self->results_left = 0;
  self->announced = false;
}

pe_lua_self *pe_lua_self_new(lua_State *L) {
  pe_lua_self *self = lua_newuserdata(L, sizeof *self);
  memset(self, 0, sizeof *self);
  self->magic = MAGIC;
  self->generation = pe_worker_generation();
  luaL_getmetatable(L, PE_LUA_SELF_CLASS);
  lua_setmetatable(L, -2);
  return self;
}

/* luaL_checkudata looks the class up by its name, which costs track as much as handing the event over, and knows no
 * class that was derived. A full userdata of this size that holds this address is a client. */
pe_lua_self *pe_lua_self_test(lua_State *L) {
  pe_lua_self *self = lua_touserdata(L, SELF);
  return self && pe_lua_rawlen(L, SELF) == sizeof *self && self->magic == MAGIC ? self : NULL;
}

/* Its name is known where it was not called through another function. */
static int refuse_self(lua_State *L) {
  lua_Debug called;
  const char *name = NULL;
  if (lua_getstack(L, 0, &called) && lua_getinfo(L, "n", &called)) name = called.name;
  return luaL_error(L, "%s%sexpected a client, got %s; methods are called with a colon: client:%s(...)",
                    name ? name : "", name ? ": " : "", luaL_typename(L, SELF), name ? name : "post");
}

pe_lua_self *pe_lua_self_check(lua_State *L) {
  pe_lua_self *self = pe_lua_self_test(L);
  if (!self) (void)refuse_self(L); /* raises */
  if (self->generation != pe_worker_generation()) begin_anew(self);
  return self;
}

void pe_lua_self_push_kept(lua_State *L, int index, int slot) {
  pe_lua_getuservalue(L, index);
  lua_rawgeti(L, -1, slot);
  lua_remove(L, -2);
}

typedef struct trial {
  int (*f)(lua_State *L, void *data);
  void *data;
} trial;

int pe_lua_self_run_try(lua_State *L) {
  const trial *tried = lua_touserdata(L, 2);
  lua_settop(L, SELF);
  return tried->f(L, tried->data);
}

int pe_lua_self_try(lua_State *L, int (*f)(lua_State *L, void *data), void *data, int results) {
  trial tried = {f, data};
  pe_lua_self_push_kept(L, SELF, PE_KEEP_TRY);
  lua_pushvalue(L, SELF);
  lua_pushlightuserdata(L, &tried);
  return lua_pcall(L, 2, results, 0);
}

void pe_lua_self_check_may_wait(lua_State *L, const pe_lua_self *self, const char *method) {
  if (!self->is_guarded || !self->has_sent) return;
  pe_lua_self_push_kept(L, SELF, PE_KEEP_GUARD);
  lua_pushstring(L, method);
  lua_call(L, 1, 0);
}
