/* The way of an event, as far as Lua knows it: completed, checked, written; then posted, tracked, or only shown. */
#include "lua/lua_deliver.h"

#include "lua/lua_answer.h"
#include "lua/lua_call.h"
#include "lua/lua_event.h"
#include "lua/lua_log.h"
#include "lua/lua_problems.h"
#include "lua/lua_result.h"
#include "lua/lua_self.h"
#include "lua/lua_util.h"
#include "lua/lua_waker.h"

enum { SELF = 1, EVENT };

/* Calls `prepare` on the event at EVENT and puts what it returns in its place. Returns false when that is nil: the
 * event was filtered. An error of before_send reaches the caller; nothing is held here. */
static bool prepare(lua_State *L, const pe_lua_self *self) {
  if (!self->has_prepare) return true;
  pe_lua_self_push_kept(L, SELF, PE_KEEP_PREPARE);
  lua_pushvalue(L, EVENT);
  lua_call(L, 1, 1);
  lua_replace(L, EVENT);
  return !lua_isnil(L, EVENT);
}

/* Logs the problems at the top of the stack, which were only to be warned about, and pops them. */
static void log_problems(lua_State *L, pe_lua_self *self) {
  if (!lua_isnil(L, -1)) {
    self->invalid_sent++;
    pe_lua_problems_push_message(L, lua_gettop(L));
    lua_pushfstring(L, "an invalid event was sent all the same: %s", lua_tostring(L, -1));
    (void)pe_lua_log(L, self, PE_LOG_INVALID, "warn", lua_tostring(L, -1));
    lua_pop(L, 2);
  }
  lua_pop(L, 1);
}

/* Logs an event whose definition is not published, once for each of them. */
static void log_unpublished(lua_State *L, pe_lua_self *self, const pe_definition *definition) {
  const pe_text *name;

  if (!pe_lua_log_takes(self, PE_LOG_UNPUBLISHED) || !definition || pe_definition_published(definition)) return;
  name = pe_definition_name(definition);
  pe_lua_self_push_kept(L, SELF, PE_KEEP_UNPUBLISHED);
  lua_pushlstring(L, name->bytes, name->size);
  lua_rawget(L, -2);
  if (lua_isnil(L, -1)) {
    int logged = lua_gettop(L) - 1;
    pe_lua_push_printable(L, name->bytes, name->size);
    lua_pushfstring(L, "the event %s is not published on the platform", lua_tostring(L, -1));
    if (pe_lua_log(L, self, PE_LOG_UNPUBLISHED, "warn", lua_tostring(L, -1))) {
      lua_pushlstring(L, name->bytes, name->size);
      lua_pushboolean(L, 1);
      lua_rawset(L, logged);
    }
    lua_pop(L, 2);
  }
  lua_pop(L, 2);
}

/* An event that is complete. */
typedef struct complete_event {
  pe_lua_call *call;               /* its body is the event; NULL where it was filtered. To be ended by end_call */
  const pe_definition *definition; /* NULL: none */
  int common;                      /* the index of the common attributes that it was given; 0: not by the core */
  int id;                          /* the index of its id, text or nil */
} complete_event;

/* Writes the event at EVENT. `prepared`: it is a copy of ours, with the common attributes. Leaves on the stack what
 * pe_lua_event_write leaves. */
static pe_error write_event(lua_State *L, pe_lua_self *self, bool prepared, complete_event *event) {
  if (self->has_common && !prepared) {
    pe_lua_self_push_kept(L, SELF, PE_KEEP_COMMON);
    event->common = lua_gettop(L);
  }
  return pe_lua_event_write(L, EVENT, event->common, &self->rules, prepared, &event->call->body, &event->definition);
}

/* Ends a call that returns the `count` values on top. */
static int end_call(const complete_event *event, int count) {
  if (event->call) pe_lua_call_end(event->call);
  return count;
}

/* The part that all methods share. Returns PE_OK and fills *event; or another error, and *returned values to return are
 * on top of the stack. A function of the program's that raises does so before there is a call to end. */
static pe_error complete(lua_State *L, pe_lua_self *self, complete_event *event, int *returned) {
  bool prepared = self->has_prepare; /* before_send may call set_common, */
  pe_client_mode mode = self->mode;  /* and set_mode */
  pe_error error = PE_FILTERED;
  int problems = 0;

  event->definition = NULL;
  event->call = NULL;
  event->common = 0;
  if (prepare(L, self)) {
    event->call = pe_lua_call_begin(L, self->call);
    error = write_event(L, self, prepared, event);
    if (error == PE_INVALID_EVENT || error == PE_TOO_LARGE) problems = lua_gettop(L);
  }
  if (error == PE_OK) {
    log_problems(L, self);
    log_unpublished(L, self, event->definition);
    event->id = lua_gettop(L);
    /* before_send, the log or a finalizer may have done something to the client meanwhile. */
    if (self->mode != mode) error = PE_FILTERED; /* it was completed for the other one */
    if (self->closed) error = PE_CLOSED;
  }
  if (error != PE_OK) *returned = pe_lua_push_refusal(L, error, problems);
  return error;
}

