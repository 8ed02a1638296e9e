/* The sandbox's HTTP server: postevent.sandbox.httpd, a Lua function on top of libmicrohttpd.
 *
 *   serve(host, port, handler, ready, max_bytes) -> true, or nil and a message
 *
 * Owns: the listening socket, the daemon, its connections and the bodies that arrive on them (sandbox_peers.h), the
 * pieces of long replies (sandbox_stream.h), and SIGINT and SIGTERM while it runs (sandbox_signals.h). Does not own:
 * what a request means; that is the handler's. Thread: the caller's, and no other: libmicrohttpd starts none, and every
 * callback runs inside `MHD_run`.
 *
 * No Lua error passes through a frame of libmicrohttpd: its callbacks reach Lua only through lua_pcall. */
#include <errno.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lua/lua_compat.h"
#include "sandbox/sandbox_body.h"
#include "sandbox/sandbox_listener.h"
#include "sandbox/sandbox_peers.h"
#include "sandbox/sandbox_ring.h"
#include "sandbox/sandbox_signals.h"
#include "sandbox/sandbox_stream.h"

#if MHD_VERSION < 0x00097100
#error "libmicrohttpd 0.9.71 or newer is needed"
#endif

enum {
  STATUS_TOO_LARGE = 413, /* its name depends on libmicrohttpd's version */
  IDLE_SECONDS = 60,      /* a peer that went silent, in a request or between two, gives its connection back */
  POOL_BYTES = 32 * 1024  /* of one connection: the headers, and what is on its way */
};

/* A complete request while the handler answers it. */
typedef struct sandbox_exchange {
  struct MHD_Connection *connection;
  const char *method, *path;
  const sandbox_body *body;
  lua_State *L;                  /* of `serve` */
  struct MHD_Response *response; /* owned here until queued; may be set although the handler failed later */
  unsigned status;
} sandbox_exchange;

/* Lives in a userdata on the stack of `serve`, which cleans it up. */
typedef struct sandbox_server {
  lua_State *L;
  sandbox_exchange *current; /* while the handler runs */
  struct MHD_Daemon *daemon;
  int listener; /* -1 when there is none, or when the daemon owns it */
  int port;
  sandbox_peers peers;
  sandbox_signals signals;
  char message[LISTENER_MESSAGE]; /* why it cannot run, or "" */
} sandbox_server;

/* What stands where on the stack of `serve`. The functions are made once, beforehand: making one may raise, and
 * nothing could catch that inside a callback. */
enum { HOST = 1, PORT, HANDLER, READY, ANSWER, SERVER, QUERY, HEADER, PULL };

/* ---- one request, complete: ask the handler ---- */

/* The value of a header or of a query's argument, or nil: header(name), query(name). Valid while the handler runs.
 * Upvalues: the server, the kind. */
static int look_up(lua_State *L) {
  const sandbox_server *server = lua_touserdata(L, lua_upvalueindex(1));
  enum MHD_ValueKind kind = (enum MHD_ValueKind)lua_tointeger(L, lua_upvalueindex(2));
  const char *name = luaL_checkstring(L, 1);

  if (!server->current) return luaL_error(L, "the request has been answered");
  lua_pushstring(L, MHD_lookup_connection_value(server->current->connection, kind, name));
  return 1;
}

static void push_look_up(lua_State *L, enum MHD_ValueKind kind) {
  lua_pushvalue(L, SERVER);
  lua_pushinteger(L, (lua_Integer)kind);
  lua_pushcclosure(L, look_up, 2);
}

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
         (body == LUA_TSTRING || body == LUA_TFUNCTION) && lua_istable(L, index + 2);
}

/* Makes the response of the status, the body and the headers at `index`. */
static void read_reply(lua_State *L, int index, sandbox_exchange *exchange) {
  lua_Number status = lua_tonumber(L, index);
  size_t size;
  const char *body;

  if (!is_reply(L, index)) luaL_error(L, "the handler must return a status, a body and a table of headers");
  if (lua_isfunction(L, index + 1)) {
    exchange->response = stream_response(L, exchange->L, index + 1, PULL);
  } else {
    body = lua_tolstring(L, index + 1, &size);
    exchange->response = new_response(body, size);
  }
  if (!exchange->response) luaL_error(L, "not enough memory");
  add_headers(L, index + 2, exchange->response);
  exchange->status = (unsigned)status;
}

/* (handler, server, query, header): calls the handler and makes the response of what it returns. Runs under lua_pcall;
 * whatever it made before an error is in the exchange, for the caller to destroy. */
static int answer(lua_State *L) {
  sandbox_exchange *exchange = ((const sandbox_server *)lua_touserdata(L, 2))->current;
  const sandbox_body *body = exchange->body;

  lua_pushvalue(L, 1);
  lua_pushstring(L, exchange->method);
  lua_pushstring(L, exchange->path);
  lua_pushvalue(L, 3);
  lua_pushvalue(L, 4);
  lua_pushlstring(L, body->data ? body->data : "", body->size);
  lua_call(L, 5, 3);
  read_reply(L, 5, exchange);
  return 0;
}

