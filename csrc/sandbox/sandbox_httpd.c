/* The sandbox's HTTP server: postevent.sandbox.httpd, a Lua module on top of libmicrohttpd.
 *
 *   serve(host, port, handler, ready, arriving, max_bytes, life) -> true, or nil and a message
 *   now() -> seconds
 *   new_ring(max_count, max_bytes), which is described in sandbox_ring.h, and md5(text) in sandbox_md5.h,
 *   fork(run) and ask(port, request, seconds) in sandbox_child.h, is_own_address(text) in sandbox_address.h
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
#include "sandbox/sandbox_address.h"
#include "sandbox/sandbox_child.h"
#include "sandbox/sandbox_exchange.h"
#include "sandbox/sandbox_md5.h"
#include "sandbox/sandbox_ring.h"

#if MHD_VERSION < 0x00097100
#error "libmicrohttpd 0.9.71 or newer is needed"
#endif

enum {
  STATUS_TOO_LARGE = 413, /* its name depends on libmicrohttpd's version */
  IDLE_SECONDS = 60,      /* a peer that went silent, in a request or between two, gives its connection back */
  POOL_BYTES = 32 * 1024  /* of one connection: the headers, and what is on its way */
};

/* ---- a request arrives ---- */

static void on_connection(void *data, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what) {
  sandbox_server *server = data;

  if (what == MHD_CONNECTION_NOTIFY_STARTED)
    *context = peers_add(&server->peers, connection);
  else
    peers_remove(&server->peers, *context);
}

static sandbox_peer *peer_of(struct MHD_Connection *connection) {
  return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
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

/* Sends the reply that is there, when it is time. */
static enum MHD_Result deliver(sandbox_server *server, sandbox_peer *peer) {
  sandbox_reply *reply = &peer->reply;

  if (reply->stall || reply->delay > 0) {
    waits_begin(&server->peers, peer, reply->stall ? 0 : waits_now() + reply->delay);
    reply->delay = 0;
    return MHD_YES;
  }
  return reply->drop ? MHD_NO : MHD_queue_response(peer->connection, reply->status, reply->response);
}

static enum MHD_Result answer_request(sandbox_server *server, const sandbox_exchange *exchange) {
  sandbox_peer *peer = exchange->peer;
  bool answered;

  if (peer->reply.stale) peer_drop_reply(peer);
  if (peer->reply.response) return deliver(server, peer); /* it has waited */
  if (peer->body.too_long) return reply_with(peer->connection, STATUS_TOO_LARGE, "{\"message\":\"Request Too Long\"}");
  answered = call_lua(server, ANSWER, HANDLER, exchange);
  peers_drop_body(&server->peers, peer); /* the reply may have to wait */
  if (server->news) waits_tell(&server->peers);
  server->news = false;
  if (answered) return deliver(server, peer);
  return reply_with(peer->connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "{\"message\":\"Internal server error\"}");
}

/* How often a request has what says for whom it is, and how long it is. */
typedef struct framing {
  int hosts, lengths, codings;
} framing;

/* Whatever the letters' case, and the locale of the program whose child this is. */
static bool is_header(const char *name, const char *wanted) {
  for (; *name != '\0' && *wanted != '\0'; name++, wanted++) {
    bool is_letter = (*name | 0x20) >= 'a' && (*name | 0x20) <= 'z';
    if (*name != *wanted && !(is_letter && (*name | 0x20) == (*wanted | 0x20))) return false;
  }
  return *name == *wanted;
}

static enum MHD_Result count_header(void *data, enum MHD_ValueKind kind, const char *name, const char *value) {
  framing *counts = data;

  (void)kind, (void)value;
  if (is_header(name, MHD_HTTP_HEADER_HOST)) counts->hosts++;
  if (is_header(name, MHD_HTTP_HEADER_CONTENT_LENGTH)) counts->lengths++;
  if (is_header(name, MHD_HTTP_HEADER_TRANSFER_ENCODING)) counts->codings++;
  return MHD_YES;
}

/* What two readers may take for two different requests, a proxy and who is behind it (RFC 9112, 3.2, 6.3). */
static bool is_ambiguous(struct MHD_Connection *connection, const char *version) {
  framing counts = {0, 0, 0};
  (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, count_header, &counts);
  if (counts.hosts > 1 || counts.lengths + counts.codings > 1) return true;
  return counts.hosts == 0 && strcmp(version, MHD_HTTP_VERSION_1_1) == 0;
}

/* The headers are there: is the rest to be read? */
static enum MHD_Result begin_request(sandbox_server *server, const sandbox_exchange *exchange, const char *version) {
  sandbox_peer *peer = exchange->peer;

  peers_touch(&server->peers, peer);
  if (is_ambiguous(peer->connection, version))
    return reply_with(peer->connection, MHD_HTTP_BAD_REQUEST, "{\"message\":\"Bad Request\"}");
  if (lua_isfunction(server->L, ARRIVING))
    (void)call_lua(server, ASK, ARRIVING, exchange); /* it says why, and goes on */
  return peer->reply.drop ? MHD_NO : MHD_YES;
}

/* Called once when the headers are there (*context is NULL), once for each piece of the body, and at its end; there
 * again when a wait is over. MHD_NO closes the connection. The context is the peer, which on_completed tidies up. */
static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *path, const char *method,
                                  const char *version, const char *bytes, size_t *size, void **context) {
  sandbox_server *server = data;
  sandbox_exchange exchange = {peer_of(connection), method, path};

  if (!exchange.peer || exchange.peer->sent_away) return MHD_NO;
  if (!*context) {
    *context = exchange.peer;
    return begin_request(server, &exchange, version);
  }
  if (*size > 0) {
    if (!peers_receive(&server->peers, exchange.peer, bytes, *size)) return MHD_NO;
    *size = 0; /* all of it was taken */
    return MHD_YES;
  }
  return answer_request(server, &exchange);
}

