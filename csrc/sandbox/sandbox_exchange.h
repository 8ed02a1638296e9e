/* A request on its way through the handler: what Lua is asked, and what it answers. Part of sandbox_httpd.c, which is
 * the only one to include it. No Lua error leaves it. */
#ifndef PE_SANDBOX_EXCHANGE_H
#define PE_SANDBOX_EXCHANGE_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lua/lua_compat.h"
#include "sandbox/sandbox_listener.h"
#include "sandbox/sandbox_pace.h"
#include "sandbox/sandbox_signals.h"
#include "sandbox/sandbox_stream.h"

static const double LONGEST_DELAY = 86400; /* seconds */
enum { MOST_VALUES = 100 };                /* headers, or arguments, of which a list is made */

/* A request while Lua looks at it. */
typedef struct sandbox_exchange {
  sandbox_peer *peer; /* what is answered goes into its reply, and stays there although the handler failed later */
  const char *method, *path;
} sandbox_exchange;

/* Lives in a userdata on the stack of `serve`, which cleans it up. */
typedef struct sandbox_server {
  lua_State *L;
  const sandbox_exchange *current; /* while Lua looks at it */
  struct MHD_Daemon *daemon;
  int listener; /* -1 when there is none, or when the daemon owns it */
  int port;
  int life;  /* a descriptor: its end is to be this one's; -1: there is none */
  bool news; /* what the handler has just answered is news to those that wait */
  sandbox_peers peers;
  sandbox_signals signals;
  char message[LISTENER_MESSAGE]; /* why it cannot run, or "" */
} sandbox_server;

/* What stands where on the stack of `serve`. The functions are made once, beforehand: making one may raise, and
 * nothing could catch that inside a callback. */
enum { HOST = 1, PORT, HANDLER, READY, ARRIVING, ANSWER, ASK, SERVER, QUERY, HEADER, PULL };

/* ---- what is handed to Lua ---- */

typedef struct sandbox_values {
  const char *name[MOST_VALUES], *value[MOST_VALUES];
  int count;
} sandbox_values;

/* Called by libmicrohttpd, through which no Lua error may pass: it only notes where they are. */
static enum MHD_Result note_value(void *data, enum MHD_ValueKind kind, const char *name, const char *value) {
  sandbox_values *values = data;

  (void)kind;
  if (values->count == MOST_VALUES) return MHD_NO;
  values->name[values->count] = name;
  values->value[values->count++] = value ? value : "";
  return MHD_YES;
}

/* Pushes a list of pairs. */
static void push_values(lua_State *L, struct MHD_Connection *connection, enum MHD_ValueKind kind) {
  sandbox_values values = {.count = 0};

  (void)MHD_get_connection_values(connection, kind, note_value, &values); /* how many there are, or were looked at */
  lua_createtable(L, values.count, 0);
  for (int i = 0; i < values.count; i++) {
    lua_createtable(L, 2, 0);
    lua_pushstring(L, values.name[i]);
    lua_rawseti(L, -2, 1);
    lua_pushstring(L, values.value[i]);
    lua_rawseti(L, -2, 2);
    lua_rawseti(L, -2, i + 1);
  }
}

/* The value of a header or of a query's argument, or nil: header(name), query(name). Without a name a list of all, as
 * pairs. Valid while the handler runs. Upvalues: the server, the kind. */
static int look_up(lua_State *L) {
  const sandbox_server *server = lua_touserdata(L, lua_upvalueindex(1));
  enum MHD_ValueKind kind = (enum MHD_ValueKind)lua_tointeger(L, lua_upvalueindex(2));
  const char *name = luaL_optstring(L, 1, NULL);

  if (!server->current) return luaL_error(L, "the request has been answered");
  if (name)
    lua_pushstring(L, MHD_lookup_connection_value(server->current->peer->connection, kind, name));
  else
    push_values(L, server->current->peer->connection, kind);
  return 1;
}

static void push_look_up(lua_State *L, enum MHD_ValueKind kind) {
  lua_pushvalue(L, SERVER);
  lua_pushinteger(L, (lua_Integer)kind);
  lua_pushcclosure(L, look_up, 2);
}

/* Pushes method, path, query and header for the function on top. Runs under lua_pcall, with the arguments of
 * call_lua. */
static const sandbox_exchange *push_request(lua_State *L) {
  const sandbox_exchange *exchange = ((const sandbox_server *)lua_touserdata(L, 2))->current;

  lua_pushvalue(L, 1);
  lua_pushstring(L, exchange->method);
  lua_pushstring(L, exchange->path);
  lua_pushvalue(L, 3);
  lua_pushvalue(L, 4);
  return exchange;
}

/* ---- what Lua answers ---- */

/* Copies the bytes, although libmicrohttpd's signature is not const. */
static struct MHD_Response *new_response(const char *body, size_t size) {
  return MHD_create_response_from_buffer(size, (void *)body, MHD_RESPMEM_MUST_COPY);
}

