/* A question to the sandbox, from the process that has started it. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "sandbox/sandbox_child.h"

enum { FIRST_ROOM = 64 * 1024 };

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

static const char CLASS[] = "postevent.sandbox.question";

/* A userdata, so that whatever raises loses neither. */
typedef struct question {
  int fd; /* -1: closed */
  char *text;
  size_t size, capacity;
} question;

static int question_gc(lua_State *L) {
  question *self = luaL_checkudata(L, 1, CLASS);

  if (self->fd >= 0) (void)close(self->fd); /* what was to be read has been */
  free(self->text);
  *self = (question){.fd = -1};
  return 0;
}

/* Connects to that port of this machine; each call then takes so long at most. False, and errno. */
static bool connect_to(question *self, int port, double seconds) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  struct timeval limit = {(time_t)seconds, 0};

  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  self->fd = socket(AF_INET, SOCK_STREAM, 0);
  return self->fd >= 0 && fcntl(self->fd, F_SETFD, FD_CLOEXEC) == 0 &&
         setsockopt(self->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
         setsockopt(self->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0 &&
         connect(self->fd, (struct sockaddr *)&address, sizeof address) == 0;
}

static bool send_all(int fd, const char *text, size_t size) {
  while (size > 0) {
    ssize_t sent = send(fd, text, size, MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) return false;
    if (sent > 0) {
      text += sent;
      size -= (size_t)sent;
    }
  }
  return true;
}

static bool make_room(question *self) {
  size_t capacity = self->capacity ? 2 * self->capacity : FIRST_ROOM;
  char *text;

  if (self->size < self->capacity) return true;
  text = realloc(self->text, capacity);
  if (!text) return false;
  self->text = text;
  self->capacity = capacity;
  return true;
}

/* Reads until the end. */
static bool receive_all(question *self) {
  ssize_t count = 1;

  while (count != 0) {
    if (!make_room(self)) return false;
    count = recv(self->fd, self->text + self->size, self->capacity - self->size, 0);
    if (count < 0 && errno != EINTR) return false;
    if (count > 0) self->size += (size_t)count;
  }
  return true;
}

static question *push_question(lua_State *L) {
  question *self = lua_newuserdata(L, sizeof *self);

  *self = (question){.fd = -1};
  if (luaL_newmetatable(L, CLASS)) {
    lua_pushcfunction(L, question_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return self;
}

int sandbox_child_ask(lua_State *L) {
  lua_Number port = luaL_checknumber(L, 1), seconds = luaL_checknumber(L, 3);
  size_t size;
  const char *request = luaL_checklstring(L, 2, &size);
  question *self;
  bool answered;

  luaL_argcheck(L, port >= 1 && port <= 65535, 1, "not a port");
  luaL_argcheck(L, seconds >= 1 && seconds <= 3600, 3, "not a time");
  self = push_question(L);
  lua_replace(L, 1); /* where question_gc looks for it */
  answered = connect_to(self, (int)port, seconds) && send_all(self->fd, request, size) && receive_all(self);
  if (answered) {
    lua_pushlstring(L, self->text, self->size);
  } else {
    lua_pushnil(L);
    lua_pushfstring(L, "the sandbox does not answer: %s", strerror(errno));
  }
  (void)question_gc(L); /* returns nothing */
  return answered ? 1 : 2;
}
