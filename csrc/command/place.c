#include "command/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

const char *pe_place_kind(const char *path, int64_t *size) {
  struct stat found;
  if (stat(path, &found) != 0) return NULL;
  *size = (int64_t)found.st_size;
  if (S_ISREG(found.st_mode)) return "file";
  if (S_ISDIR(found.st_mode)) return "directory";
  return S_ISFIFO(found.st_mode) ? "fifo" : "other";
}

bool pe_place_stamp(const char *path, char stamp[PE_PLACE_STAMP]) {
  struct stat found;
  if (stat(path, &found) != 0) return false;
  (void)snprintf(stamp, PE_PLACE_STAMP, "%llu:%llu:%lld.%09ld", (unsigned long long)found.st_dev,
                 (unsigned long long)found.st_ino, (long long)found.st_ctim.tv_sec, (long)found.st_ctim.tv_nsec);
  return true;
}

char *pe_place_real(const char *path) {
  return realpath(path, NULL);
}

bool pe_place_make(const char *directory) {
  char *path = strdup(directory);
  bool made = path != NULL;

  for (char *end = path; made && end; *end = '/') {
    end = strchr(end + 1, '/');
    if (!end) break;
    *end = '\0';
    made = mkdir(path, 0700) == 0 || errno == EEXIST;
  }
  if (made) made = mkdir(path, 0700) == 0 || errno == EEXIST;
  free(path);
  return made;
}

int pe_place_columns(int number) {
  struct winsize size;
  return ioctl(number, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

bool pe_place_is_terminal(int number) {
  return isatty(number) == 1;
}

void pe_place_fill_standard(void) {
  for (int number = STDIN_FILENO; number <= STDERR_FILENO; number++)
    if (fcntl(number, F_GETFD) < 0 && errno == EBADF)
      (void)!open("/dev/null", O_RDWR); /* the lowest that is free: this */
}
