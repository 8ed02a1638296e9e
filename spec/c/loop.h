/* The event loop's side of a waker, for its tests: connects to it, waits for its socket, reads it. */
#ifndef PE_TEST_LOOP_H
#define PE_TEST_LOOP_H

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "delivery/submission.h"
#include "test.h"

typedef struct loop {
  pe_waker *waker;
  int socket;
} loop;

/* To a waker that listens. */
static inline void loop_connect(loop *self) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, pe_waker_path(self->waker));
  self->socket = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_true(self->socket >= 0);
  assert_int_equal(connect(self->socket, (struct sockaddr *)&address, sizeof address), 0);
  assert_true(pe_waker_accept(self->waker));
}

static inline void loop_start(loop *self) {
  assert_int_equal(pe_waker_new(&self->waker), PE_OK);
  assert_true(pe_waker_listen(self->waker));
  loop_connect(self);
}

/* How many bytes can be read within `milliseconds`: reads them. */
static inline int loop_read(loop *self, int milliseconds) {
  struct pollfd readable = {.fd = self->socket, .events = POLLIN};
  char bytes[64];
  if (poll(&readable, 1, milliseconds) <= 0) return 0;
  return (int)read(self->socket, bytes, sizeof bytes);
}

/* The next answered submission, which the caller frees; waits for it as an event loop does, by the socket alone. */
static inline pe_submission *loop_next(loop *self) {
  pe_submission *submission = pe_submission_take(self->waker);
  while (!submission) {
    assert_true(loop_read(self, 20000) > 0); /* only a test that fails waits for so long */
    submission = pe_submission_take(self->waker);
  }
  return submission;
}

static inline void loop_end(loop *self) {
  pe_waker_close(self->waker);
  pe_waker_release(self->waker);
  (void)close(self->socket);
}

#endif
