#include "lua/lua_redis.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/stop.h"
#include "command/listener.h"
#include "delivery/relay_files.h"
#include "lua/lua_listener.h"
#include "lua/lua_result.h"
#include "lua/lua_self.h"
#include "lua/lua_util.h"
#include "redis/redis_command.h"
#include "redis/redis_link.h"

static const char CLASS[] = "postevent.core.redis_link";

enum { SELF = 1, MOST_WAITED = 8, DEEPEST = 8 };

typedef struct lua_link {
  pe_relay_files files; /* the link's */
  pe_redis_link *link;  /* NULL only while it is made, and when it is collected */
} lua_link;

static pe_redis_link *check_link(lua_State *L) {
  const lua_link *self = luaL_checkudata(L, SELF, CLASS);
  luaL_argcheck(L, self->link, SELF, "the connection was collected");
  return self->link;
}

/* ---- its life ---- */

static const char *file_name(lua_State *L, int index, const char *name) {
  if (lua_istable(L, index)) {
    lua_getfield(L, index, name); /* and it stays on the stack */
    return lua_tostring(L, -1);
  }
  return NULL;
}

/* open(url, connect_timeout, timeout, { ca_file =, cert_file =, key_file = }) -> a connection that is off; or nil, why
 */
static int redis_open(lua_State *L) {
  enum { FILES = 4 };
  pe_redis_link_config config = {.tls = {.verify = true}};
  const char *why = pe_redis_url_read(luaL_checkstring(L, 1), &config.url);
  const pe_http_tls_files names = {.ca_file = file_name(L, FILES, "ca_file"),
                                   .cert_file = file_name(L, FILES, "cert_file"),
                                   .key_file = file_name(L, FILES, "key_file")};
  lua_link *self;

  config.connect_timeout = pe_lua_opt_seconds(L, 2, "open: connect_timeout", 5);
  config.timeout = pe_lua_opt_seconds(L, 3, "open: timeout", 15);
  self = lua_newuserdata(L, sizeof *self);
  memset(self, 0, sizeof *self);
  luaL_getmetatable(L, CLASS);
  lua_setmetatable(L, -2);
  if (!why && pe_relay_files_read(&self->files, &names, &config, &why) == PE_OK) why = NULL;
  if (!why && pe_redis_link_new(&config, &self->link) != PE_OK) why = pe_error_text(PE_NO_MEMORY);
  if (!why) return 1;
  lua_pushnil(L);
  lua_pushstring(L, why);
  return 2;
}

static int link_gc(lua_State *L) {
  lua_link *self = luaL_checkudata(L, SELF, CLASS);
  pe_redis_link_free(self->link);
  pe_relay_files_cleanup(&self->files);
  memset(self, 0, sizeof *self);
  return 0;
}

static int link_open(lua_State *L) {
  pe_redis_link_open(check_link(L), pe_clock_monotonic());
  return 0;
}

static int link_close(lua_State *L) {
  pe_redis_link_close(check_link(L), NULL);
  return 0;
}

static int link_run(lua_State *L) {
  pe_redis_link_run(check_link(L), pe_clock_monotonic());
  return 0;
}

static int link_state(lua_State *L) {
  static const char *const names[] = {[PE_REDIS_OFF] = "off", [PE_REDIS_BUSY] = "busy", [PE_REDIS_READY] = "ready"};
  const pe_redis_link *link = check_link(L);
  pe_redis_state state = pe_redis_link_state(link);
  const pe_redis_trouble *trouble = pe_redis_link_trouble(link);

  lua_pushstring(L, names[state]);
  if (state != PE_REDIS_OFF || trouble->error == PE_OK) return 1;
  lua_pushstring(L, trouble->message);
  lua_pushstring(L, pe_error_name(trouble->error));
  return 3;
}

/* ---- commands and replies ---- */

static int link_send(lua_State *L) {
  pe_redis_link *link = check_link(L);
  int count = lua_gettop(L) - 1;
  pe_buffer *out = pe_redis_link_out(link);
  size_t before = out->size;
  pe_error error = pe_redis_link_state(link) == PE_REDIS_READY ? PE_OK : PE_CLOSED;

  for (int i = 0; i < count; i++) /* before: it may raise */
    (void)luaL_checkstring(L, i + 2);
  if (error == PE_OK) error = pe_redis_begin(out, (size_t)count);
  for (int i = 0; i < count && error == PE_OK; i++) {
    size_t size;
    const char *word = lua_tolstring(L, i + 2, &size);
    error = pe_redis_word(out, word, size);
  }
  if (error == PE_OK)
    pe_redis_link_expect(link, 1, pe_clock_monotonic());
  else
    out->size = before;
  lua_pushboolean(L, error == PE_OK);
  return 1;
}