/* Called however the request ends: answered, aborted by the peer, timed out, or cut off by the daemon's end. */
static void on_completed(void *data, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode how) {
  sandbox_server *server = data;

  (void)connection, (void)how;
  if (*context) {
    peers_drop_body(&server->peers, *context);
    peer_drop_reply(*context);
  }
  *context = NULL;
}

/* ---- start, run, stop ---- */

/* epoll where there is one; MHD_get_fdset stands for it as well. */
static bool start_daemon(sandbox_server *server) {
  server->daemon =
      MHD_start_daemon(MHD_USE_AUTO | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, server,
                       MHD_OPTION_LISTEN_SOCKET, server->listener, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
                       MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_CONNECTION_LIMIT,
                       (unsigned)(server->peers.max_count + LEAVING), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                       (size_t)POOL_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_END);
  if (server->daemon) {
    server->listener = -1;
    return true;
  }
  (void)snprintf(server->message, sizeof server->message, "cannot start the HTTP server: %s", strerror(errno));
  return false;
}

/* How long to wait, in seconds: until libmicrohttpd or whoever waits for a reply has a time limit. Below 0: without
 * end. */
static double time_to_wait(sandbox_server *server) {
  MHD_UNSIGNED_LONG_LONG ms;
  double first = waits_look(&server->peers, waits_now());

  if (server->peers.resumed) return 0;
  if (MHD_get_timeout(server->daemon, &ms) != MHD_YES) return first;
  return first < 0 || (double)ms / 1000 < first ? (double)ms / 1000 : first;
}

/* Returns once there is work, a time limit has passed or a signal has come. False with server->message set. */
static bool wait_for_work(sandbox_server *server) {
  fd_set reading, writing, failing;
  MHD_socket highest = -1;
  double seconds = time_to_wait(server);
  int ready;
  struct timespec limit = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};

  FD_ZERO(&reading);
  FD_ZERO(&writing);
  FD_ZERO(&failing);
  if (MHD_get_fdset(server->daemon, &reading, &writing, &failing, &highest) != MHD_YES) {
    (void)snprintf(server->message, sizeof server->message, "too many open files for select");
    return false;
  }
  if (server->life >= 0) FD_SET(server->life, &reading);
  if (server->life > highest) highest = server->life;
  ready = pselect(highest + 1, &reading, &writing, &failing, seconds < 0 ? NULL : &limit, &server->signals.wait_mask);
  if (ready > 0 && server->life >= 0 && FD_ISSET(server->life, &reading))
    stop_requested = 1; /* nothing is said there */
  if (ready >= 0 || errno == EINTR) return true;
  (void)snprintf(server->message, sizeof server->message, "cannot wait for requests: %s", strerror(errno));
  return false;
}

static void run(sandbox_server *server) {
  signals_let_in(&server->signals);
  while (!stop_requested && wait_for_work(server)) {
    server->peers.resumed = false;
    if (MHD_run(server->daemon) != MHD_YES) {
      (void)snprintf(server->message, sizeof server->message, "the HTTP server failed");
      return;
    }
    signals_let_in(&server->signals);
  }
}

