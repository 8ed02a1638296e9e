/* The little of pthreads and signals that the core needs; nothing else includes <pthread.h> or <signal.h>. */
#ifndef PE_THREAD_H
#define PE_THREAD_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif
#include <time.h>

/* ---- locks ---- */

typedef pthread_mutex_t pe_mutex;

/* Returns false when memory or another resource is out. */
static inline bool pe_mutex_init(pe_mutex *mutex) {
  return pthread_mutex_init(mutex, NULL) == 0;
}

/* The rest fails only for a mutex that is not one, or is misused: our own mistakes. */
static inline void pe_mutex_destroy(pe_mutex *mutex) {
  (void)pthread_mutex_destroy(mutex);
}

static inline void pe_mutex_lock(pe_mutex *mutex) {
  (void)pthread_mutex_lock(mutex);
}

static inline void pe_mutex_unlock(pe_mutex *mutex) {
  (void)pthread_mutex_unlock(mutex);
}

typedef pthread_cond_t pe_cond;

/* A condition whose waits are measured on the monotonic clock. Returns false when a resource is out. */
static inline bool pe_cond_init(pe_cond *cond) {
#if defined(__APPLE__)
  return pthread_cond_init(cond, NULL) == 0; /* waits are relative there */
#else
  pthread_condattr_t attributes;
  bool made = false;
  if (pthread_condattr_init(&attributes) != 0) return false;
  if (pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0) made = pthread_cond_init(cond, &attributes) == 0;
  (void)pthread_condattr_destroy(&attributes);
  return made;
#endif
}

static inline void pe_cond_destroy(pe_cond *cond) {
  (void)pthread_cond_destroy(cond);
}

static inline void pe_cond_broadcast(pe_cond *cond) {
  (void)pthread_cond_broadcast(cond);
}

/* Waits, with the mutex held, until a broadcast or for `nanoseconds` (above 0); may wake without a reason. Returns
 * false when the time ran out. */
static inline bool pe_cond_wait(pe_cond *cond, pe_mutex *mutex, int64_t nanoseconds) {
  const int64_t second = INT64_C(1000000000);
  const int64_t year = second * 31536000; /* beyond it a sum could overflow, and nobody waits that long */
  struct timespec until = {0, 0};
  if (nanoseconds > year) nanoseconds = year;
#if defined(__APPLE__)
  until.tv_sec = (time_t)(nanoseconds / second);
  until.tv_nsec = (long)(nanoseconds % second);
  return pthread_cond_timedwait_relative_np(cond, mutex, &until) == 0;
#else
  (void)clock_gettime(CLOCK_MONOTONIC, &until);
  nanoseconds += until.tv_nsec;
  until.tv_sec += (time_t)(nanoseconds / second);
  until.tv_nsec = (long)(nanoseconds % second);
  return pthread_cond_timedwait(cond, mutex, &until) == 0;
#endif
}

/* ---- threads ---- */

typedef pthread_t pe_thread;

/* What a TLS handshake, a name look-up and their libraries take, several times over. The system's own idea may be 8
 * MiB, or what `ulimit -s` says, or 128 KiB (musl). */
#define PE_THREAD_STACK ((size_t)512 * 1024)

/* Starts a thread in which every signal is blocked: they belong to the program. Returns false when the system has no
 * thread to give. */
static inline bool pe_thread_start(pe_thread *thread, void *(*run)(void *), void *user) {
  pthread_attr_t attributes;
  sigset_t all, old;
  bool started;
  if (pthread_attr_init(&attributes) != 0) return false;
  (void)pthread_attr_setstacksize(&attributes, PE_THREAD_STACK); /* fails where it must be larger: the default is */
  sigfillset(&all);
  (void)pthread_sigmask(SIG_SETMASK, &all, &old);
  started = pthread_create(thread, &attributes, run, user) == 0;
  (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
  (void)pthread_attr_destroy(&attributes);
  return started;
}

/* Names the calling thread, as `top` and a debugger show it: at most 15 characters. */
static inline void pe_thread_set_name(const char *name) {
#if defined(__APPLE__)
  (void)pthread_setname_np(name);
#elif defined(__linux__)
  (void)prctl(PR_SET_NAME, name, 0, 0, 0); /* pthread_setname_np asks for _GNU_SOURCE, this does not */
#else
  (void)name;
#endif
}

static inline pe_thread pe_thread_self(void) {
  return pthread_self();
}

static inline bool pe_thread_is_self(pe_thread thread) {
  return pthread_equal(thread, pthread_self()) != 0;
}

/* Nobody will join it: it goes by itself. */
static inline void pe_thread_detach(pe_thread thread) {
  (void)pthread_detach(thread);
}

/* Waits for the thread's end, its clean-up handlers included. */
static inline void pe_thread_join(pe_thread thread) {
  (void)pthread_join(thread, NULL);
}

/* ---- signals ---- */

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

/* ---- processes ---- */

/* Whether there is one of that number, another user's too (POSIX, kill: EPERM). */
static inline bool pe_process_exists(pid_t number) {
  return kill(number, 0) == 0 || errno == EPERM;
}

#endif