/* No stranger's list is nested as deep as this. */
static void push_value(lua_State *L, const pe_redis_reply *reply, int depth) {
  size_t size = 0;
  const char *text;
  switch (pe_redis_reply_kind(reply)) {
  case PE_REDIS_NUMBER: pe_lua_push_integer(L, pe_redis_reply_number(reply)); break;
  case PE_REDIS_ERROR:
  case PE_REDIS_TEXT:
    text = pe_redis_reply_text(reply, &size);
    lua_pushlstring(L, text, size);
    break;
  case PE_REDIS_LIST:
    if (depth == DEEPEST) luaL_error(L, "a reply of Redis is nested too deep");
    luaL_checkstack(L, 2, "a reply of Redis");
    lua_createtable(L, (int)pe_redis_reply_count(reply), 0);
    for (size_t i = 0; i < pe_redis_reply_count(reply); i++) {
      push_value(L, pe_redis_reply_at(reply, i), depth + 1);
      lua_rawseti(L, -2, (int)i + 1);
    }
    break;
  default: lua_pushboolean(L, 0); break;
  }
}

static int push_reply(lua_State *L, void *reply) {
  lua_pushboolean(L, pe_redis_reply_kind(reply) != PE_REDIS_ERROR);
  push_value(L, reply, 0);
  return 2;
}

static int run_push(lua_State *L) {
  return push_reply(L, lua_touserdata(L, 1));
}

/* An error of Lua's comes when the reply is freed. */
static int link_next(lua_State *L) {
  pe_redis_link *link = check_link(L);
  pe_redis_reply *reply;
  int status;

  luaL_checkstack(L, 4, NULL);
  lua_pushcfunction(L, run_push);
  reply = pe_redis_link_next(link, pe_clock_monotonic());
  if (!reply) return 0;
  lua_pushlightuserdata(L, reply);
  status = lua_pcall(L, 1, 2, 0);
  pe_redis_reply_free(reply);
  return status == 0 ? 2 : lua_error(L);
}

/* link:explain(command, text of an error) -> a message, a code, whether somebody has to mend it */
static int link_explain(lua_State *L) {
  const pe_redis_link *link = check_link(L);
  const char *command = luaL_checkstring(L, 2);
  size_t size;
  const char *text = luaL_checklstring(L, 3, &size);
  pe_redis_trouble trouble;

  pe_redis_link_explain(link, command, text, size, &trouble);
  lua_pushstring(L, trouble.message);
  lua_pushstring(L, pe_error_name(trouble.error));
  lua_pushboolean(L, trouble.holds);
  return 3;
}

/* ---- waiting ---- */

/* What is waited for. */
typedef struct waiting {
  struct pollfd each[MOST_WAITED + PE_LISTENER_DESCRIPTORS];
  nfds_t count;
  int64_t by; /* monotonic */
} waiting;

static void add(waiting *all, int descriptor, int events) {
  all->each[all->count++] = (struct pollfd){.fd = descriptor, .events = (short)events};
}

static void add_link(waiting *all, const pe_redis_link *link) {
  pe_redis_interest interest = pe_redis_link_interest(link);
  add(all, interest.descriptor, (interest.reads ? POLLIN : 0) | (interest.writes ? POLLOUT : 0));
  if (interest.by < all->by) all->by = interest.by;
}

static pe_client *test_client(lua_State *L, int index) {
  pe_lua_self *self;
  lua_pushvalue(L, SELF);
  lua_pushvalue(L, index);
  lua_replace(L, SELF);
  self = pe_lua_self_test(L);
  lua_replace(L, SELF);
  return self ? self->client : NULL;
}

static void add_argument(lua_State *L, waiting *all, int index) {
  lua_link *link = pe_lua_testudata(L, index, CLASS);
  pe_client *client = link ? NULL : test_client(L, index);
  luaL_argcheck(L, (link && link->link) || client, index, "expected a connection or a client");
  if (client)
    add(all, pe_client_await_results(client), POLLIN);
  else
    add_link(all, link->link);
}

/* The last one may be a listener, or nil. Returns how many others there are. */
static int add_listener(lua_State *L, waiting *all, int top) {
  const pe_listener *listener = top > 1 ? pe_lua_listener_test(L, top) : NULL;
  if (!listener) return top > 1 && lua_isnil(L, top) ? top - 1 : top;
  all->count += (nfds_t)pe_listener_poll(listener, all->each + all->count, pe_clock_monotonic(), &all->by);
  return top - 1;
}