/* Refuses an event of which nothing else is to be said than the code. */
static int refuse(lua_State *L, pe_lua_self *self, pe_error error) {
  return pe_lua_log_refused(L, self, error, pe_lua_push_refusal(L, error, 0));
}

/* client:_log_post(attempts, code or nil, message or nil), for who posts with _submit */
static int client_log_post(lua_State *L) {
  pe_lua_self *self = pe_lua_self_check(L);
  pe_lua_log_post(L, self, (int)luaL_checknumber(L, 2), luaL_optstring(L, 3, NULL), luaL_optstring(L, 4, ""));
  return 0;
}

/* Keeps the event at EVENT, a copy that `prepare` made, for client:recorded(). */
static void record(lua_State *L) {
  pe_lua_self_push_kept(L, SELF, PE_KEEP_RECORDED);
  lua_pushvalue(L, EVENT);
  lua_rawseti(L, -2, (int)pe_lua_rawlen(L, -2) + 1);
  lua_pop(L, 1);
}

/* Logs the post of which what is returned is on top. */
static void log_post(lua_State *L, pe_lua_self *self, const pe_post_result *result, int returned) {
  const char *message = returned > 1 ? lua_tostring(L, 1 - returned) : ""; /* nil, message, ... */
  pe_error error = result->last.error;
  pe_lua_log_post(L, self, result->attempts, error == PE_OK ? NULL : pe_error_name(error), message);
}

/* Posts the event and waits. Returns how many values it pushes: what client:post returns. */
static int post_now(lua_State *L, pe_lua_self *self, const complete_event *event) {
  pe_post_result *result = &event->call->result;
  int reserve = pe_lua_answer_reserve(L);
  int returned;

  pe_client_post(self->client, event->call->body.data, event->call->body.size, result);
  returned = pe_lua_answer_push(L, reserve, result, event->id);
  log_post(L, self, result, returned);
  pe_lua_log_news(L, self);
  return returned;
}

/* Nobody answers but Redis. */
static int refuse_to_post(lua_State *L) {
  return luaL_error(L, "post: the client hands its events to a relay, and gets no reply of the platform's; track them");
}

/* client:post(event) -> reply; or nil, message, code, detail */
static int client_post(lua_State *L) {
  pe_lua_self *self = pe_lua_self_check(L);
  complete_event event;
  pe_error error;
  int returned;

  pe_lua_check_event(L, EVENT, "post");
  lua_settop(L, EVENT);
  if (self->relays) return refuse_to_post(L);
  if (self->mode == PE_MODE_LIVE) pe_lua_self_check_may_wait(L, self, "post");
  if (self->closed) return refuse(L, self, PE_CLOSED);
  if (self->mode == PE_MODE_OFF) {
    lua_pushnil(L);
    return pe_lua_push_own_reply(L, "not sent (mode = \"off\")", lua_gettop(L));
  }
  error = complete(L, self, &event, &returned);
  if (error != PE_OK) return pe_lua_log_refused(L, self, error, end_call(&event, returned));
  if (self->mode == PE_MODE_RECORD) {
    record(L);
    returned = pe_lua_push_own_reply(L, PE_RECORDED, event.id);
  } else {
    returned = post_now(L, self, &event);
  }
  return end_call(&event, returned);
}

/* client:_submit(event, waker, number) -> true, the event's id or nil; or nil, message, code, detail: nothing is sent.
 * The waker gets the answer under that number. */
static int client_submit(lua_State *L) {
  enum { WAKER = 3, NUMBER };
  pe_lua_self *self = pe_lua_self_check(L);
  pe_waker *waker = pe_lua_check_waker(L, WAKER);
  uint64_t number = (uint64_t)luaL_checknumber(L, NUMBER);
  complete_event event;
  pe_error error;
  int returned;

  pe_lua_check_event(L, EVENT, "post");
  if (self->relays) return refuse_to_post(L);
  if (self->closed) return refuse(L, self, PE_CLOSED);
  if (self->mode != PE_MODE_LIVE) return pe_lua_push_refusal(L, PE_FILTERED, 0); /* since the caller looked */
  lua_settop(L, NUMBER);                                                         /* the waker stays alive */
  error = complete(L, self, &event, &returned);
  if (error != PE_OK) return pe_lua_log_refused(L, self, error, end_call(&event, returned));
  error = pe_client_submit(self->client, waker, number, event.call->body.data, event.call->body.size);
  pe_lua_call_end(event.call);
  if (error != PE_OK) return refuse(L, self, error);
  pe_lua_log_news(L, self);
  lua_pushboolean(L, 1);
  lua_pushvalue(L, event.id);
  return 2;
}

