/* The sandbox's HTTP server: postevent.sandbox.httpd, a Lua function on top of libmicrohttpd.
 *
 *   serve(host, port, handler, ready) -> true, or nil and a message
 *
 * Owns: the listening socket, the daemon, the request bodies that are being received, and SIGINT and SIGTERM
 * while it runs. Does not own: what a request means; that is the handler's.
 * Thread: the caller's, and no other: libmicrohttpd starts none, and every callback runs inside `MHD_run`.
 *
 * No Lua error passes through a frame of libmicrohttpd: its callbacks reach Lua only through lua_pcall. */
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lua/lua_compat.h"
#include "sandbox/sandbox_signals.h"

#if MHD_VERSION < 0x00097100
#error "libmicrohttpd 0.9.71 or newer is needed"
#endif

#define MAX_BODY       (10u * 1024 * 1024) /* as the platform's gateway */
#define FIRST_CAPACITY 4096u
#define TOO_LARGE      413u /* its name depends on libmicrohttpd's version */
#define IDLE_SECONDS   60u  /* a peer that went silent, in a request or between two, gives its connection back */

/* A request while its body arrives. Made by `on_request`, freed by `on_completed`, which libmicrohttpd calls
 * however the request ends: answered, aborted by the peer, timed out, or cut off by the daemon's end. */
typedef struct {
  char *body;
  size_t size, capacity;
  bool too_long; /* the rest is read and thrown away, so that the peer can read the reply */
} request;

/* A complete request while the handler answers it. */
typedef struct {
  struct MHD_Connection *connection;
  const char *method, *path;
  const request *received;
  struct MHD_Response *response; /* owned here until queued; may be set although the handler failed later */
  unsigned int status;
} exchange;

/* Lives in a userdata on the stack of `serve`, which cleans it up. */
typedef struct {
  lua_State *L;
  exchange *current; /* while the handler runs */
  struct MHD_Daemon *daemon;
  int listener; /* -1 when there is none, or when the daemon owns it */
  int port;
  signals signals;
  char message[256];
} server;

/* What stands where on the stack of `serve`. The functions are made once, beforehand: making one may raise, and
 * nothing could catch that inside a callback. */
enum { HOST_INDEX = 1, PORT_INDEX, HANDLER_INDEX, READY_INDEX, ANSWER_INDEX, SERVER_INDEX, QUERY_INDEX, HEADER_INDEX };

/* ---- One request, complete: ask the handler ---- */

/* The value of a header or of a query's argument, or nil: header(name), query(name). Valid while the handler runs.
 * Upvalues: the server, the kind. */
static int look_up(lua_State *L) {
  const server *s = lua_touserdata(L, lua_upvalueindex(1));
  enum MHD_ValueKind kind = (enum MHD_ValueKind)lua_tointeger(L, lua_upvalueindex(2));
  const char *name = luaL_checkstring(L, 1);

  if (!s->current) return luaL_error(L, "the request has been answered");
  lua_pushstring(L, MHD_lookup_connection_value(s->current->connection, kind, name));
  return 1;
}

static void push_look_up(lua_State *L, enum MHD_ValueKind kind) {
  lua_pushvalue(L, SERVER_INDEX);
  lua_pushinteger(L, (lua_Integer)kind);
  lua_pushcclosure(L, look_up, 2);
}

/* Copies the bytes, although libmicrohttpd's signature is not const. */
static struct MHD_Response *new_response(const char *body, size_t size) {
  return MHD_create_response_from_buffer(size, (void *)body, MHD_RESPMEM_MUST_COPY);
}

static void add_headers(lua_State *L, int index, struct MHD_Response *response) {
  lua_pushnil(L);
  while (lua_next(L, index)) {
    if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING ||
        MHD_add_response_header(response, lua_tostring(L, -2), lua_tostring(L, -1)) != MHD_YES)
      luaL_error(L, "a header of the reply is not valid");
    lua_pop(L, 1);
  }
}

/* (handler, server, query, header): calls the handler and makes the response of what it returns. Runs under lua_pcall;
 * whatever it made before an error is in the exchange, for the caller to destroy. */
static int answer(lua_State *L) {
  server *s = lua_touserdata(L, 2);
  exchange *x = s->current;
  lua_Number status;
  size_t size;
  const char *body;

  lua_pushvalue(L, 1);
  lua_pushstring(L, x->method);
  lua_pushstring(L, x->path);
  lua_pushvalue(L, 3);
  lua_pushvalue(L, 4);
  lua_pushlstring(L, x->received->body ? x->received->body : "", x->received->size);
  lua_call(L, 5, 3);

  status = lua_tonumber(L, 5);
  if (lua_type(L, 5) != LUA_TNUMBER || !(status >= 200 && status <= 599) || lua_type(L, 6) != LUA_TSTRING ||
      !lua_istable(L, 7))
    return luaL_error(L, "the handler must return a status, a body and a table of headers");
  body = lua_tolstring(L, 6, &size);
  x->response = new_response(body, size);
  if (!x->response) return luaL_error(L, "not enough memory");
  add_headers(L, 7, x->response);
  x->status = (unsigned int)status;
  return 0;
}