/* Queues one of the server's own replies. */
static enum MHD_Result reply_with(struct MHD_Connection *connection, unsigned status, const char *body) {
  struct MHD_Response *response = new_response(body, strlen(body));
  enum MHD_Result result = MHD_NO;

  if (!response) return MHD_NO; /* closes the connection */
  if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json"))
    result = MHD_queue_response(connection, status, response);
  MHD_destroy_response(response);
  return result;
}

static enum MHD_Result reply_failed(struct MHD_Connection *connection, const char *why) {
  (void)fprintf(stderr, "postevent.sandbox: %s\n", why); /* nowhere to tell that stderr is closed */
  return reply_with(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "{\"message\":\"Internal server error\"}");
}

static enum MHD_Result call_handler(sandbox_server *server, sandbox_exchange *exchange) {
  lua_State *L = server->L;
  enum MHD_Result result;

  server->current = exchange;
  lua_pushvalue(L, ANSWER);
  lua_pushvalue(L, HANDLER);
  lua_pushvalue(L, SERVER);
  lua_pushvalue(L, QUERY);
  lua_pushvalue(L, HEADER);
  if (lua_pcall(L, 4, 0, 0) == 0) {
    result = MHD_queue_response(exchange->connection, exchange->status, exchange->response);
  } else {
    /* Only a string: to turn a number into one may allocate, and so raise. */
    const char *why = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "an error without text";
    result = reply_failed(exchange->connection, why);
    lua_pop(L, 1);
  }
  server->current = NULL;
  return result;
}

static enum MHD_Result answer_request(sandbox_server *server, sandbox_exchange *exchange) {
  enum MHD_Result result;

  if (exchange->body->too_long)
    return reply_with(exchange->connection, STATUS_TOO_LARGE, "{\"message\":\"Request Too Long\"}");
  result = call_handler(server, exchange);
  if (exchange->response) MHD_destroy_response(exchange->response); /* a queued one is libmicrohttpd's, too */
  return result;
}

/* ---- a request arrives ---- */

