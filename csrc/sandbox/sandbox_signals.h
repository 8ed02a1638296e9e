/* SIGINT and SIGTERM while the sandbox runs. Owns: the two signals' handlers and mask between `signals_hold` and
 * `signals_release`. Part of sandbox_httpd.c, which is the only one to include it. Thread: the process has one. */
#ifndef PE_SANDBOX_SIGNALS_H
#define PE_SANDBOX_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <string.h>

typedef struct sandbox_signals {
  bool held;
  sigset_t wait_mask; /* for pselect: lets the two signals in */
  sigset_t old_mask;
  struct sigaction old_int, old_term;
} sandbox_signals;

static volatile sig_atomic_t stop_requested;

static void on_stop_signal(int number) {
  (void)number;
  stop_requested = 1;
}

/* From here on the two signals arrive only in pselect and in `signals_let_in`: never inside the handler of a request,
 * and never between a look at `stop_requested` and the wait. They count even if the parent process blocked or ignored
 * them, as a shell does for a job in the background. No call here can fail: the arguments are valid. */
static void signals_hold(sandbox_signals *signals) {
  struct sigaction action;
  sigset_t stop;

  memset(&action, 0, sizeof action);
  action.sa_handler = on_stop_signal;
  (void)sigemptyset(&action.sa_mask);
  (void)sigemptyset(&stop);
  (void)sigaddset(&stop, SIGINT);
  (void)sigaddset(&stop, SIGTERM);
  (void)sigprocmask(SIG_BLOCK, &stop, &signals->old_mask);
  signals->wait_mask = signals->old_mask;
  (void)sigdelset(&signals->wait_mask, SIGINT);
  (void)sigdelset(&signals->wait_mask, SIGTERM);
  stop_requested = 0;
  (void)sigaction(SIGINT, &action, &signals->old_int);
  (void)sigaction(SIGTERM, &action, &signals->old_term);
  signals->held = true;
}

/* A busy server needs this: pselect delivers no signal when a descriptor is ready at once. */
static void signals_let_in(const sandbox_signals *signals) {
  sigset_t held;

  (void)sigprocmask(SIG_SETMASK, &signals->wait_mask, &held);
  (void)sigprocmask(SIG_SETMASK, &held, NULL);
}

/* The handlers and the mask are as they were. Legal when nothing is held. */
static void signals_release(sandbox_signals *signals) {
  if (!signals->held) return;
  signals_let_in(signals); /* a second Ctrl-C must not meet the handler that was there before */
  (void)sigaction(SIGINT, &signals->old_int, NULL);
  (void)sigaction(SIGTERM, &signals->old_term, NULL);
  (void)sigprocmask(SIG_SETMASK, &signals->old_mask, NULL);
  signals->held = false;
}

#endif
