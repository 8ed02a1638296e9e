/* What post returns, told even where memory is out. */
#include "lua/lua_answer.h"

#include "lua/lua_result.h"
#include "lua/lua_self.h"

/* What is told, and the id that goes with it. */
typedef struct outcome {
  const pe_post_result *result;
  const char *id; /* NULL: none; the caller's stack keeps it */
  size_t id_size;
} outcome;

static int push_outcome(lua_State *L, void *data) {
  const outcome *told = data;
  int id = lua_gettop(L) + 1;
  if (told->id)
    lua_pushlstring(L, told->id, told->id_size);
  else
    lua_pushnil(L);
  return told->result->last.error == PE_OK ? pe_lua_push_reply(L, told->result, id)
                                           : pe_lua_push_failure(L, told->result, id);
}

static const char *const RESERVED[] = {"sent", "arrived"};

int pe_lua_answer_reserve(lua_State *L) {
  int reserve = lua_gettop(L) + 1;

  lua_pushnil(L);
  lua_pushliteral(L, "out of memory; detail.arrived says whether the event may have arrived");
  lua_pushstring(L, pe_error_name(PE_NO_MEMORY));
  lua_createtable(L, 0, 2);
  for (int i = 0; i < 2; i++) {
    lua_pushstring(L, RESERVED[i]);
    lua_pushboolean(L, 0);
    lua_rawset(L, -3);
  }
  lua_pushstring(L, RESERVED[0]);
  lua_pushstring(L, RESERVED[1]);
  lua_pushliteral(L, "maybe");
  return reserve;
}

/* Completes them. Allocates nothing. */
static int use_reserve(lua_State *L, int reserve, const pe_attempt *last) {
  enum { DETAIL = 3, SENT, ARRIVED, MAYBE, COUNT = 4 };
  bool perhaps = last->error == PE_OK || pe_attempt_may_have_arrived(last);
  pe_sent sent = last->transfer.sent;

  lua_settop(L, reserve + MAYBE);
  lua_pushvalue(L, reserve + ARRIVED);
  perhaps ? lua_pushvalue(L, reserve + MAYBE) : lua_pushboolean(L, 0);
  lua_rawset(L, reserve + DETAIL);
  lua_pushvalue(L, reserve + SENT);
  sent == PE_SENT_MAYBE ? lua_pushvalue(L, reserve + MAYBE) : lua_pushboolean(L, sent == PE_SENT_YES);
  lua_rawset(L, reserve + DETAIL);
  lua_settop(L, reserve + DETAIL);
  return COUNT;
}

/* Pushes the outcome. Returns how many values; 0: memory is out. Any other error is not of our making, such as that of
 * lua's own handler of Ctrl-C, and goes on its way. */
static int try_outcome(lua_State *L, outcome *told) {
  int top = lua_gettop(L);
  int status = pe_lua_self_try(L, push_outcome, told, LUA_MULTRET);
  if (status == LUA_ERRMEM) {
    lua_settop(L, top);
    (void)lua_gc(L, LUA_GCCOLLECT, 0);
    status = pe_lua_self_try(L, push_outcome, told, LUA_MULTRET);
  }
  if (status != 0 && status != LUA_ERRMEM) return lua_error(L);
  if (status != 0) lua_settop(L, top);
  return lua_gettop(L) - top;
}

int pe_lua_answer_push(lua_State *L, int reserve, const pe_post_result *result, int id) {
  outcome told = {result, NULL, 0};
  int returned;

  told.id = lua_tolstring(L, id, &told.id_size); /* text or nil: it allocates nothing */
  returned = try_outcome(L, &told);
  return returned > 0 ? returned : use_reserve(L, reserve, &result->last);
}