static void stop(sandbox_server *server) {
  waits_end_all(&server->peers);
  /* It closes every connection, idle or not, and the listening socket. */
  if (server->daemon) MHD_stop_daemon(server->daemon);
  if (server->listener >= 0) (void)close(server->listener);
  server->daemon = NULL;
  server->listener = -1;
  signals_release(&server->signals);
}

/* Fills the stack of `serve` from ANSWER to PULL. */
static sandbox_server *push_server(lua_State *L, size_t max_bytes, int life) {
  sandbox_server *server;

  lua_settop(L, ARRIVING);
  lua_pushcfunction(L, answer);
  lua_pushcfunction(L, ask);
  server = lua_newuserdata(L, sizeof *server);
  memset(server, 0, sizeof *server);
  server->L = L;
  server->listener = -1;
  server->life = life < FD_SETSIZE ? life : -1;
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

static const lua_Number MOST_ARRIVING = 1e9; /* bytes: a thousand connections with 1 MB each */

/* serve(host, port, handler, ready, arriving, max_bytes, life): answers requests until SIGINT or SIGTERM, then returns
 * true.
 *
 * host     an IPv4 or IPv6 address, or a name
 * port     0 lets the system choose
 * handler  (method, path, query, header, body) -> status, body, headers, wrong, news: called for each complete request.
 *          query(name) and header(name) look one value up, or nil; header() lists all, as pairs; `body` is a text, or a
 *          function that returns the next piece of it, and nil behind the last; `headers` is a table. An error in the
 *          handler is answered with 500 and a line on stderr; one in that function closes the connection. `wrong` is
 *          nil, or what is to go wrong with a reply whose body is a text: { delay = seconds, trickle = bytes a second,
 *          ending = "stall" (no reply ever), "drop" (the end of the connection in its place) or "half" (that end behind
 *          half of the body) }. With a delay and ending = "news" nothing goes wrong: where a handler says meanwhile
 *          that there is `news`, this one is asked anew. Who waits holds up nobody else
 * ready    (port) -> true, or nil and a message: called once when connections are accepted and the signals are
 *          caught. What it returns instead of true stops the server and is returned; so is what it raises.
 * arriving (method, path, query, header) -> true where the connection is to be closed before the body is read; or nil
 *          in place of the function.
 *
 * max_bytes  of the bodies that are arriving, all together; at least two of 10 MB have room. Beyond it, and beyond a
 *          thousand connections, the quietest is closed.
 * life     a descriptor whose end is as good as SIGTERM; nil: there is none.
 *
 * Returns nil and a message that names host and port if they cannot be listened on. Whatever happens, the socket is
 * closed and the signals are as before when it returns or raises. Not to be called twice at a time in one process. */
static int serve(lua_State *L) {
  const char *host = luaL_checkstring(L, HOST);
  lua_Integer port = luaL_checkinteger(L, PORT);
  lua_Number max_bytes = luaL_optnumber(L, ARRIVING + 1, 0);
  int life = (int)luaL_optinteger(L, ARRIVING + 2, -1);
  sandbox_server *server;
  int failed;

  luaL_argcheck(L, port >= 0 && port <= 65535, PORT, "not a port");
  luaL_checktype(L, HANDLER, LUA_TFUNCTION);
  luaL_checktype(L, READY, LUA_TFUNCTION);
  if (max_bytes > MOST_ARRIVING) max_bytes = MOST_ARRIVING;
  server = push_server(L, max_bytes > 0 ? (size_t)max_bytes : 0, life);
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

/* now() -> seconds of a clock that is never set. */
static int now(lua_State *L) {
  lua_pushnumber(L, waits_now());
  return 1;
}

PE_EXPORT int luaopen_postevent_sandbox_httpd(lua_State *L);
PE_EXPORT int luaopen_postevent_sandbox_httpd(lua_State *L) {
  static const luaL_Reg functions[] = {{"serve", serve},
                                       {"new_ring", sandbox_ring_new},
                                       {"now", now},
                                       {"md5", sandbox_md5},
                                       {"fork", sandbox_child_fork},
                                       {"ask", sandbox_child_ask},
                                       {"is_own_address", sandbox_address_is_own},
                                       {NULL, NULL}};

  sandbox_ring_register(L);
  sandbox_child_register(L);
  lua_newtable(L);
  pe_lua_setfuncs(L, functions);
  return 1;
}