/* Queues one of the server's own replies. */
static enum MHD_Result reply_with(struct MHD_Connection *connection, unsigned int status, const char *body) {
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

static enum MHD_Result call_handler(server *s, exchange *x) {
  lua_State *L = s->L;
  enum MHD_Result result;

  s->current = x;
  lua_pushvalue(L, ANSWER_INDEX);
  lua_pushvalue(L, HANDLER_INDEX);
  lua_pushvalue(L, SERVER_INDEX);
  lua_pushvalue(L, QUERY_INDEX);
  lua_pushvalue(L, HEADER_INDEX);
  if (lua_pcall(L, 4, 0, 0) == 0) {
    result = MHD_queue_response(x->connection, x->status, x->response);
  } else {
    /* Only a string: to turn a number into one may allocate, and so raise. */
    const char *why = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "an error without text";
    result = reply_failed(x->connection, why);
    lua_pop(L, 1);
  }
  s->current = NULL;
  return result;
}

static enum MHD_Result answer_request(server *s, exchange *x) {
  enum MHD_Result result;

  if (x->received->too_long) return reply_with(x->connection, TOO_LARGE, "{\"message\":\"Request Too Long\"}");
  result = call_handler(s, x);
  if (x->response) MHD_destroy_response(x->response); /* a queued one lives on: libmicrohttpd counts references */
  return result;
}

/* ---- A request arrives ---- */

/* False when there is no memory. A body over the ceiling is forgotten, and the rest of it as well. */
static bool add_to_body(request *r, const char *data, size_t size) {
  if (r->too_long) return true;
  if (size > MAX_BODY - r->size) {
    free(r->body);
    *r = (request){.too_long = true};
    return true;
  }
  if (size > r->capacity - r->size) {
    size_t capacity = r->capacity ? r->capacity : FIRST_CAPACITY;
    char *body;

    while (capacity < r->size + size)
      capacity *= 2; /* ends: the sum is at most MAX_BODY */
    body = realloc(r->body, capacity);
    if (!body) return false;
    r->body = body;
    r->capacity = capacity;
  }
  memcpy(r->body + r->size, data, size);
  r->size += size;
  return true;
}

/* Called once when the headers are there (*context is NULL), once for each piece of the body, and once at its end. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *path, const char *method,
                                  const char *version, const char *data, size_t *size, void **context) {
  request *r = *context;

  (void)version;
  if (!r) {
    *context = calloc(1, sizeof *r);
    return *context ? MHD_YES : MHD_NO;
  }
  if (*size > 0) {
    if (!add_to_body(r, data, *size)) return MHD_NO;
    *size = 0;
    return MHD_YES;
  }
  exchange x = {.connection = connection, .method = method, .path = path, .received = r};
  return answer_request(cls, &x);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode how) {
  request *r = *context;

  (void)cls, (void)connection, (void)how;
  if (!r) return;
  free(r->body);
  free(r);
  *context = NULL;
}

/* ---- Start, run, stop ---- */

static bool bind_and_listen(int fd, const struct addrinfo *address) {
  int on = 1;

  if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0) return false;
  /* Without it the port of a sandbox that has just stopped is refused for a minute. */
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) return false;
  return bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0;
}

static int bound_port(int fd) {
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  char port[8];

  if (getsockname(fd, (struct sockaddr *)&address, &size) < 0) return -1;
  if (getnameinfo((struct sockaddr *)&address, size, NULL, 0, port, sizeof port, NI_NUMERICSERV) != 0) return -1;
  return atoi(port);
}

/* False with s->message set: then no socket is left. */
static bool open_listener(server *s, const char *host, int port) {
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
  struct addrinfo *first = NULL;
  const char *why = NULL;
  char service[8];
  int error;

  (void)snprintf(service, sizeof service, "%d", port); /* fits: the port was checked */
  error = getaddrinfo(host, service, &hints, &first);
  if (error) {
    why = gai_strerror(error);
    goto out;
  }
  s->listener = socket(first->ai_family, first->ai_socktype, first->ai_protocol);
  if (s->listener >= 0 && bind_and_listen(s->listener, first) && (s->port = bound_port(s->listener)) > 0) goto out;
  why = strerror(errno);
  if (s->listener >= 0) (void)close(s->listener); /* nothing was written: nothing to lose */
  s->listener = -1;
out:
  if (first) freeaddrinfo(first);
  if (why) (void)snprintf(s->message, sizeof s->message, "cannot listen on %s, port %d: %s", host, port, why);
  return !why;
}

