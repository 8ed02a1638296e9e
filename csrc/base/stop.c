#include "base/stop.h"

#include "base/bell.h"
#include "base/thread.h"

static pe_bell bell = {{-1, -1}};
static volatile sig_atomic_t requested;

/* To ring is a write(), which a handler may do. */
static void on_signal(int number) {
  (void)number;
  requested = 1;
  pe_bell_ring(&bell);
}

bool pe_stop_catch(void) {
  struct sigaction action = {.sa_handler = on_signal};
  if (bell.ends[0] < 0 && !pe_bell_init(&bell)) {
    pe_bell_cleanup(&bell);
    return false;
  }
  sigemptyset(&action.sa_mask);
  (void)sigaction(SIGTERM, &action, NULL); /* fails for a signal that is none */
  (void)sigaction(SIGINT, &action, NULL);
  return true;
}

bool pe_stop_is_requested(void) {
  if (requested != 0) pe_bell_silence(&bell); /* whoever was told need not be woken again */
  return requested != 0;
}

int pe_stop_descriptor(void) {
  return bell.ends[0];
}
