#include "spool/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/thread.h"

/* NOT_PLAIN: an error beside the system's, of what has a lock's name and is no plain file. */
enum { TRIES = 3, NOT_PLAIN = -1 };

/* Bytes, and no more than one of so many parts of the disk, while that has so many times as much left. By itself it is
 * not room enough for new events (pe_store_has_disk). */
enum { RESERVE = 1 << 18, SMALL_PART = 16, MUCH_MORE = 4 };

struct pe_claim {
  pe_claim *next; /* guarded by the list's lock */
  int lock;       /* the descriptor */
  bool made;
  char *path; /* the file's; behind it in memory, the lock's */
  char *lock_path;
};

/* What this process has, and what its parent had. */
static pe_mutex list_lock = PTHREAD_MUTEX_INITIALIZER;
static pe_claim *claims;

/* errno is the number then, 0 where that is none of the system's. */
static void say(char message[PE_CLAIM_MESSAGE], const char *what, int number) {
  if (number == NOT_PLAIN)
    (void)snprintf(message, PE_CLAIM_MESSAGE, "%s: its .lock is no plain file", what);
  else if (number != 0)
    (void)snprintf(message, PE_CLAIM_MESSAGE, "%s: %s", what, strerror(number));
  else
    (void)snprintf(message, PE_CLAIM_MESSAGE, "%s", what);
  errno = number > 0 ? number : 0;
}

bool pe_claim_make(const char *directory, char message[PE_CLAIM_MESSAGE]) {
  bool is_there = mkdir(directory, 0700) == 0 || errno == EEXIST;
  if (!is_there) say(message, "the directory cannot be made", errno);
  return is_there;
}

char *pe_claim_resolve(const char *directory, char message[PE_CLAIM_MESSAGE]) {
  char *real = realpath(directory, NULL);
  if (!real) say(message, "the directory cannot be looked at", errno);
  return real;
}

bool pe_claim_directory(const char *directory, char message[PE_CLAIM_MESSAGE]) {
  struct stat found;
  if (!pe_claim_make(directory, message)) return false;
  if (lstat(directory, &found) != 0) {
    say(message, "the directory cannot be looked at", errno);
    return false;
  }
  if (!S_ISDIR(found.st_mode))
    say(message, "it is no directory", 0);
  else if (access(directory, R_OK | W_OK | X_OK) == 0)
    return true;
  else if (errno == EACCES)
    say(message, "the directory is not ours to write to", 0);
  else
    say(message, "the directory cannot be written to", errno);
  return false;
}

bool pe_claim_readable(const char *directory, char message[PE_CLAIM_MESSAGE]) {
  struct stat found;
  message[0] = '\0';
  if (stat(directory, &found) != 0)
    say(message, "the directory cannot be looked at", errno);
  else if (!S_ISDIR(found.st_mode))
    say(message, "it is no directory", 0);
  else if (access(directory, R_OK | X_OK) != 0)
    say(message, "the directory cannot be read", errno);
  return message[0] == '\0';
}

bool pe_claim_writable(const char *directory, char message[PE_CLAIM_MESSAGE]) {
  struct stat found;
  message[0] = '\0';
  if (stat(directory, &found) != 0)
    say(message, "the directory cannot be looked at", errno);
  else if (found.st_uid != geteuid())
    (void)snprintf(message, PE_CLAIM_MESSAGE, "the directory is that of the user %lu; do this as that user",
                   (unsigned long)found.st_uid);
  else if (access(directory, W_OK | X_OK) != 0)
    say(message, "the directory cannot be written to", errno);
  return message[0] == '\0';
}

/* ---- a lock ---- */

static pe_claim *new_claim(const char *directory, const char *name) {
  size_t size = strlen(directory) + strlen(name) + sizeof "/.lock";
  pe_claim *claim = calloc(1, sizeof *claim + 2 * size);

  if (!claim) return NULL;
  claim->lock = -1;
  claim->path = (char *)(claim + 1);
  claim->lock_path = claim->path + size;
  (void)snprintf(claim->path, size, "%s/%s", directory, name);
  (void)snprintf(claim->lock_path, size, "%s.lock", claim->path);
  return claim;
}

static const char *name_of(const pe_claim *claim) {
  return strrchr(claim->path, '/') + 1;
}

/* Whether this process has that file already, or has it from its parent: a name is given once. What SQLite remembers of
 * the parent's files would make it take locks for held that are not. The list is locked. */
static bool is_known(const pe_claim *wanted) {
  for (const pe_claim *claim = claims; claim; claim = claim->next)
    if (strcmp(name_of(claim), name_of(wanted)) == 0) return true;
  return false;
}

/* Locks it whole. Returns 0, EAGAIN where another process has it, or another errno. */
static int lock_file(int file) {
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (fcntl(file, F_SETLK, &whole) == 0) return 0;
  return errno == EACCES ? EAGAIN : errno;
}

