#include "lua/lua_waker.h"

#include <errno.h>
#include <string.h>

#include "delivery/submission.h"
#include "lua/lua_result.h"
#include "lua/lua_util.h"

static const char CLASS[] = "postevent.core.waker";

typedef struct lua_waker {
  pe_waker *waker;      /* NULL only while it is made, and when it is collected */
  pe_submission *taken; /* being handed to Lua, the newest first; linked by `next` */
} lua_waker;

static lua_waker *check_self(lua_State *L, int index) {
  return luaL_checkudata(L, index, CLASS);
}

pe_waker *pe_lua_check_waker(lua_State *L, int index) {
  lua_waker *self = check_self(L, index);
  luaL_argcheck(L, self->waker, index, "the waker was collected");
  return self->waker;
}

int pe_lua_waker_new(lua_State *L) {
  lua_waker *self = lua_newuserdata(L, sizeof *self);

  memset(self, 0, sizeof *self);
  luaL_getmetatable(L, CLASS);
  lua_setmetatable(L, -2);
  if (pe_waker_new(&self->waker) != PE_OK) lua_pushnil(L);
  return 1;
}

/* waker:listen() -> where to connect to; or nil, why */
static int waker_listen(lua_State *L) {
  pe_waker *waker = pe_lua_check_waker(L, 1);
  errno = 0;
  if (pe_waker_listen(waker)) {
    lua_pushstring(L, pe_waker_path(waker));
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, strerror(errno != 0 ? errno : ENOMEM));
  return 2;
}

static int waker_accept(lua_State *L) {
  lua_pushboolean(L, pe_waker_accept(pe_lua_check_waker(L, 1)));
  return 1;
}

static int waker_poke(lua_State *L) {
  pe_waker_poke(pe_lua_check_waker(L, 1));
  return 0;
}

static int waker_hang_up(lua_State *L) {
  pe_waker_hang_up(pe_lua_check_waker(L, 1));
  return 0;
}

/* Takes the submission off the list; a finalizer may have put others in front of it. */
static void unlink_taken(lua_waker *self, const pe_submission *submission) {
  pe_submission **link = &self->taken;
  while (*link != submission)
    link = &(*link)->next;
  *link = submission->next;
}

/* waker:take() -> number, reply; or number, nil, message, code, detail; or nothing where no submission is answered.
 * What it holds in C while it calls Lua hangs on the userdata, which frees it in the end should an error come between.
 */
static int waker_take(lua_State *L) {
  pe_submission *submission = pe_submission_take(pe_lua_check_waker(L, 1));
  lua_waker *self = check_self(L, 1);
  int count;

  if (!submission) return 0;
  submission->next = self->taken;
  self->taken = submission;
  lua_settop(L, 1);
  lua_pushnil(L); /* the caller knows the event's id */
  pe_lua_push_integer(L, (int64_t)submission->number);
  count = submission->result.last.error == PE_OK ? pe_lua_push_reply(L, &submission->result, 2)
                                                 : pe_lua_push_failure(L, &submission->result, 2);
  unlink_taken(self, submission);
  pe_submission_free(submission);
  return 1 + count;
}

static int waker_gc(lua_State *L) {
  lua_waker *self = check_self(L, 1);
  pe_waker *waker = self->waker;

  self->waker = NULL;
  while (self->taken) {
    pe_submission *submission = self->taken;
    self->taken = submission->next;
    pe_submission_free(submission);
  }
  if (!waker) return 0;
  pe_waker_close(waker);
  pe_waker_release(waker);
  return 0;
}

static const luaL_Reg methods[] = {
    {"listen", waker_listen},   {"accept", waker_accept}, {"poke", waker_poke},
    {"hang_up", waker_hang_up}, {"take", waker_take},     {NULL, NULL},
};

void pe_lua_waker_register(lua_State *L) {
  luaL_newmetatable(L, CLASS);
  lua_pushcfunction(L, waker_gc);
  lua_setfield(L, -2, "__gc");
  lua_newtable(L);
  pe_lua_setfuncs(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
