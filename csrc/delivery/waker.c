#include "delivery/waker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/thread.h"

#if !defined(MSG_NOSIGNAL)
#define MSG_NOSIGNAL 0 /* macOS: SO_NOSIGPIPE, below */
#endif

static const char NAME[] = "/socket";

struct pe_waker {
  /* the loop's thread */
  char directory[96];         /* empty: there is none */
  struct sockaddr_un address; /* of the socket in it */
  int listener;               /* -1: does not listen */
  /* guarded by lock */
  pe_mutex lock;
  size_t references;
  int socket; /* -1: none */
  bool closed;
  bool told; /* the loop has a byte to read for what is on the list */
  pe_waker_node *first, *last;
};

/* ---- the socket ---- */

static bool make_directory(pe_waker *waker, const char *place) {
  int size = snprintf(waker->directory, sizeof waker->directory, "%s/postevent-XXXXXX", place);
  if (size < 0 || (size_t)size + sizeof NAME > sizeof waker->address.sun_path ||
      (size_t)size >= sizeof waker->directory) {
    errno = ENAMETOOLONG;
    return false;
  }
  return mkdtemp(waker->directory) != NULL; /* 0700: nobody else can connect */
}

static bool find_directory(pe_waker *waker) {
  const char *places[] = {getenv("TMPDIR"), "/tmp", "/dev/shm"};
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
    if (places[i] && places[i][0] == '/' && make_directory(waker, places[i])) return true;
  waker->directory[0] = '\0';
  return false;
}

static bool prepare_socket(int socket) {
#if defined(SO_NOSIGPIPE)
  int on = 1;
  if (setsockopt(socket, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on) != 0) return false;
#endif
  return pe_descriptor_prepare(socket);
}

static bool start_listening(pe_waker *waker) {
  waker->listener = socket(AF_UNIX, SOCK_STREAM, 0);
  if (waker->listener < 0 || !prepare_socket(waker->listener) || !find_directory(waker)) return false;
  waker->address.sun_family = AF_UNIX;
  (void)snprintf(waker->address.sun_path, sizeof waker->address.sun_path, "%.95s%s", waker->directory, NAME);
  return bind(waker->listener, (const struct sockaddr *)&waker->address, sizeof waker->address) == 0 &&
         listen(waker->listener, 1) == 0;
}

/* With the lock held, since the socket may be closed meanwhile; never waits. A full one has a byte to read already. */
static void tell(pe_waker *waker) {
  if (waker->socket >= 0) (void)send(waker->socket, "", 1, MSG_NOSIGNAL);
}

/* Nothing of it is left in the file system. */
static void stop_listening(pe_waker *waker) {
  if (waker->listener < 0) return;
  (void)close(waker->listener);
  waker->listener = -1;
  if (waker->directory[0] == '\0') return;
  (void)unlink(waker->address.sun_path);
  (void)rmdir(waker->directory);
  waker->directory[0] = '\0';
}

/* Takes `socket` (-1: none) in place of the one there was, and tells it of what is on the list. */
static void use_socket(pe_waker *waker, int socket) {
  pe_mutex_lock(&waker->lock);
  if (waker->socket >= 0) (void)close(waker->socket);
  waker->socket = socket;
  waker->told = waker->first != NULL;
  if (waker->told) tell(waker);
  pe_mutex_unlock(&waker->lock);
}

/* ---- life cycle ---- */

static void free_waker(pe_waker *waker) {
  pe_waker_close(waker);
  pe_mutex_destroy(&waker->lock);
  free(waker);
}

pe_error pe_waker_new(pe_waker **waker) {
  pe_waker *made = calloc(1, sizeof *made);

  if (!made) return PE_NO_MEMORY;
  made->references = 1;
  made->listener = made->socket = -1;
  if (!pe_mutex_init(&made->lock)) {
    free(made);
    return PE_NO_MEMORY;
  }
  *waker = made;
  return PE_OK;
}

pe_waker *pe_waker_share(pe_waker *waker) {
  pe_mutex_lock(&waker->lock);
  waker->references++;
  pe_mutex_unlock(&waker->lock);
  return waker;
}

void pe_waker_release(pe_waker *waker) {
  bool last;
  pe_mutex_lock(&waker->lock);
  last = --waker->references == 0;
  pe_mutex_unlock(&waker->lock);
  if (last) free_waker(waker);
}

bool pe_waker_listen(pe_waker *waker) {
  int why;

  pe_waker_hang_up(waker);
  if (start_listening(waker)) return true;
  why = errno;
  stop_listening(waker);
  errno = why;
  return false;
}

const char *pe_waker_path(const pe_waker *waker) {
  return waker->address.sun_path;
}

bool pe_waker_accept(pe_waker *waker) {
  int accepted = waker->listener >= 0 ? accept(waker->listener, NULL, NULL) : -1;

  if (accepted >= 0 && !prepare_socket(accepted)) {
    (void)close(accepted);
    accepted = -1;
  }
  stop_listening(waker);
  use_socket(waker, accepted);
  return accepted >= 0;
}

void pe_waker_hang_up(pe_waker *waker) {
  stop_listening(waker);
  use_socket(waker, -1);
}

void pe_waker_close(pe_waker *waker) {
  pe_waker_node *left;

  pe_waker_hang_up(waker);
  pe_mutex_lock(&waker->lock);
  waker->closed = true;
  left = waker->first;
  waker->first = waker->last = NULL;
  pe_mutex_unlock(&waker->lock);
  while (left) {
    pe_waker_node *next = left->next;
    left->dispose(left);
    left = next;
  }
}

/* ---- the list ---- */

void pe_waker_put(pe_waker *waker, pe_waker_node *answer) {
  pe_waker_node *unwanted = answer;

  answer->next = NULL;
  pe_mutex_lock(&waker->lock);
  if (!waker->closed) {
    if (waker->last)
      waker->last->next = answer;
    else
      waker->first = answer;
    waker->last = answer;
    unwanted = NULL;
    if (!waker->told) tell(waker);
    waker->told = true;
  }
  pe_mutex_unlock(&waker->lock);
  if (unwanted) unwanted->dispose(unwanted);
}

pe_waker_node *pe_waker_take(pe_waker *waker) {
  pe_waker_node *answer;
  pe_mutex_lock(&waker->lock);
  answer = waker->first;
  if (answer) waker->first = answer->next;
  if (!waker->first) waker->last = NULL;
  if (!answer) waker->told = false;
  pe_mutex_unlock(&waker->lock);
  return answer;
}

void pe_waker_poke(pe_waker *waker) {
  pe_mutex_lock(&waker->lock);
  tell(waker);
  pe_mutex_unlock(&waker->lock);
}