/* Whether the lock is the one that has the name: whoever had it before may have removed it meanwhile. */
static bool is_named(const pe_claim *claim, const struct stat *locked) {
  struct stat named;
  return lstat(claim->lock_path, &named) == 0 && named.st_dev == locked->st_dev && named.st_ino == locked->st_ino;
}

/* On a full disk it is not known. */
static void note_made(pe_claim *claim) {
  claim->made = write(claim->lock, "\n", 1) == 1;
}

/* Opens what has the name of a lock: a pipe there must not keep us waiting, nor a device notice. Returns the
 * descriptor; or -1, and *error is an errno, or NOT_PLAIN. */
static int open_plain(const char *path, int flags, int *error) {
  struct stat found;
  int file = -1;

  *error = 0;
  if (lstat(path, &found) == 0 && !S_ISREG(found.st_mode)) {
    *error = NOT_PLAIN;
    return -1;
  }
  file = open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
  if (file < 0)
    *error = errno;
  else if (fstat(file, &found) != 0 || !S_ISREG(found.st_mode))
    *error = NOT_PLAIN; /* since a moment */
  if (file < 0 || *error == 0) return file;
  (void)close(file);
  return -1;
}

/* Where there is no lock, one is made; of a file that is there its maker's has gone then. Returns as acquire does. */
static int open_lock(pe_claim *claim, bool is_new) {
  int error = ENOENT;
  if (!is_new) claim->lock = open_plain(claim->lock_path, O_RDWR, &error);
  if (error != ENOENT) return error;
  claim->made = !is_new && !pe_claim_tells_endpoint(name_of(claim));
  claim->lock = open_plain(claim->lock_path, O_RDWR | O_CREAT | (is_new ? O_EXCL : 0), &error);
  return error;
}

/* Opens and locks. Returns 0, an errno (EAGAIN: somebody else has it) or NOT_PLAIN. The list is locked. */
static int acquire(pe_claim *claim, bool is_new) {
  struct stat found;
  int error;

  if (is_known(claim)) return EAGAIN; /* not even opened */
  error = open_lock(claim, is_new);
  if (error == 0) error = lock_file(claim->lock);
  if (error != 0) return error;
  if (fstat(claim->lock, &found) != 0) return errno;
  if (!is_named(claim, &found)) return EAGAIN;
  if (found.st_size > 0)
    claim->made = true;
  else if (claim->made)
    note_made(claim); /* the lock is there from now on */
  claim->next = claims;
  claims = claim;
  return 0;
}

static int acquire_listed(pe_claim *claim, bool is_new) {
  int error;
  pe_mutex_lock(&list_lock);
  error = acquire(claim, is_new);
  pe_mutex_unlock(&list_lock);
  return error;
}

/* Asks who has locked the file at that path. */
static long holder_of(const char *path) {
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  int error, file = open_plain(path, O_RDONLY, &error);

  if (file < 0) return error == ENOENT ? 0 : error == NOT_PLAIN ? PE_CLAIM_NO_LOCK : -1;
  if (fcntl(file, F_GETLK, &whole) != 0) error = errno;
  (void)close(file);
  if (error != 0) return -1;
  if (whole.l_type == F_UNLCK) return 0;
  return whole.l_pid > 0 ? whole.l_pid : -1;
}

long pe_claim_owner(const char *directory, const char *name) {
  pe_claim *wanted = new_claim(directory, name);
  long holder = -1;

  if (!wanted) return holder;
  pe_mutex_lock(&list_lock);
  holder = is_known(wanted) ? (long)getpid() : holder_of(wanted->lock_path); /* the list: nobody takes it meanwhile */
  pe_mutex_unlock(&list_lock);
  free(wanted);
  return holder;
}

/* Frees a claim that is not in the list. */
static void dispose(pe_claim *claim) {
  if (claim->lock >= 0) (void)close(claim->lock);
  free(claim);
}

pe_claim *pe_claim_new(const char *directory, const char *endpoint, char message[PE_CLAIM_MESSAGE]) {
  char prefix[18], uuid[PE_UUID_LENGTH + 1], name[80];
  int error = EAGAIN;

  pe_claim_prefix(endpoint, prefix);
  for (int i = 0; i < TRIES && error == EAGAIN; i++) {
    pe_claim *claim;
    pe_random_uuid7(uuid, pe_clock_wall());
    (void)snprintf(name, sizeof name, "%s%s%s", prefix, uuid, PE_CLAIM_SUFFIX);
    claim = new_claim(directory, name);
    error = claim ? acquire_listed(claim, true) : ENOMEM;
    if (error == 0) return claim;
    if (claim && claim->lock >= 0 && error != EAGAIN) (void)unlink(claim->lock_path); /* made in vain */
    if (claim) dispose(claim);
  }
  say(message, "no file can be locked there", error);
  return NULL;
}

