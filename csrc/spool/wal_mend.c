/* The half of wal.h that mends. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "spool/wal.h"
#include "spool/wal_private.h"

/* A page that no database has: nobody asks for it. */
static const uint32_t NO_PAGE = UINT32_MAX - 1;

static bool write_all(int file, const uint8_t *bytes, size_t size) {
  return write(file, bytes, size) == (ssize_t)size;
}

/* What is known of the page of a frame that was changed. Its header may be what has changed: then that is another page,
 * and what is wrong shows when it is read. */
static void fill(const pe_wal *wal, int database, int64_t at, uint8_t *frame) {
  uint32_t number = pe_wal_number(frame);
  off_t offset = (off_t)(number - 1) * PE_WAL_PAGE_SIZE;

  if (number == 0) pe_wal_put(frame, NO_PAGE);
  if (number > 0 && at <= wal->written_back &&
      pread(database, frame + PE_WAL_PAGE, PE_WAL_PAGE_SIZE, offset) == PE_WAL_PAGE_SIZE)
    return;
  memset(frame + PE_WAL_PAGE, 0, PE_WAL_PAGE_SIZE);
}

/* Writes the frames up to the last commit. Returns whether all of it is written, and ends with a commit. */
static bool write_frames(const pe_wal *wal, int database, int mended) {
  uint8_t frame[PE_WAL_FRAME], before[8], sealed[8];
  bool is_written = write_all(mended, wal->header, PE_WAL_HEADER), is_commit = false;

  memcpy(before, wal->first_sum, sizeof before);
  memcpy(sealed, wal->header + PE_WAL_HEADER_SUM, sizeof sealed);
  for (int64_t at = 1; at <= wal->last && is_written && pe_wal_read(wal, at, frame); at++) {
    bool is_own = pe_wal_is_own(wal, frame, before);
    memcpy(before, frame + PE_WAL_SUM, sizeof before);
    if (!is_own) fill(wal, database, at, frame);
    pe_wal_seal(wal, frame, sealed);
    memcpy(sealed, frame + PE_WAL_SUM, sizeof sealed);
    is_commit = pe_wal_number(frame + PE_WAL_SIZE) != 0;
    is_written = write_all(mended, frame, PE_WAL_FRAME);
  }
  return is_written && is_commit;
}

/* Writes another log to that path. */
static bool write_log(const pe_wal *wal, const char *path, const char *to) {
  int database = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  int mended = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  bool is_written = mended >= 0 && write_frames(wal, database, mended) && fsync(mended) == 0;
  if (mended >= 0 && close(mended) != 0) is_written = false;
  if (database >= 0) (void)close(database);
  return is_written;
}

/* Puts another log in its place; or none, where what was written back is newer than what there is of it. The old one
 * has its second name before: a kill in the middle leaves one of the two. Returns whether that was done. */
static bool replace(const pe_wal *wal, const char *path) {
  char log[4096], aside[4096], mended[4096];
  bool is_needed = wal->last > wal->written_back, is_done = false;

  if (!pe_wal_beside(path, "-wal", log, sizeof log) || !pe_wal_beside(path, ".damaged-wal", aside, sizeof aside) ||
      !pe_wal_beside(path, "-mended", mended, sizeof mended))
    return false;
  (void)unlink(aside); /* both are of an attempt that was cut short, if they are there */
  (void)unlink(mended);
  if ((!is_needed || write_log(wal, path, mended)) && link(log, aside) == 0)
    is_done = is_needed ? rename(mended, log) == 0 : unlink(log) == 0;
  if (!is_done) (void)unlink(mended);
  return is_done;
}

bool pe_wal_mend(const char *path) {
  pe_wal wal;
  bool is_whole, can_help, is_replaced = false;

  pe_wal_open(&wal, path);
  is_whole = !pe_wal_is_damaged(&wal);
  can_help = wal.last > wal.sound || (wal.written_back > 0 && wal.last <= wal.written_back);
  if (!is_whole && can_help) is_replaced = replace(&wal, path);
  if (is_replaced) is_whole = wal.committed <= wal.frames || wal.committed <= wal.written_back;
  pe_wal_close(&wal);
  return is_whole;
}