/* epoll where there is one; MHD_get_fdset stands for it as well. */
static bool start_daemon(server *s) {
  s->daemon = MHD_start_daemon(MHD_USE_AUTO, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, s->listener,
                               MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_CONNECTION_TIMEOUT,
                               IDLE_SECONDS, MHD_OPTION_END);
  if (s->daemon) {
    s->listener = -1;
    return true;
  }
  (void)snprintf(s->message, sizeof s->message, "cannot start the HTTP server: %s", strerror(errno));
  return false;
}

/* Returns once there is work, a time limit has passed or a signal has come. False with s->message set. */
static bool wait_for_work(server *s) {
  fd_set reading, writing, failing;
  MHD_socket highest = -1;
  MHD_UNSIGNED_LONG_LONG ms;
  struct timespec limit, *wait = NULL;

  FD_ZERO(&reading);
  FD_ZERO(&writing);
  FD_ZERO(&failing);
  if (MHD_get_fdset(s->daemon, &reading, &writing, &failing, &highest) != MHD_YES) {
    (void)snprintf(s->message, sizeof s->message, "too many open files for select");
    return false;
  }
  if (MHD_get_timeout(s->daemon, &ms) == MHD_YES) {
    limit.tv_sec = (time_t)(ms / 1000);
    limit.tv_nsec = (long)(ms % 1000) * 1000000;
    wait = &limit;
  }
  if (pselect(highest + 1, &reading, &writing, &failing, wait, &s->signals.wait_mask) >= 0 || errno == EINTR)
    return true;
  (void)snprintf(s->message, sizeof s->message, "cannot wait for requests: %s", strerror(errno));
  return false;
}

static void run(server *s) {
  signals_let_in(&s->signals);
  while (!stop_requested && wait_for_work(s)) {
    if (MHD_run(s->daemon) != MHD_YES) {
      (void)snprintf(s->message, sizeof s->message, "the HTTP server failed");
      return;
    }
    signals_let_in(&s->signals);
  }
}

static void stop(server *s) {
  if (s->daemon) MHD_stop_daemon(s->daemon); /* closes every connection, idle or not, and the listening socket */
  if (s->listener >= 0) (void)close(s->listener);
  s->daemon = NULL;
  s->listener = -1;
  signals_release(&s->signals);
}

/* serve(host, port, handler, ready): answers requests until SIGINT or SIGTERM, then returns true.
 *
 * host     an IPv4 or IPv6 address, or a name
 * port     0 lets the system choose
 * handler  (method, path, query, header, body) -> status, body, headers: called for each complete request.
 *          query(name) and header(name) look one value up, or nil; `headers` is a table. An error in the handler is
 *          answered with 500 and a line on stderr.
 * ready    (port) -> true, or nil and a message: called once when connections are accepted and the signals are
 *          caught. What it returns instead of true stops the server and is returned; so is what it raises.
 *
 * Returns nil and a message that names host and port if they cannot be listened on. Whatever happens, the socket is
 * closed and the signals are as before when it returns or raises. Not to be called twice at a time in one process. */
static int serve(lua_State *L) {
  const char *host = luaL_checkstring(L, HOST_INDEX);
  lua_Integer port = luaL_checkinteger(L, PORT_INDEX);
  int failed = 0;
  server *s;

  luaL_argcheck(L, port >= 0 && port <= 65535, PORT_INDEX, "not a port");
  luaL_checktype(L, HANDLER_INDEX, LUA_TFUNCTION);
  luaL_checktype(L, READY_INDEX, LUA_TFUNCTION);
  lua_settop(L, READY_INDEX);
  lua_pushcfunction(L, answer);
  s = lua_newuserdata(L, sizeof *s);
  memset(s, 0, sizeof *s);
  s->L = L;
  s->listener = -1;
  push_look_up(L, MHD_GET_ARGUMENT_KIND);
  push_look_up(L, MHD_HEADER_KIND);

  if (!open_listener(s, host, (int)port)) goto out;
  signals_hold(&s->signals);
  if (!start_daemon(s)) goto out;
  lua_pushvalue(L, READY_INDEX);
  lua_pushinteger(L, s->port);
  failed = lua_pcall(L, 1, 2, 0);
  if (!failed && lua_toboolean(L, -2)) {
    run(s);
    lua_settop(L, HEADER_INDEX);
  }
out:
  stop(s);
  if (failed) return lua_error(L);
  if (lua_gettop(L) > HEADER_INDEX) return 2; /* what `ready` said */
  if (s->message[0]) {
    lua_pushnil(L);
    lua_pushstring(L, s->message);
    return 2;
  }
  lua_pushboolean(L, 1);
  return 1;
}

PE_EXPORT int luaopen_postevent_sandbox_httpd(lua_State *L);
PE_EXPORT int luaopen_postevent_sandbox_httpd(lua_State *L) {
  static const luaL_Reg functions[] = {{"serve", serve}, {NULL, NULL}};

  lua_newtable(L);
  pe_lua_setfuncs(L, functions);
  return 1;
}
