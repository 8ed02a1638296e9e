#include "server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "test.h"

#define EVENT "{\"external_event_id\":"

void server_body(char *body, unsigned size, unsigned event) {
  (void)snprintf(body, size, EVENT "%u}", event);
}

/* ---- answers ---- */

static const char *answer_text(server_answer answer) {
  switch (answer) {
  case SERVER_TAKES:
  case SERVER_TAKES_AND_LEAVES:
    return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 61\r\n\r\n"
           "{\"status\":{\"code\":1100,\"message\":\"queued\"},\"requestId\":\"r-1\"}";
  case SERVER_REFUSES: return "HTTP/1.1 400 Bad Request\r\nContent-Length: 24\r\n\r\n{\"message\":\"wrong type\"}";
  case SERVER_BUSY: return "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
  case SERVER_TOO_FAST: return "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
  case SERVER_LOCKED: return "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
  case SERVER_PORTAL: return "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>";
  default: return NULL;
  }
}

static void hang_up(server_connection *connection) {
  (void)close(connection->socket);
  connection->socket = -1;
}

static void answer_event(server *self, server_connection *connection, unsigned event, const char *authorization) {
  server_answer answer;
  const char *text;
  unsigned count;

  pe_mutex_lock(&self->lock);
  count = ++self->counts[event];
  self->total++;
  if (event < self->last) self->in_order = false;
  self->last = event;
  pe_cond_broadcast(&self->arrived);
  pe_mutex_unlock(&self->lock);
  answer = self->decide ? self->decide(self->user, event, count, authorization) : SERVER_TAKES;
  text = answer_text(answer);
  if (text) (void)send(connection->socket, text, strlen(text), MSG_NOSIGNAL); /* a client that is gone is its affair */
  if (answer == SERVER_HANGS_UP || answer == SERVER_TAKES_AND_LEAVES) hang_up(connection);
}

/* ---- requests ---- */

/* Copies the value of the header of that name, which has a colon behind it; "" where there is none. */
static void read_header(const char *request, const char *name, char *value, size_t size) {
  const char *at = strstr(request, name);
  size_t length = at ? strcspn(at + strlen(name), "\r\n") : 0;
  if (length >= size) length = size - 1;
  if (at) memcpy(value, at + strlen(name), length);
  value[length] = '\0';
}

/* Answers the first request in the buffer, if it is there to its end. Returns whether there may be another one. */
static bool answer_request(server *self, server_connection *connection) {
  char length[16], authorization[64];
  char *body = strstr(connection->request, "\r\n\r\n");
  unsigned size;

  if (!body) return false;
  read_header(connection->request, "Content-Length: ", length, sizeof length);
  read_header(connection->request, "Authorization: ", authorization, sizeof authorization);
  size = (unsigned)(body + 4 - connection->request) + (unsigned)strtoul(length, NULL, 10);
  if (connection->size < size) return false;
  answer_event(self, connection, (unsigned)strtoul(body + 4 + strlen(EVENT), NULL, 10) % SERVER_EVENTS, authorization);
  connection->size -= size;
  memmove(connection->request, connection->request + size, connection->size + 1);
  return connection->socket >= 0;
}

static void read_more(server *self, server_connection *connection) {
  ssize_t got =
      recv(connection->socket, connection->request + connection->size, SERVER_REQUEST - 1 - connection->size, 0);
  if (got <= 0) {
    hang_up(connection);
    return;
  }
  connection->size += (unsigned)got;
  connection->request[connection->size] = '\0';
  while (answer_request(self, connection))
    continue;
}

static void accept_one(server *self) {
  int accepted = accept(self->listener, NULL, NULL);
  for (int i = 0; i < SERVER_CONNECTIONS && accepted >= 0; i++) {
    if (self->connections[i].socket >= 0) continue;
    self->connections[i].size = 0;
    self->connections[i].socket = accepted;
    return;
  }
  if (accepted >= 0) (void)close(accepted);
}

static void *serve(void *user) {
  server *self = user;
  struct pollfd polled[2 + SERVER_CONNECTIONS];
  for (;;) {
    polled[0] = (struct pollfd){.fd = self->stop[0], .events = POLLIN};
    polled[1] = (struct pollfd){.fd = self->listener, .events = POLLIN};
    for (int i = 0; i < SERVER_CONNECTIONS; i++)
      polled[2 + i] = (struct pollfd){.fd = self->connections[i].socket, .events = POLLIN};
    if (poll(polled, 2 + SERVER_CONNECTIONS, -1) < 0) continue;
    if (polled[0].revents) return NULL;
    for (int i = 0; i < SERVER_CONNECTIONS; i++)
      if (polled[2 + i].revents) read_more(self, &self->connections[i]);
    if (polled[1].revents) accept_one(self);
  }
}

/* ---- life cycle ---- */

void server_start(server *self, server_decide decide, void *user) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;

  memset(self, 0, sizeof *self);
  self->decide = decide;
  self->user = user;
  self->in_order = true;
  for (int i = 0; i < SERVER_CONNECTIONS; i++)
    self->connections[i].socket = -1;
  assert_true(pe_mutex_init(&self->lock) && pe_cond_init(&self->arrived));
  assert_int_equal(pipe(self->stop), 0);
  self->listener = socket(AF_INET, SOCK_STREAM, 0);
  assert_true(self->listener >= 0);
  assert_int_equal(bind(self->listener, (struct sockaddr *)&address, size), 0);
  assert_int_equal(listen(self->listener, SERVER_CONNECTIONS), 0);
  assert_int_equal(getsockname(self->listener, (struct sockaddr *)&address, &size), 0);
  (void)snprintf(self->url, sizeof self->url, "http://127.0.0.1:%u/events", (unsigned)ntohs(address.sin_port));
  assert_true(pe_thread_start(&self->thread, serve, self));
}

void server_stop(server *self) {
  assert_int_equal(write(self->stop[1], "", 1), 1);
  pe_thread_join(self->thread);
  for (int i = 0; i < SERVER_CONNECTIONS; i++)
    if (self->connections[i].socket >= 0) hang_up(&self->connections[i]);
  (void)close(self->listener);
  (void)close(self->stop[0]);
  (void)close(self->stop[1]);
  pe_cond_destroy(&self->arrived);
  pe_mutex_destroy(&self->lock);
}

void server_wait(server *self, unsigned total) {
  int64_t deadline = pe_clock_monotonic() + 20 * PE_SECOND;
  unsigned came;
  pe_mutex_lock(&self->lock);
  while (self->total < total && pe_clock_monotonic() < deadline)
    (void)pe_cond_wait(&self->arrived, &self->lock, PE_SECOND);
  came = self->total;
  pe_mutex_unlock(&self->lock);
  assert_true(came >= total);
}

unsigned server_count(server *self, unsigned event) {
  unsigned count;
  pe_mutex_lock(&self->lock);
  count = self->counts[event];
  pe_mutex_unlock(&self->lock);
  return count;
}

unsigned server_total(server *self) {
  unsigned total;
  pe_mutex_lock(&self->lock);
  total = self->total;
  pe_mutex_unlock(&self->lock);
  return total;
}
