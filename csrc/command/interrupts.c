#include "command/interrupts.h"

#include <stdbool.h>
#include <string.h>

#include "base/thread.h"

enum { STOP_SIGNALS = 3, SIGNALS = 5 };

/* The first three are counted, the rest ignored. */
static const int numbers[SIGNALS] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};
static struct sigaction before[SIGNALS];
static bool held;
static volatile sig_atomic_t count;

static void on_signal(int number) {
  (void)number;
  count = count + 1;
}

/* No call here can fail: the arguments are valid. Not SA_RESTART: who waits at a FIFO must hear of it. */
void pe_interrupts_hold(void) {
  struct sigaction action;

  if (held) return;
  held = true;
  count = 0;
  memset(&action, 0, sizeof action);
  (void)sigemptyset(&action.sa_mask);
  for (int i = 0; i < SIGNALS; i++) {
    (void)sigaction(numbers[i], NULL, &before[i]);
    if (i < STOP_SIGNALS && before[i].sa_handler == SIG_IGN) continue;
    action.sa_handler = i < STOP_SIGNALS ? on_signal : SIG_IGN;
    (void)sigaction(numbers[i], &action, NULL);
  }
}

static void on_pipe(int number) {
  (void)number;
}

/* A function, and not SIG_IGN: exec keeps the latter. */
void pe_interrupts_survive_pipes(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  (void)sigemptyset(&action.sa_mask);
  action.sa_handler = on_pipe;
  action.sa_flags = SA_RESTART;
  (void)sigaction(SIGPIPE, &action, NULL);
}

int pe_interrupts_count(void) {
  return (int)count;
}

void pe_interrupts_release(void) {
  for (int i = 0; i < SIGNALS && held; i++)
    (void)sigaction(numbers[i], &before[i], NULL);
  held = false;
}