/* The name of the event at EVENT, which stays on the stack. */
static const char *event_name(lua_State *L, const complete_event *event, size_t *size) {
  if (event->definition) {
    const pe_text *name = pe_definition_name(event->definition);
    *size = name->size;
    return name->bytes;
  }
  lua_pushvalue(L, lua_upvalueindex(PE_EVENT_NAME_UPVALUE));
  lua_rawget(L, EVENT);
  if (event->common && lua_type(L, -1) != LUA_TSTRING) {
    lua_pushvalue(L, lua_upvalueindex(PE_EVENT_NAME_UPVALUE));
    lua_rawget(L, event->common);
  }
  return lua_tolstring(L, -1, size);
}

/* Tells who wants to know that events are tracked in this process. */
static void announce(lua_State *L, pe_lua_self *self) {
  self->announced = true;
  pe_lua_self_push_kept(L, SELF, PE_KEEP_ANNOUNCE);
  if (lua_pcall(L, 0, 1, 0) != 0 || !lua_toboolean(L, -1)) self->announced = false;
  lua_pop(L, 1);
}

/* What track says where the client takes no event: it is closed, or its mode is "off". */
static int refuse_to_track(lua_State *L, pe_lua_self *self) {
  pe_client_refuse(self->client, self->closed ? PE_CLOSED : PE_FILTERED);
  if (self->closed) return refuse(L, self, PE_CLOSED);
  pe_lua_push_integer(L, 0);
  return 1;
}

/* Hands the event over, and ends its call. */
static pe_error hand_over(lua_State *L, const pe_lua_self *self, const complete_event *completed, uint64_t *ticket) {
  pe_event event;
  pe_error error;

  event.body = completed->call->body.data;
  event.body_size = completed->call->body.size;
  event.id_size = event.name_size = 0;
  event.age = 0;
  event.id = lua_tolstring(L, completed->id, &event.id_size);
  event.name = event_name(L, completed, &event.name_size);
  error = pe_client_track(self->client, &event, ticket);
  pe_lua_call_end(completed->call);
  return error;
}

static void check_track_may_wait(lua_State *L, const pe_lua_self *self) {
  if (self->mode != PE_MODE_LIVE) return;
  if (self->waits_for_room) pe_lua_self_check_may_wait(L, self, "track, with queue.overflow = \"wait\",");
  if (self->waits_for_disk) pe_lua_self_check_may_wait(L, self, "track, with spool.wait,");
}

/* client:track(event) -> ticket; or nil, message, code, detail */
static int client_track(lua_State *L) {
  pe_lua_self *self = pe_lua_self_check(L);
  complete_event completed;
  uint64_t ticket = 0;
  pe_error error;
  int returned;

  pe_lua_check_event(L, EVENT, "track");
  lua_settop(L, EVENT);
  check_track_may_wait(L, self);
  if (self->has_announce && !self->announced) announce(L, self);
  if (self->closed || self->mode == PE_MODE_OFF) return refuse_to_track(L, self);
  error = complete(L, self, &completed, &returned);
  if (error != PE_OK) {
    pe_client_refuse(self->client, error);
    return pe_lua_log_refused(L, self, error, end_call(&completed, returned));
  }
  error = hand_over(L, self, &completed, &ticket);
  if (error == PE_OK && self->mode == PE_MODE_RECORD) record(L);
  pe_lua_log_news(L, self);
  if (error != PE_OK) return refuse(L, self, error);
  pe_lua_push_integer(L, (int64_t)ticket);
  return 1;
}

/* client:encode(event) -> JSON; or nil, message, code, detail */
static int client_encode(lua_State *L) {
  pe_lua_self *self = pe_lua_self_check(L);
  complete_event event;
  int returned;

  pe_lua_check_event(L, EVENT, "encode");
  lua_settop(L, EVENT);
  if (self->closed) return pe_lua_push_refusal(L, PE_CLOSED, 0);
  if (complete(L, self, &event, &returned) == PE_OK) {
    lua_pushlstring(L, event.call->body.data, event.call->body.size);
    returned = 1;
  }
  return end_call(&event, returned);
}

/* recorded() -> a list of the events kept so far, oldest first. */
static int client_recorded(lua_State *L) {
  pe_lua_self *self = pe_lua_self_check(L);
  int count;

  pe_lua_self_push_kept(L, SELF, PE_KEEP_RECORDED);
  count = (int)pe_lua_rawlen(L, -1);
  if (self->mode != PE_MODE_RECORD && count == 0) return luaL_error(L, "recorded: the client's mode is not \"record\"");
  lua_createtable(L, count, 0);
  for (int i = 1; i <= count; i++) {
    lua_rawgeti(L, -2, i);
    lua_rawseti(L, -2, i);
  }
  return 1;
}

static const luaL_Reg methods[] = {
    {"post", client_post},
    {"track", client_track},
    {"_submit", client_submit},
    {"_log_post", client_log_post},
    {"encode", client_encode},
    {"recorded", client_recorded},
    {NULL, NULL},
};

void pe_lua_deliver_set_methods(lua_State *L) {
  for (const luaL_Reg *method = methods; method->name; method++) {
    lua_pushliteral(L, "event_name");
    lua_pushcclosure(L, method->func, PE_EVENT_NAME_UPVALUE);
    lua_setfield(L, -2, method->name);
  }
}
