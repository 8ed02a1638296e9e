/* A disk of which others have taken nearly all: in front of statvfs, for us and for SQLite. Included by one source. */
#ifndef PE_TEST_LITTLE_DISK_H
#define PE_TEST_LITTLE_DISK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <stdbool.h>
#include <sys/statvfs.h>

#define EXPORT __attribute__((visibility("default")))

static bool has_little; /* 64 KiB are left: too little for new events */

EXPORT int statvfs(const char *path, struct statvfs *disk);
int statvfs(const char *path, struct statvfs *disk) {
  static int (*real)(const char *, struct statvfs *);
  int result;
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "statvfs");
  result = real(path, disk);
  if (has_little) disk->f_bavail = 65536 / disk->f_frsize;
  return result;
}

#endif
