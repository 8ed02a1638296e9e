#include "spool/claim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/thread.h"

#define SUFFIX  "spool"
#define DAMAGED ".damaged"
#define LOCK    ".lock"

enum { TRIES = 3 };

struct pe_claim {
  pe_claim *next; /* guarded by the list's lock */
  int lock;       /* the descriptor */
  char *path;     /* the file's; behind it in memory, the lock's */
  char *lock_path;
};

/* What this process has, and what its parent had. */
static pe_mutex list_lock = PTHREAD_MUTEX_INITIALIZER;
static pe_claim *claims;

static void say(char message[PE_CLAIM_MESSAGE], const char *what, int number) {
  if (number != 0)
    (void)snprintf(message, PE_CLAIM_MESSAGE, "%s: %s", what, strerror(number));
  else
    (void)snprintf(message, PE_CLAIM_MESSAGE, "%s", what);
}

/* FNV-1a; two endpoints of one hash are told apart when the file is opened. */
void pe_claim_prefix(const char *endpoint, char prefix[18]) {
  uint64_t hash = UINT64_C(14695981039346656037);
  for (; *endpoint != '\0'; endpoint++)
    hash = (hash ^ (unsigned char)*endpoint) * UINT64_C(1099511628211);
  (void)snprintf(prefix, 18, "%016" PRIx64 "-", hash);
}

bool pe_claim_directory(const char *directory, char message[PE_CLAIM_MESSAGE]) {
  struct stat found;
  if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
    say(message, "the directory cannot be made", errno);
    return false;
  }
  if (lstat(directory, &found) != 0) {
    say(message, "the directory cannot be looked at", errno);
    return false;
  }
  if (S_ISDIR(found.st_mode) && access(directory, R_OK | W_OK | X_OK) == 0) return true;
  say(message, S_ISDIR(found.st_mode) ? "the directory is not ours to write to" : "it is no directory", 0);
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

/* Opens and locks. Returns 0 or an errno; EAGAIN: somebody else has it. The list is locked. */
static int acquire(pe_claim *claim, int flags) {
  struct stat found;
  int error;

  if (is_known(claim)) return EAGAIN; /* not even opened */
  claim->lock = open(claim->lock_path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
  if (claim->lock < 0) return errno;
  error = lock_file(claim->lock);
  if (error != 0) return error;
  if (fstat(claim->lock, &found) != 0) return errno;
  if (!is_named(claim, &found)) return EAGAIN;
  claim->next = claims;
  claims = claim;
  return 0;
}

static int acquire_listed(pe_claim *claim, int flags) {
  int error;
  pe_mutex_lock(&list_lock);
  error = acquire(claim, flags);
  pe_mutex_unlock(&list_lock);
  return error;
}

/* Asks who has locked the file at that path. */
static long holder_of(const char *path) {
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  int file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  int error = 0;

  if (file < 0) return errno == ENOENT ? 0 : -1;
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
    (void)snprintf(name, sizeof name, "%s%s.%s", prefix, uuid, SUFFIX);
    claim = new_claim(directory, name);
    error = claim ? acquire_listed(claim, O_EXCL) : ENOMEM;
    if (error == 0) return claim;
    if (claim) dispose(claim);
  }
  say(message, "no file can be locked there", error);
  return NULL;
}

pe_claim *pe_claim_take(const char *directory, const char *name, char message[PE_CLAIM_MESSAGE]) {
  pe_claim *claim = new_claim(directory, name);
  int error = claim ? acquire_listed(claim, 0) : ENOMEM;

  message[0] = '\0';
  if (error == 0) return claim;
  if (error != EAGAIN) say(message, "it cannot be locked", error);
  if (claim) dispose(claim);
  return NULL;
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

void pe_claim_remove(pe_claim *claim) {
  static const char *const suffixes[] = {"", "-journal", "-wal", "-shm", ".lock"}; /* the lock last */
  char path[4096];
  for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
    if (beside(claim, suffixes[i], path, sizeof path)) (void)unlink(path); /* what is not there is gone */
  pe_claim_free(claim);
}

bool pe_claim_set_aside(pe_claim *claim) {
  char from[4096], to[4096];
  bool moved = beside(claim, DAMAGED, to, sizeof to) && rename(claim->path, to) == 0;
  if (moved && beside(claim, "-wal", from, sizeof from) && beside(claim, DAMAGED "-wal", to, sizeof to))
    (void)rename(from, to); /* there may be none */
  if (moved && beside(claim, "-shm", from, sizeof from)) (void)unlink(from);
  if (moved) (void)unlink(claim->lock_path);
  pe_claim_free(claim);
  return moved;
}

/* ---- the directory ---- */

static bool is_spool(const char *name, const char *prefix, const char *suffix) {
  size_t length = strlen(name), tail = strlen(suffix);
  return strncmp(name, prefix, strlen(prefix)) == 0 && length > tail + 1 && strcmp(name + length - tail, suffix) == 0;
}

/* What tells the order: behind the endpoint's digits stands the time. */
static int compare(const char *a, const char *b) {
  const char *time_a = strchr(a, '-'), *time_b = strchr(b, '-');
  int order = time_a && time_b ? strcmp(time_a, time_b) : 0;
  return order != 0 ? order : strcmp(a, b);
}

static char *find_next(const char *directory, const char *prefix, const char *suffix, const char *after) {
  DIR *open_directory = opendir(directory);
  const struct dirent *entry;
  char best[256] = "";

  if (!open_directory) return NULL;
  while ((entry = readdir(open_directory))) {
    const char *name = entry->d_name;
    if (strlen(name) >= sizeof best || !is_spool(name, prefix, suffix) || (after && compare(name, after) <= 0))
      continue;
    if (best[0] == '\0' || compare(name, best) < 0) (void)snprintf(best, sizeof best, "%s", name);
  }
  (void)closedir(open_directory);
  return best[0] != '\0' ? strdup(best) : NULL;
}

char *pe_claim_next(const char *directory, const char *prefix, const char *after) {
  return find_next(directory, prefix, "." SUFFIX, after);
}

char *pe_claim_next_damaged(const char *directory, const char *after) {
  return find_next(directory, "", DAMAGED, after);
}

/* The lock of a file that is not there. */
static void sweep_lock(const char *directory, const char *lock_name) {
  char *name = strdup(lock_name);
  char message[PE_CLAIM_MESSAGE];
  pe_claim *claim = NULL;

  if (!name) return;
  name[strlen(name) - (sizeof LOCK - 1)] = '\0';
  claim = pe_claim_take(directory, name, message);
  free(name);
  if (claim && access(claim->path, F_OK) != 0 && errno == ENOENT)
    pe_claim_remove(claim);
  else
    pe_claim_free(claim);
}

void pe_claim_sweep(const char *directory, const char *prefix) {
  char *name = find_next(directory, prefix, "." SUFFIX LOCK, NULL);
  while (name) {
    char *next = find_next(directory, prefix, "." SUFFIX LOCK, name);
    sweep_lock(directory, name);
    free(name);
    name = next;
  }
}
