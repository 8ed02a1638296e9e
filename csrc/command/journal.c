#include "command/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/thread.h"

enum { ROOM = 65536, /* made at once */ LINE = PE_JOURNAL_ID + 64, TRIES = 100 /* to open it */ };

struct pe_journal {
  pe_mutex lock;
  /* guarded by lock */
  int file; /* -1: closed */
  int holders;
  int64_t end;  /* of the content */
  int64_t room; /* the end of the room behind it */
  int trouble;
  int64_t numbers[PE_JOURNAL_EXPECTED]; /* by ticket */
};

/* ---- opening ---- */

/* Locks all of it. Returns 0, EAGAIN and who has it, or another errno. */
static int lock(int file, long *holder) {
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

  if (fcntl(file, F_SETLK, &whole) == 0) return 0;
  if (errno != EACCES && errno != EAGAIN) return errno;
  if (fcntl(file, F_GETLK, &whole) == 0 && whole.l_type != F_UNLCK && whole.l_pid > 0) *holder = whole.l_pid;
  return EAGAIN;
}

/* Not one of the three that have a meaning, whose places may be free: what is said on stderr would land in the file. */
static int open_above(const char *path) {
  int first = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
  int file = first;
  if (first < 0 || first > STDERR_FILENO) return first;
  file = fcntl(first, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  (void)close(first);
  return file;
}

static bool is_at(const char *path, const struct stat *opened) {
  struct stat found;
  return lstat(path, &found) == 0 && found.st_dev == opened->st_dev && found.st_ino == opened->st_ino;
}

/* ESTALE: whoever had it locked has removed it, and there may be another by now. */
static int try_to_open(pe_journal *journal, const char *path, long *holder) {
  struct stat found;
  int error;

  journal->file = open_above(path);
  if (journal->file < 0) return errno;
  if (fstat(journal->file, &found) != 0) return errno;
  if (!S_ISREG(found.st_mode)) return EINVAL;
  error = lock(journal->file, holder);
  if (error != 0) return error;
  if (fstat(journal->file, &found) != 0) return errno; /* it may have grown until it was free */
  journal->end = journal->room = found.st_size;
  return is_at(path, &found) ? 0 : ESTALE;
}

static int prepare(pe_journal *journal, const char *path, long *holder) {
  int error, tries = 0;
  while ((error = try_to_open(journal, path, holder)) == ESTALE && ++tries < TRIES) {
    (void)close(journal->file);
    journal->file = -1;
  }
  return error;
}

int pe_journal_open(const char *path, pe_journal **journal, long *holder) {
  pe_journal *made = calloc(1, sizeof *made);
  int error;

  *holder = 0;
  *journal = NULL;
  if (!made || !pe_mutex_init(&made->lock)) {
    free(made);
    return ENOMEM;
  }
  made->holders = 1;
  error = prepare(made, path, holder);
  if (error == 0)
    *journal = made;
  else
    pe_journal_release(made);
  return error;
}

/* ---- closing ---- */

/* With the lock held. A file that was not opened to the end is as it was. */
static void close_file(pe_journal *journal) {
  if (journal->file < 0) return;
  if (journal->end < journal->room)
    (void)!ftruncate(journal->file, (off_t)journal->end); /* else the zeros stay, as after a kill */
  (void)close(journal->file);
  journal->file = -1;
}

void pe_journal_close(pe_journal *journal) {
  pe_mutex_lock(&journal->lock);
  close_file(journal);
  pe_mutex_unlock(&journal->lock);
}

void pe_journal_discard(pe_journal *journal, const char *path) {
  struct stat found;
  pe_mutex_lock(&journal->lock);
  if (journal->end == 0 && fstat(journal->file, &found) == 0 && is_at(path, &found))
    (void)unlink(path); /* else it stays, which does no harm */
  pe_mutex_unlock(&journal->lock);
}

void pe_journal_hold(pe_journal *journal) {
  pe_mutex_lock(&journal->lock);
  journal->holders++;
  pe_mutex_unlock(&journal->lock);
}

void pe_journal_release(pe_journal *journal) {
  bool is_last;

  if (!journal) return;
  pe_mutex_lock(&journal->lock);
  is_last = --journal->holders == 0;
  if (is_last) close_file(journal);
  pe_mutex_unlock(&journal->lock);
  if (!is_last) return;
  pe_mutex_destroy(&journal->lock);
  free(journal);
}

/* ---- reading ---- */

int pe_journal_read(pe_journal *journal, int64_t from, void *bytes, size_t size, size_t *got) {
  ssize_t count;
  const char *zero;
  int error;

  *got = 0;
  pe_mutex_lock(&journal->lock);
  do
    count = pread(journal->file, bytes, size, (off_t)from);
  while (count < 0 && errno == EINTR);
  error = count < 0 ? errno : 0;
  pe_mutex_unlock(&journal->lock);
  if (error != 0) return error;
  zero = memchr(bytes, 0, (size_t)count);
  *got = zero ? (size_t)(zero - (const char *)bytes) : (size_t)count;
  return 0;
}

/* ---- writing, with the lock held ---- */

/* All of it, or an errno. */
static int write_at(int file, const char *bytes, size_t size, int64_t at) {
  while (size > 0) {
    ssize_t count = pwrite(file, bytes, size, (off_t)at);
    if (count < 0 && errno != EINTR) return errno;
    if (count == 0) return EIO;
    if (count < 0) continue;
    bytes += count;
    size -= (size_t)count;
    at += count;
  }
  return 0;
}

static int reserve(pe_journal *journal, size_t size) {
  static const char zeros[ROOM];

  while (journal->room < journal->end + (int64_t)size) {
    int error = write_at(journal->file, zeros, sizeof zeros, journal->room);
    if (error != 0) return error;
    journal->room += ROOM;
  }
  return 0;
}

static int append(pe_journal *journal, const char *bytes, size_t size) {
  int error = reserve(journal, size);
  if (error == 0) error = write_at(journal->file, bytes, size, journal->end);
  if (error == 0) journal->end += (int64_t)size;
  return error;
}

/* ---- writing ---- */

int pe_journal_end_at(pe_journal *journal, int64_t end) {
  int error = 0;
  pe_mutex_lock(&journal->lock);
  if (end < journal->room && ftruncate(journal->file, (off_t)end) != 0)
    error = errno;
  else
    journal->end = journal->room = end;
  pe_mutex_unlock(&journal->lock);
  return error;
}

int pe_journal_reserve(pe_journal *journal, size_t size) {
  int error;
  pe_mutex_lock(&journal->lock);
  error = reserve(journal, size);
  pe_mutex_unlock(&journal->lock);
  return error;
}

int pe_journal_append(pe_journal *journal, const void *bytes, size_t size, int64_t *at) {
  int error;
  pe_mutex_lock(&journal->lock);
  *at = journal->end;
  error = append(journal, bytes, size);
  pe_mutex_unlock(&journal->lock);
  return error;
}

int pe_journal_sync(pe_journal *journal) {
  int file;
  pe_mutex_lock(&journal->lock);
  file = journal->file; /* a disk takes its time: not under the lock, since nobody but the caller closes the file */
  pe_mutex_unlock(&journal->lock);
  return fsync(file) == 0 || errno == EINTR ? 0 : errno;
}

/* ---- answers ---- */

void pe_journal_expect(pe_journal *journal, uint64_t ticket, int64_t number) {
  pe_mutex_lock(&journal->lock);
  journal->numbers[ticket % PE_JOURNAL_EXPECTED] = number;
  pe_mutex_unlock(&journal->lock);
}

static bool is_plain_id(const char *id, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (id[i] <= ' ' || id[i] > '~' || id[i] == '%') return false;
  return size > 0 && size <= PE_JOURNAL_ID;
}

void pe_journal_answer_is(pe_journal *journal, const pe_journal_answer *answer) {
  bool has_id = is_plain_id(answer->id, answer->id_size);
  char line[LINE];
  int size, error;

  pe_mutex_lock(&journal->lock);
  size =
      snprintf(line, sizeof line, "%" PRId64 "\t%.20s\t%.*s\n", journal->numbers[answer->ticket % PE_JOURNAL_EXPECTED],
               answer->outcome, has_id ? (int)answer->id_size : 1, has_id ? answer->id : "-");
  error = append(journal, line, (size_t)size);
  if (journal->trouble == 0) journal->trouble = error;
  pe_mutex_unlock(&journal->lock);
}

int pe_journal_trouble(pe_journal *journal) {
  int trouble;
  pe_mutex_lock(&journal->lock);
  trouble = journal->trouble;
  pe_mutex_unlock(&journal->lock);
  return trouble;
}
