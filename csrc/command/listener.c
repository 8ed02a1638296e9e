#include "command/listener.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/descriptor.h"

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* the command survives SIGPIPE */
#endif

enum { MOST_ASKED = 4096, MOST_ANSWERED = 1 << 20 };

static const int64_t PATIENCE = 5 * PE_SECOND; /* with one who asks, from beginning to end */
static const int64_t DEAF = PE_SECOND / 2;     /* where nobody can be let in, for want of descriptors */

typedef enum visitor_state { AWAY, ASKS, WAITS, LISTENS, LEAVES } visitor_state;

/* One who asks. */
typedef struct visitor {
  visitor_state state;
  int descriptor; /* owned unless AWAY */
  int64_t until;
  char asked[MOST_ASKED];
  size_t size; /* of what was asked */
  pe_buffer answer;
  size_t sent;
} visitor;

struct pe_listener {
  int descriptor; /* owned; -1: none yet */
  int64_t deaf_until;
  visitor visitors[PE_LISTENER_MOST];
};

/* ---- the socket ---- */

static bool bind_and_listen(int descriptor, const struct addrinfo *address) {
  int on = 1;
  /* Without it the port of one that has just stopped is refused for a minute. */
  return pe_descriptor_prepare(descriptor) && setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
         bind(descriptor, address->ai_addr, address->ai_addrlen) == 0 && listen(descriptor, SOMAXCONN) == 0;
}

/* Returns NULL; or why not. */
static const char *open_socket(pe_listener *listener, const char *host, const char *port) {
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_PASSIVE};
  struct addrinfo *first = NULL;
  const char *why = NULL;
  int error = getaddrinfo(host, port, &hints, &first);

  if (error != 0) return gai_strerror(error);
  listener->descriptor = socket(first->ai_family, first->ai_socktype, first->ai_protocol);
  if (listener->descriptor < 0 || !bind_and_listen(listener->descriptor, first)) why = strerror(errno);
  freeaddrinfo(first);
  return why;
}

pe_listener *pe_listener_open(const char *host, const char *port, char message[PE_LISTENER_MESSAGE]) {
  pe_listener *made = calloc(1, sizeof *made);
  const char *why = "out of memory";

  if (made) {
    made->descriptor = -1;
    for (size_t i = 0; i < PE_LISTENER_MOST; i++)
      pe_buffer_init(&made->visitors[i].answer, MOST_ANSWERED);
    why = open_socket(made, host, port);
  }
  if (!why) return made;
  (void)snprintf(message, PE_LISTENER_MESSAGE, "%s", why);
  pe_listener_free(made);
  return NULL;
}

static void see_off(visitor *self) {
  if (self->state != AWAY) (void)close(self->descriptor); /* what it was told is no promise */
  self->state = AWAY;
  self->size = self->sent = self->answer.size = 0;
}

void pe_listener_free(pe_listener *listener) {
  if (!listener) return;
  for (size_t i = 0; i < PE_LISTENER_MOST; i++) {
    see_off(&listener->visitors[i]);
    pe_buffer_cleanup(&listener->visitors[i].answer);
  }
  if (listener->descriptor >= 0) (void)close(listener->descriptor);
  free(listener);
}

int pe_listener_port(const pe_listener *listener) {
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  char port[8];

  if (getsockname(listener->descriptor, (struct sockaddr *)&address, &size) != 0) return -1;
  if (getnameinfo((struct sockaddr *)&address, size, NULL, 0, port, sizeof port, NI_NUMERICSERV) != 0) return -1;
  return atoi(port);
}

/* ---- one who asks ---- */