static void add_headers(lua_State *L, int index, struct MHD_Response *response) {
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
    if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING ||
        MHD_add_response_header(response, lua_tostring(L, -2), lua_tostring(L, -1)) != MHD_YES)
      luaL_error(L, "a header of the reply is not valid");
}

static bool is_reply(lua_State *L, int index) {
  lua_Number status = lua_tonumber(L, index);
  int body = lua_type(L, index + 1);

  return lua_type(L, index) == LUA_TNUMBER && status >= 200 && status <= 599 &&
         (body == LUA_TSTRING || body == LUA_TFUNCTION) && lua_istable(L, index + 2) &&
         (lua_isnil(L, index + 3) || lua_istable(L, index + 3));
}

/* The number `name` of the table at `index`, or 0 where there is none. */
static double read_number(lua_State *L, int index, const char *name) {
  double value = 0;
  if (lua_istable(L, index)) {
    lua_getfield(L, index, name);
    value = lua_tonumber(L, -1);
    lua_pop(L, 1);
  }
  return value;
}

static bool read_ending(lua_State *L, int index, const char *ending) {
  bool is_it = false;
  if (lua_istable(L, index)) {
    lua_getfield(L, index, "ending");
    is_it = lua_isstring(L, -1) && strcmp(lua_tostring(L, -1), ending) == 0;
    lua_pop(L, 1);
  }
  return is_it;
}

/* The response of the body at `index`; what is to go wrong with it stands in the table `wrong`, if that is one. */
static struct MHD_Response *read_body(lua_State *L, int index, int wrong, sandbox_server *server, sandbox_peer *peer) {
  double rate = read_number(L, wrong, "trickle");
  bool half = read_ending(L, wrong, "half");
  size_t size;
  const char *body;

  if (lua_isfunction(L, index)) return stream_response(L, server->L, index, PULL);
  body = lua_tolstring(L, index, &size);
  return rate > 0 || half ? pace_response(&server->peers, peer, body, size, rate, half) : new_response(body, size);
}

/* Makes the peer's reply of the status, the body, the headers and the troubles at `index`. */
static void read_reply(lua_State *L, int index, sandbox_server *server, sandbox_peer *peer) {
  sandbox_reply *reply = &peer->reply;
  double delay;

  if (!is_reply(L, index)) luaL_error(L, "the handler must return a status, a body and a table of headers");
  delay = read_number(L, index + 3, "delay");
  reply->status = (unsigned)lua_tonumber(L, index);
  reply->delay = delay > 0 && delay < LONGEST_DELAY ? delay : 0;
  reply->stall = read_ending(L, index + 3, "stall");
  reply->drop = read_ending(L, index + 3, "drop");
  reply->awaits = reply->delay > 0 && read_ending(L, index + 3, "news");
  reply->response = read_body(L, index + 1, index + 3, server, peer);
  if (!reply->response) luaL_error(L, "not enough memory");
  add_headers(L, index + 2, reply->response);
}

/* (handler, server, query, header): calls the handler with a complete request. Runs under lua_pcall. */
static int answer(lua_State *L) {
  const sandbox_exchange *exchange = push_request(L);
  const sandbox_body *body = &exchange->peer->body;
  sandbox_server *server = lua_touserdata(L, 2);

  lua_pushlstring(L, body->data ? body->data : "", body->size);
  lua_call(L, 5, 5);
  server->news = lua_toboolean(L, 9);
  read_reply(L, 5, server, exchange->peer);
  return 0;
}

/* (arriving, server, query, header): asks about a request of which only the headers are there. Runs under lua_pcall. */
static int ask(lua_State *L) {
  const sandbox_exchange *exchange = push_request(L);

  lua_call(L, 4, 1);
  exchange->peer->reply.drop = lua_toboolean(L, -1);
  return 0;
}

/* Calls `answer` with the handler, or `ask` with `arriving`, all of which stand on the stack of `serve`. False: it
 * raised, and a line on stderr says what. */
static bool call_lua(sandbox_server *server, int what, int function, const sandbox_exchange *exchange) {
  lua_State *L = server->L;
  bool done;

  server->current = exchange;
  lua_pushvalue(L, what);
  lua_pushvalue(L, function);
  lua_pushvalue(L, SERVER);
  lua_pushvalue(L, QUERY);
  lua_pushvalue(L, HEADER);
  done = lua_pcall(L, 4, 0, 0) == 0;
  if (!done) {
    /* Only a string: to turn a number into one may allocate, and so raise. */
    const char *why = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "an error without text";
    (void)fprintf(stderr, "postevent.sandbox: %s\n", why); /* nowhere to tell that stderr is closed */
    lua_pop(L, 1);
  }
  server->current = NULL;
  return done;
}

#endif