static int redis_wait(lua_State *L) {
  waiting all = {.by = pe_clock_monotonic() + pe_lua_opt_seconds(L, 1, "wait: seconds", 0)};
  int top = lua_gettop(L);
  int64_t left;

  luaL_argcheck(L, top <= MOST_WAITED, top, "too many to wait for");
  if (!pe_stop_is_requested()) add(&all, pe_stop_descriptor(), POLLIN); /* who knows waits for the rest */
  top = add_listener(L, &all, top);
  for (int i = 2; i <= top; i++)
    add_argument(L, &all, i);
  left = all.by - pe_clock_monotonic();
  left = left > 0 ? left / PE_MILLISECOND + 1 : 0;
  (void)poll(all.each, all.count, left < INT_MAX ? (int)left : INT_MAX); /* what fails is looked at again */
  for (int i = 2; i <= top; i++) {
    pe_client *client = pe_lua_testudata(L, i, CLASS) ? NULL : test_client(L, i);
    if (client) pe_client_attend_results(client);
  }
  return 0;
}

static int redis_catch(lua_State *L) {
  lua_pushboolean(L, pe_stop_catch());
  return 1;
}

static int redis_stopping(lua_State *L) {
  lua_pushboolean(L, pe_stop_is_requested());
  return 1;
}

static int redis_now(lua_State *L) {
  lua_pushnumber(L, (lua_Number)pe_clock_monotonic() / (lua_Number)PE_SECOND);
  return 1;
}

/* Nobody has to listen: a mistake is nobody's business. */
static int redis_notify(lua_State *L) {
  size_t size;
  const char *text = luaL_checklstring(L, 1, &size);
  const char *path = getenv("NOTIFY_SOCKET");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int made;

  if (!path || strlen(path) >= sizeof address.sun_path) return 0;
  made = socket(AF_UNIX, SOCK_DGRAM, 0);
  if (made < 0) return 0;
  (void)strcpy(address.sun_path, path);
  if (path[0] == '@') address.sun_path[0] = '\0'; /* an abstract one */
  (void)!sendto(made, text, size, 0, (const struct sockaddr *)&address,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)));
  (void)close(made);
  return 0;
}

/* ---- events that are written already ---- */

static int redis_hand_over(lua_State *L) {
  enum { BODY = 2, ID, NAME, AGE };
  pe_lua_self *self = pe_lua_self_check(L);
  pe_event event;
  uint64_t ticket = 0;
  pe_error error;

  event.body = luaL_checklstring(L, BODY, &event.body_size);
  event.id = luaL_checklstring(L, ID, &event.id_size);
  event.name = luaL_checklstring(L, NAME, &event.name_size);
  event.age = pe_lua_opt_seconds(L, AGE, "hand_over: age", 0);
  error = self->closed ? PE_CLOSED : pe_client_track(self->client, &event, &ticket);
  if (error != PE_OK) return pe_lua_push_refusal(L, error, 0);
  pe_lua_push_integer(L, (int64_t)ticket);
  return 1;
}

/* allow(client, attempts) -> how many may begin now */
static int redis_allow(lua_State *L) {
  pe_lua_self *self = pe_lua_self_check(L);
  pe_lua_push_integer(L, pe_client_allow(self->client, (int64_t)luaL_checknumber(L, 2)));
  return 1;
}

/* silence(client, silent) */
static int redis_silence(lua_State *L) {
  pe_client_silence(pe_lua_self_check(L)->client, lua_toboolean(L, 2));
  return 0;
}

/* gate(client) -> for how many seconds yet the platform has asked for silence */
static int redis_gate(lua_State *L) {
  pe_lua_self *self = pe_lua_self_check(L);
  int64_t left = pe_client_gate(self->client, pe_clock_monotonic());
  lua_pushnumber(L, (lua_Number)left / (lua_Number)PE_SECOND);
  return 1;
}

static int redis_next_delivered(lua_State *L) {
  pe_lua_self *self = pe_lua_self_check(L);
  pe_result *result = pe_client_take_result(self->client);
  uint64_t ticket;

  if (!result) return 0;
  if (result->outcome != PE_DELIVERED) {
    pe_client_return_result(self->client, result);
    return 0;
  }
  ticket = result->ticket;
  free(result);
  pe_lua_push_integer(L, (int64_t)ticket);
  return 1;
}

static const luaL_Reg methods[] = {
    {"open", link_open},       {"close", link_close}, {"run", link_run},   {"state", link_state},
    {"explain", link_explain}, {"send", link_send},   {"next", link_next}, {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"open", redis_open},
    {"wait", redis_wait},
    {"catch", redis_catch},
    {"stopping", redis_stopping},
    {"now", redis_now},
    {"notify", redis_notify},
    {"hand_over", redis_hand_over},
    {"next_delivered", redis_next_delivered},
    {"allow", redis_allow},
    {"silence", redis_silence},
    {"gate", redis_gate},
    {"listen", pe_lua_listener_open},
    {NULL, NULL},
};

void pe_lua_redis_register(lua_State *L) {
  pe_lua_listener_register(L);
  luaL_newmetatable(L, CLASS);
  lua_pushcfunction(L, link_gc);
  lua_setfield(L, -2, "__gc");
  lua_newtable(L);
  pe_lua_setfuncs(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_newtable(L);
  pe_lua_setfuncs(L, functions);
}