static void tell(visitor *self, const char *status, const char *page, size_t size) {
  char head[160];
  int length = snprintf(head, sizeof head,
                        "HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
                        "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                        status, size);
  self->state = LISTENS;
  self->answer.size = self->sent = 0;
  if (pe_buffer_append(&self->answer, head, (size_t)length) != PE_OK ||
      pe_buffer_append(&self->answer, page, size) != PE_OK)
    see_off(self);
}

static bool asks_for(const visitor *self, const char *what) {
  size_t length = strlen(what);
  return self->size >= length && memcmp(self->asked, what, length) == 0;
}

/* The head of the question is there. */
static void hear(visitor *self) {
  static const char hint[] = "the metrics are at /metrics\n";
  if (asks_for(self, "GET /metrics ") || asks_for(self, "GET /metrics?"))
    self->state = WAITS;
  else
    tell(self, asks_for(self, "GET ") ? "404 Not Found" : "405 Method Not Allowed", hint, sizeof hint - 1);
}

static bool is_whole(const visitor *self) {
  for (size_t i = 3; i < self->size; i++)
    if (memcmp(self->asked + i - 3, "\r\n\r\n", 4) == 0) return true;
  return false;
}

/* Whether a call that failed is worth another try later. */
static bool may_go_on(void) {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* Returns false where nothing more can come. */
static bool receive(visitor *self) {
  ssize_t got = recv(self->descriptor, self->asked + self->size, sizeof self->asked - self->size, 0);
  if (got > 0) self->size += (size_t)got;
  return got > 0 || (got < 0 && may_go_on());
}

static void read_some(visitor *self) {
  if (!receive(self))
    see_off(self);
  else if (is_whole(self))
    hear(self);
  else if (self->size == sizeof self->asked)
    see_off(self);
}

/* What stands behind a question is thrown away: a socket that is closed over it takes the answer back. */
static void throw_away(visitor *self) {
  self->size = 0;
  if (!receive(self)) see_off(self);
}

static void write_some(visitor *self) {
  ssize_t sent = send(self->descriptor, self->answer.data + self->sent, self->answer.size - self->sent, MSG_NOSIGNAL);
  if (sent > 0) self->sent += (size_t)sent;
  if (sent < 0 && !may_go_on()) see_off(self);
  if (self->state == AWAY || self->sent < self->answer.size) return;
  (void)shutdown(self->descriptor, SHUT_WR); /* fails where the visitor has gone */
  self->state = LEAVES;
}

static void move(visitor *self, int64_t now) {
  if (self->state == ASKS) read_some(self);
  if (self->state == LISTENS) write_some(self);
  if (self->state == LEAVES) throw_away(self);
  if (self->state != AWAY && now >= self->until) see_off(self);
}

/* ---- all ---- */

/* A place that is free, or that of who came first: many who are silent keep nobody out. */
static visitor *find_place(pe_listener *listener) {
  visitor *first = &listener->visitors[0];
  for (size_t i = 0; i < PE_LISTENER_MOST; i++) {
    visitor *self = &listener->visitors[i];
    if (self->state == AWAY) return self;
    if (self->until < first->until) first = self;
  }
  see_off(first);
  return first;
}

static void welcome(pe_listener *listener, int descriptor, int64_t now) {
  visitor *self = find_place(listener);
  *self = (visitor){.state = ASKS, .descriptor = descriptor, .until = now + PATIENCE, .answer = self->answer};
  if (!pe_descriptor_prepare(descriptor)) see_off(self);
}

/* At most as many as there are places: the rest comes the next time. */
static void let_in(pe_listener *listener, int64_t now) {
  for (size_t i = 0; i < PE_LISTENER_MOST && now >= listener->deaf_until; i++) {
    int descriptor = accept(listener->descriptor, NULL, NULL);
    if (descriptor >= 0)
      welcome(listener, descriptor, now);
    else if (pe_descriptor_was_missing(errno))
      listener->deaf_until = now + DEAF;
    else
      return; /* nobody is there, or is not any more */
  }
}

static void set_earlier(int64_t *by, int64_t moment) {
  if (moment < *by) *by = moment;
}

size_t pe_listener_poll(const pe_listener *listener, struct pollfd *each, int64_t now, int64_t *by) {
  size_t count = 0;
  for (size_t i = 0; i < PE_LISTENER_MOST; i++) {
    const visitor *self = &listener->visitors[i];
    if (self->state == AWAY) continue;
    each[count++] = (struct pollfd){.fd = self->descriptor, .events = self->state == LISTENS ? POLLOUT : POLLIN};
    set_earlier(by, self->until);
  }
  if (now >= listener->deaf_until)
    each[count++] = (struct pollfd){.fd = listener->descriptor, .events = POLLIN};
  else
    set_earlier(by, listener->deaf_until);
  return count;
}

bool pe_listener_run(pe_listener *listener, int64_t now) {
  bool waits = false;
  let_in(listener, now);
  for (size_t i = 0; i < PE_LISTENER_MOST; i++) {
    visitor *self = &listener->visitors[i];
    move(self, now);
    waits = waits || self->state == WAITS;
  }
  return waits;
}

void pe_listener_answer(pe_listener *listener, const char *page, size_t size) {
  for (size_t i = 0; i < PE_LISTENER_MOST; i++) {
    visitor *self = &listener->visitors[i];
    if (self->state != WAITS) continue;
    tell(self, "200 OK", page, size);
    if (self->state == LISTENS) write_some(self);
  }
}
