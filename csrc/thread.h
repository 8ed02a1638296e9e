/* The little of pthreads and signals that the core needs; nothing else includes <pthread.h> or <signal.h>. */
#ifndef PE_THREAD_H
#define PE_THREAD_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

typedef pthread_once_t pe_once;
#define PE_ONCE_INIT PTHREAD_ONCE_INIT

static inline void pe_once_run(pe_once *once, void (*function)(void)) {
  (void)pthread_once(once, function);
}

/* SIGPIPE kept from the program while a library may write to a socket whose peer is gone. */
typedef struct pe_sigpipe {
  sigset_t old_mask;
  bool was_pending; /* the program's own, to be left alone */
} pe_sigpipe;

static inline bool pe_sigpipe_pending(void) {
  sigset_t pending;
  sigemptyset(&pending);
  return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

/* Blocks SIGPIPE in the calling thread. Always followed by pe_sigpipe_restore on the same thread. */
static inline void pe_sigpipe_block(pe_sigpipe *state) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  state->was_pending = pe_sigpipe_pending();
  (void)pthread_sigmask(SIG_BLOCK, &set, &state->old_mask); /* fails only for a wrong `how` */
}

/* Takes back a SIGPIPE that came meanwhile, then restores the thread's mask. */
static inline void pe_sigpipe_restore(const pe_sigpipe *state) {
  if (!state->was_pending && pe_sigpipe_pending()) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
#if defined(__APPLE__)
    int taken;
    (void)sigwait(&set, &taken); /* there is no sigtimedwait; a pending SIGPIPE is this thread's own */
#else
    const struct timespec now = {0, 0};
    (void)sigtimedwait(&set, NULL, &now);
#endif
  }
  (void)pthread_sigmask(SIG_SETMASK, &state->old_mask, NULL);
}

#endif
