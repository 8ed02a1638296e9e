/* To be preloaded into a program with a spool: its disk stands still, cannot be written to, or has no locks, as long as
 * there is a file "stall", "read-only" or "no-locks" in the directory that BAD_DISK names. What is written or locked is
 * SQLite's and the spool's alone; what is opened or made counts below the directory BAD_DISK_SPOOL. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static bool is(const char *what) {
  char path[4096];
  const char *directory = getenv("BAD_DISK");
  if (!directory) return false;
  (void)snprintf(path, sizeof path, "%s/%s", directory, what);
  return syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0; /* access is one of ours */
}

static void stall(void) {
  const struct timespec pause = {0, 5000000};
  while (is("stall"))
    (void)nanosleep(&pause, NULL);
}

static bool is_spool(const char *path) {
  const char *spool = getenv("BAD_DISK_SPOOL");
  return spool && strncmp(path, spool, strlen(spool)) == 0;
}

/* Whether it may not be written; then errno says why. */
static bool is_read_only(void) {
  if (!is("read-only")) return false;
  errno = EROFS;
  return true;
}

static void *next(const char *name) {
  return dlsym(RTLD_NEXT, name);
}

#define WRITES(type, name, parameters, arguments)                                                                      \
  type name parameters {                                                                                               \
    type(*real) parameters = next(#name);                                                                              \
    stall();                                                                                                           \
    return is_read_only() ? -1 : real arguments;                                                                       \
  }

WRITES(ssize_t, pwrite, (int file, const void *bytes, size_t size, off_t at), (file, bytes, size, at))
WRITES(ssize_t, pwrite64, (int file, const void *bytes, size_t size, off64_t at), (file, bytes, size, at))
WRITES(int, ftruncate, (int file, off_t size), (file, size))
WRITES(int, ftruncate64, (int file, off64_t size), (file, size))
WRITES(int, fsync, (int file), (file))
WRITES(int, fdatasync, (int file), (file))

#define CHANGES(name, parameters, path, arguments)                                                                     \
  int name parameters {                                                                                                \
    int(*real) parameters = next(#name);                                                                               \
    return is_spool(path) && is_read_only() ? -1 : real arguments;                                                     \
  }

CHANGES(mkdir, (const char *path, mode_t mode), path, (path, mode))
CHANGES(unlink, (const char *path), path, (path))
CHANGES(rename, (const char *from, const char *to), from, (from, to))

int access(const char *path, int how) {
  if ((how & W_OK) && is_spool(path) && is_read_only()) return -1;
  return ((int (*)(const char *, int))next("access"))(path, how);
}

#define OPENS(name)                                                                                                    \
  int name(const char *path, int flags, ...) {                                                                         \
    va_list rest;                                                                                                      \
    int mode;                                                                                                          \
    va_start(rest, flags);                                                                                             \
    mode = flags & O_CREAT ? va_arg(rest, int) : 0;                                                                    \
    va_end(rest);                                                                                                      \
    if ((flags & (O_RDWR | O_WRONLY | O_CREAT)) && is_spool(path) && is_read_only()) return -1;                        \
    return ((int (*)(const char *, int, ...))next(#name))(path, flags, mode);                                          \
  }

OPENS(open)
OPENS(open64)

/* As a file system of the network that has no daemon for its locks. */
#define LOCKS(name)                                                                                                    \
  int name(int file, int command, ...) {                                                                               \
    va_list rest;                                                                                                      \
    void *argument;                                                                                                    \
    va_start(rest, command);                                                                                           \
    argument = va_arg(rest, void *);                                                                                   \
    va_end(rest);                                                                                                      \
    if (command == F_SETLK && ((struct flock *)argument)->l_type != F_UNLCK && is("no-locks")) {                       \
      errno = ENOLCK;                                                                                                  \
      return -1;                                                                                                       \
    }                                                                                                                  \
    return ((int (*)(int, int, ...))next(#name))(file, command, argument);                                             \
  }

LOCKS(fcntl)
LOCKS(fcntl64)

/* SQLite waits ten seconds for locks that somebody may hold. */
int usleep(useconds_t microseconds) {
  int (*real)(useconds_t) = next("usleep");
  return is("no-locks") ? 0 : real(microseconds);
}
