/* fork() for programs that may run under AddressSanitizer: the allocator of GCC 12's knows nothing of fork, so a lock
 * of its that another thread holds at that moment is held for ever in the child, which then hangs in its next malloc or
 * free. Under it, and nowhere else, a fork waits for a moment in which all other threads sleep. */
#ifndef SUPPORT_QUIET_FORK_H
#define SUPPORT_QUIET_FORK_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <dirent.h>
#include <sys/syscall.h>

#define QUIET_LOOKS 5   /* so often in a row, a millisecond apart, are all found asleep */
#define QUIET_LIMIT 500 /* after so many looks it forks anyway */

extern void __asan_init(void) __attribute__((weak)); /* its runtime's, where that is loaded */

static inline bool thread_sleeps(const char *id) {
  char path[300], line[512];
  const char *state = NULL;
  FILE *file;

  (void)snprintf(path, sizeof path, "/proc/self/task/%s/stat", id);
  file = fopen(path, "re");
  if (!file) return true;                                         /* it has just ended */
  if (fgets(line, sizeof line, file)) state = strrchr(line, ')'); /* id (name) state ... */
  (void)fclose(file);
  return state && state[1] == ' ' && state[2] == 'S';
}

static inline bool others_sleep(void) {
  DIR *directory = opendir("/proc/self/task");
  const struct dirent *entry;
  bool asleep = true;

  if (!directory) return true;
  while (asleep && (entry = readdir(directory)))
    asleep = entry->d_name[0] == '.' || (pid_t)atoi(entry->d_name) == (pid_t)syscall(SYS_gettid) ||
             thread_sleeps(entry->d_name);
  (void)closedir(directory);
  return asleep;
}

static inline pid_t quiet_fork(void) {
  const struct timespec moment = {0, 1000000};

  for (int look = 0, quiet = 0; __asan_init && quiet < QUIET_LOOKS && look < QUIET_LIMIT; look++) {
    quiet = others_sleep() ? quiet + 1 : 0;
    (void)nanosleep(&moment, NULL);
  }
  return fork();
}

#else

static inline pid_t quiet_fork(void) {
  return fork();
}

#endif

#endif