static void on_connection(void *data, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what) {
  sandbox_server *server = data;

  if (what == MHD_CONNECTION_NOTIFY_STARTED)
    *context =
        peers_add(&server->peers, MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
  else
    peers_remove(&server->peers, *context);
}

static sandbox_peer *peer_of(struct MHD_Connection *connection) {
  return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* Called once when the headers are there (*context is NULL), once for each piece of the body, and once at its end. The
 * context is the peer, whose body on_completed frees. */
static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *path, const char *method,
                                  const char *version, const char *bytes, size_t *size, void **context) {
  sandbox_server *server = data;
  sandbox_peer *peer = peer_of(connection);
  sandbox_exchange exchange = {connection, method, path, NULL, server->L, NULL, 0};

  (void)version;
  if (!peer || peer->sent_away) return MHD_NO; /* closes the connection */
  if (!*context) {
    peers_touch(&server->peers, peer);
    *context = peer;
    return MHD_YES;
  }
  if (*size > 0) {
    if (!peers_receive(&server->peers, peer, bytes, *size)) return MHD_NO;
    *size = 0; /* all of it was taken */
    return MHD_YES;
  }
  exchange.body = &peer->body;
  return answer_request(server, &exchange);
}

/* Called however the request ends: answered, aborted by the peer, timed out, or cut off by the daemon's end. */
static void on_completed(void *data, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode how) {
  sandbox_server *server = data;

  (void)connection, (void)how;
  if (*context) peers_drop_body(&server->peers, *context);
  *context = NULL;
}

/* ---- start, run, stop ---- */

/* epoll where there is one; MHD_get_fdset stands for it as well. */
static bool start_daemon(sandbox_server *server) {
  server->daemon = MHD_start_daemon(
      MHD_USE_AUTO, 0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET, server->listener,
      MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
      MHD_OPTION_CONNECTION_LIMIT, (unsigned)(server->peers.max_count + LEAVING), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
      (size_t)POOL_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_END);
  if (server->daemon) {
    server->listener = -1;
    return true;
  }
  (void)snprintf(server->message, sizeof server->message, "cannot start the HTTP server: %s", strerror(errno));
  return false;
}

/* Returns once there is work, a time limit has passed or a signal has come. False with server->message set. */
static bool wait_for_work(sandbox_server *server) {
  fd_set reading, writing, failing;
  MHD_socket highest = -1;
  MHD_UNSIGNED_LONG_LONG ms;
  struct timespec limit, *wait = NULL;

  FD_ZERO(&reading);
  FD_ZERO(&writing);
  FD_ZERO(&failing);
  if (MHD_get_fdset(server->daemon, &reading, &writing, &failing, &highest) != MHD_YES) {
    (void)snprintf(server->message, sizeof server->message, "too many open files for select");
    return false;
  }
  if (MHD_get_timeout(server->daemon, &ms) == MHD_YES) {
    limit.tv_sec = (time_t)(ms / 1000);
    limit.tv_nsec = (long)(ms % 1000) * 1000000;
    wait = &limit;
  }
  if (pselect(highest + 1, &reading, &writing, &failing, wait, &server->signals.wait_mask) >= 0 || errno == EINTR)
    return true;
  (void)snprintf(server->message, sizeof server->message, "cannot wait for requests: %s", strerror(errno));
  return false;
}

static void run(sandbox_server *server) {
  signals_let_in(&server->signals);
  while (!stop_requested && wait_for_work(server)) {
    if (MHD_run(server->daemon) != MHD_YES) {
      (void)snprintf(server->message, sizeof server->message, "the HTTP server failed");
      return;
    }
    signals_let_in(&server->signals);
  }
}

static void stop(sandbox_server *server) {
  /* It closes every connection, idle or not, and the listening socket. */
  if (server->daemon) MHD_stop_daemon(server->daemon);
  if (server->listener >= 0) (void)close(server->listener);
  server->daemon = NULL;
  server->listener = -1;
  signals_release(&server->signals);
}

/* Fills the stack of `serve` from ANSWER to PULL. */
static sandbox_server *push_server(lua_State *L, size_t max_bytes) {
  sandbox_server *server;

  lua_settop(L, READY);
  lua_pushcfunction(L, answer);
  server = lua_newuserdata(L, sizeof *server);
  memset(server, 0, sizeof *server);
  server->L = L;
  server->listener = -1;
  server->peers.max_count = peers_possible();
  server->peers.max_bytes = max_bytes > 2 * BODY_CEILING ? max_bytes : 2 * BODY_CEILING;
  push_look_up(L, MHD_GET_ARGUMENT_KIND);
  push_look_up(L, MHD_HEADER_KIND);
  lua_pushcfunction(L, stream_pull);
  return server;
}

/* Listens, calls `ready`, and answers requests until it is told to stop. Returns 0 with what `ready` said on the stack
 * where that was not true; or what lua_pcall returned for `ready`, whose error is on top then. */
static int run_until_stopped(lua_State *L, sandbox_server *server, const char *host, int port) {
  int failed;

  server->listener = listener_open(host, port, &server->port, server->message);
  if (server->listener < 0) return 0;
  signals_hold(&server->signals);
  if (!start_daemon(server)) return 0;
  lua_pushvalue(L, READY);
  lua_pushinteger(L, server->port);
  failed = lua_pcall(L, 1, 2, 0);
  if (failed || !lua_toboolean(L, -2)) return failed;
  run(server);
  lua_settop(L, PULL);
  return 0;
}

/* serve(host, port, handler, ready, max_bytes): answers requests until SIGINT or SIGTERM, then returns true.
 *
 * host     an IPv4 or IPv6 address, or a name
 * port     0 lets the system choose
 * handler  (method, path, query, header, body) -> status, body, headers: called for each complete request.
 *          query(name) and header(name) look one value up, or nil; `body` is a text, or a function that returns the
 *          next piece of it, and nil behind the last; `headers` is a table. An error in the handler is answered with
 *          500 and a line on stderr; one in that function closes the connection.
 * ready    (port) -> true, or nil and a message: called once when connections are accepted and the signals are
 *          caught. What it returns instead of true stops the server and is returned; so is what it raises.
 *
 * max_bytes  of the bodies that are arriving, all together; at least two of 10 MB have room. Beyond it, and beyond a
 *          thousand connections, the quietest is closed.
 *
 * Returns nil and a message that names host and port if they cannot be listened on. Whatever happens, the socket is
 * closed and the signals are as before when it returns or raises. Not to be called twice at a time in one process. */
static int serve(lua_State *L) {
  const char *host = luaL_checkstring(L, HOST);
  lua_Integer port = luaL_checkinteger(L, PORT);
  lua_Number max_bytes = luaL_optnumber(L, READY + 1, 0);
  sandbox_server *server;
  int failed;

  luaL_argcheck(L, port >= 0 && port <= 65535, PORT, "not a port");
  luaL_checktype(L, HANDLER, LUA_TFUNCTION);
  luaL_checktype(L, READY, LUA_TFUNCTION);
  server = push_server(L, max_bytes > 0 && max_bytes < 1e9 ? (size_t)max_bytes : 0);
  failed = run_until_stopped(L, server, host, (int)port);
  stop(server);
  if (failed) return lua_error(L);
  if (lua_gettop(L) > PULL) return 2; /* what `ready` said */
  if (server->message[0] != '\0') {
    lua_pushnil(L);
    lua_pushstring(L, server->message);
    return 2;
  }
  lua_pushboolean(L, 1);
  return 1;
}

PE_EXPORT int luaopen_postevent_sandbox_httpd(lua_State *L);
PE_EXPORT int luaopen_postevent_sandbox_httpd(lua_State *L) {
  static const luaL_Reg functions[] = {{"serve", serve}, {"new_ring", sandbox_ring_new}, {NULL, NULL}};

  sandbox_ring_register(L);
  lua_newtable(L);
  pe_lua_setfuncs(L, functions);
  return 1;
}
