/* A platform in a thread, for the tests of the sender: it reads events, answers each as the test decides, and counts
 * what it has received. Allocates nothing once it runs, so that memory can fail around it. */
#ifndef PE_TEST_SERVER_H
#define PE_TEST_SERVER_H

#include <stdbool.h>

#include "base/thread.h"

enum { SERVER_EVENTS = 20000, SERVER_CONNECTIONS = 64, SERVER_REQUEST = 1024 };

typedef enum server_answer {
  SERVER_TAKES,            /* the documented reply */
  SERVER_REFUSES,          /* 400, with JSON: the event is wrong */
  SERVER_BUSY,             /* 503 */
  SERVER_TOO_FAST,         /* 429, Retry-After: 1 */
  SERVER_LOCKED,           /* 401 */
  SERVER_PORTAL,           /* 200, with a page */
  SERVER_HANGS_UP,         /* closes the connection without an answer */
  SERVER_TAKES_AND_LEAVES, /* takes it, and closes the connection with that */
  SERVER_SILENT            /* never answers */
} server_answer;

/* Decides about the event of that number, which has come `count` times now. The server's thread; may wait. */
typedef server_answer (*server_decide)(void *user, unsigned event, unsigned count, const char *authorization);

typedef struct server_connection {
  int socket; /* -1: none */
  unsigned size;
  char request[SERVER_REQUEST];
} server_connection;

typedef struct server {
  /* immutable after start */
  char url[64];
  server_decide decide;
  void *user;
  pe_thread thread;
  int listener, stop[2];
  /* the server's thread */
  server_connection connections[SERVER_CONNECTIONS];
  /* guarded by lock */
  pe_mutex lock;
  pe_cond arrived;
  unsigned counts[SERVER_EVENTS];
  unsigned total, last;
  bool in_order; /* no event came after one with a greater number */
} server;

/* Listens on a port of 127.0.0.1. Fails the test where that is not possible. */
void server_start(server *self, server_decide decide, void *user);

/* Closes all connections. */
void server_stop(server *self);

/* Waits until that many requests have come in all; fails the test when they do not. */
void server_wait(server *self, unsigned total);

/* How often an event, and any event, has come. */
unsigned server_count(server *self, unsigned event);
unsigned server_total(server *self);

/* The body of the event of that number. */
void server_body(char *body, unsigned size, unsigned event);

#endif