pe_claim *pe_claim_take(const char *directory, const char *name, char message[PE_CLAIM_MESSAGE]) {
  pe_claim *claim = new_claim(directory, name);
  int error = claim ? acquire_listed(claim, false) : ENOMEM;

  message[0] = '\0';
  if (error == 0) return claim;
  if (error != EAGAIN) say(message, "it cannot be locked", error);
  if (claim) dispose(claim);
  return NULL;
}

void pe_claim_note_made(pe_claim *claim) {
  if (!claim->made) note_made(claim);
}

bool pe_claim_was_made(const pe_claim *claim) {
  return claim->made;
}

bool pe_claim_is_made(const char *directory, const char *name) {
  pe_claim *wanted = new_claim(directory, name);
  struct stat found;
  bool made = wanted && (stat(wanted->lock_path, &found) == 0 ? found.st_size > 0 : !pe_claim_tells_endpoint(name));
  free(wanted);
  return made;
}

/* The note that the file was made is its first byte. */
static bool has_reserve(const pe_claim *claim) {
  struct stat lock;
  return fstat(claim->lock, &lock) == 0 && lock.st_size > 1;
}

void pe_claim_reserve(pe_claim *claim) {
  struct statvfs disk;
  uint64_t bytes;

  if (!claim->made || has_reserve(claim) || fstatvfs(claim->lock, &disk) != 0) return;
  bytes = (uint64_t)disk.f_blocks * disk.f_frsize / SMALL_PART;
  if (bytes > RESERVE) bytes = RESERVE;
  if ((uint64_t)disk.f_bavail * disk.f_frsize < MUCH_MORE * bytes) return;
  if (bytes > 0 && posix_fallocate(claim->lock, 1, (off_t)bytes) != 0) (void)pe_claim_spend(claim);
}

bool pe_claim_spend(pe_claim *claim) {
  return claim && has_reserve(claim) && ftruncate(claim->lock, 1) == 0;
}

const char *pe_claim_path(const pe_claim *claim) {
  return claim->path;
}

static void leave_list(pe_claim *claim) {
  pe_mutex_lock(&list_lock);
  for (pe_claim **link = &claims; *link; link = &(*link)->next) {
    if (*link != claim) continue;
    *link = claim->next;
    break;
  }
  pe_mutex_unlock(&list_lock);
}

/* The descriptor is closed while the claim is in the list: another client of ours must not open the lock before. */
void pe_claim_free(pe_claim *claim) {
  if (!claim) return;
  (void)close(claim->lock);
  claim->lock = -1;
  leave_list(claim);
  dispose(claim);
}

/* ---- what belongs to it ---- */

/* The path with something behind it; false: too long. */
static bool beside(const pe_claim *claim, const char *suffix, char *path, size_t size) {
  int length = snprintf(path, size, "%s%s", claim->path, suffix);
  return length > 0 && (size_t)length < size;
}

static bool is_missing(const pe_claim *claim, const char *suffix) {
  char path[4096];
  struct stat found;
  return beside(claim, suffix, path, sizeof path) && lstat(path, &found) != 0 && errno == ENOENT;
}

bool pe_claim_has_nothing(const pe_claim *claim) {
  return is_missing(claim, "") && is_missing(claim, "-wal");
}

static void drop(const pe_claim *claim, const char *suffix) {
  char path[4096];
  if (beside(claim, suffix, path, sizeof path)) (void)unlink(path); /* there may be none */
}

void pe_claim_remove(pe_claim *claim) {
  static const char *const suffixes[] = {"", "-journal", "-wal", "-shm", "-mended", ".lock"}; /* the lock last */
  for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
    drop(claim, suffixes[i]);
  pe_claim_free(claim);
}

/* Returns whether it was there, and moved. */
static bool move_aside(const pe_claim *claim, const char *suffix, const char *aside) {
  char from[4096], to[4096];
  return beside(claim, suffix, from, sizeof from) && beside(claim, aside, to, sizeof to) && rename(from, to) == 0;
}

/* A log that was mended has been set aside already, as it was. */
bool pe_claim_set_aside(pe_claim *claim) {
  static const char aside[] = PE_CLAIM_DAMAGED "-wal";
  bool moved = move_aside(claim, "", PE_CLAIM_DAMAGED);

  if ((moved || is_missing(claim, "")) && is_missing(claim, aside)) moved = move_aside(claim, "-wal", aside) || moved;
  if (moved) {
    drop(claim, "-wal");
    drop(claim, "-shm");
    drop(claim, "-mended");
    (void)unlink(claim->lock_path);
  }
  pe_claim_free(claim);
  return moved;
}
