/* How answers come to an event loop that is not ours: a list of them, and a socket that becomes readable when there are
 * some. The loop's side connects to a unix socket (nginx's cosockets cannot take over a descriptor), in a directory of
 * its own that only this user can enter, and which is gone once that is done. Without a socket the list is there all
 * the same, for a loop that looks by itself. One per process; any number of clients. */
#ifndef PE_WAKER_H
#define PE_WAKER_H

#include <stdbool.h>

#include "base/error.h"

typedef struct pe_waker pe_waker;

/* What hangs on a waker's list: embedded in what is answered. */
typedef struct pe_waker_node {
  struct pe_waker_node *next;
  void (*dispose)(struct pe_waker_node *self); /* frees what it is embedded in, where nobody takes it. Any thread */
} pe_waker_node;

/* Makes one without a socket. Returns PE_OK and sets *waker, a reference; or PE_NO_MEMORY. */
pe_error pe_waker_new(pe_waker **waker);

/* One more reference, and one less; the last frees the waker and what nobody took. Any thread. */
pe_waker *pe_waker_share(pe_waker *waker);
void pe_waker_release(pe_waker *waker);

/* Listens in a new directory below one of the usual places ($TMPDIR, /tmp, /dev/shm); a socket that there was is
 * closed. Returns false where there is no descriptor, or no place to write to: errno says why. The loop's thread. */
bool pe_waker_listen(pe_waker *waker);

/* Where to connect to, after pe_waker_listen. Static until the next one. */
const char *pe_waker_path(const pe_waker *waker);

/* The loop has connected: takes the connection and removes the socket and its directory; what waits on the list is told
 * at once. Returns whether the connection was there. The loop's thread. */
bool pe_waker_accept(pe_waker *waker);

/* The loop reads the socket no more: it is closed. Answers go on the list as before. The loop's thread. */
void pe_waker_hang_up(pe_waker *waker);

/* Puts an answer on the list, which owns it then, and says so to the loop. Any thread. */
void pe_waker_put(pe_waker *waker, pe_waker_node *answer);

/* Takes the oldest answer, which is the caller's then; NULL: there is none, and the next pe_waker_put will say so
 * again. The loop's thread. */
pe_waker_node *pe_waker_take(pe_waker *waker);

/* Makes the socket, where there is one, readable without an answer. Any thread. */
void pe_waker_poke(pe_waker *waker);

/* Nobody reads any more: what is on the list, and later answers, are disposed of. The loop's thread. */
void pe_waker_close(pe_waker *waker);

#endif
