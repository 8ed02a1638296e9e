/* The half of wal.h that reads and judges. */
#include "spool/wal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/wal_private.h"

enum { VERSION = 3007000 };

static const uint32_t MAGIC = 0x377f0682; /* and 1 more, where the checksums are of big-endian words */

/* ---- bytes ---- */

uint32_t pe_wal_number(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

void pe_wal_put(uint8_t *bytes, uint32_t number) {
  for (int i = 0; i < 4; i++)
    bytes[i] = (uint8_t)(number >> (24 - 8 * i));
}

static uint32_t little(const uint8_t *bytes) {
  return (uint32_t)bytes[3] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[1] << 8 | bytes[0];
}

static bool host_is_big(void) {
  const uint32_t one = 1;
  uint8_t first;
  memcpy(&first, &one, 1);
  return first == 0;
}

static void add_up(bool is_big, uint32_t sum[2], const uint8_t *bytes, size_t size) {
  for (const uint8_t *at = bytes; at < bytes + size; at += 8) {
    sum[0] += (is_big ? pe_wal_number(at) : little(at)) + sum[1];
    sum[1] += (is_big ? pe_wal_number(at + 4) : little(at + 4)) + sum[0];
  }
}

static void sum_of(const pe_wal *wal, const uint8_t *frame, const uint8_t before[8], uint8_t after[8]) {
  uint32_t sum[2] = {pe_wal_number(before), pe_wal_number(before + 4)};
  add_up(wal->is_big, sum, frame, PE_WAL_SALTS);
  add_up(wal->is_big, sum, frame + PE_WAL_PAGE, PE_WAL_PAGE_SIZE);
  pe_wal_put(after, sum[0]);
  pe_wal_put(after + 4, sum[1]);
}

bool pe_wal_is_own(const pe_wal *wal, const uint8_t *frame, const uint8_t before[8]) {
  uint8_t sum[8];
  if (memcmp(frame + PE_WAL_SALTS, wal->header + 16, 8) != 0 || pe_wal_number(frame) == 0) return false;
  sum_of(wal, frame, before, sum);
  return memcmp(frame + PE_WAL_SUM, sum, sizeof sum) == 0;
}

void pe_wal_seal(const pe_wal *wal, uint8_t *frame, const uint8_t before[8]) {
  memcpy(frame + PE_WAL_SALTS, wal->header + 16, 8);
  sum_of(wal, frame, before, frame + PE_WAL_SUM);
}

/* ---- files ---- */

bool pe_wal_beside(const char *path, const char *suffix, char *beside, size_t size) {
  int length = snprintf(beside, size, "%s%s", path, suffix);
  return length > 0 && (size_t)length < size;
}

/* To read alone; below 0: there is no plain file, or *refused: it cannot be opened. */
static int open_beside(const char *path, const char *suffix, struct stat *found, bool *refused) {
  char beside[4096];
  int file = -1;

  *refused = false;
  if (!pe_wal_beside(path, suffix, beside, sizeof beside)) return -1;
  if (lstat(beside, found) == 0 && !S_ISREG(found->st_mode)) return -1;
  file = open(beside, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file >= 0 && fstat(file, found) == 0) return file;
  *refused = file >= 0 || errno != ENOENT;
  if (file >= 0) (void)close(file);
  return -1;
}

bool pe_wal_read(const pe_wal *wal, int64_t at, uint8_t frame[PE_WAL_FRAME]) {
  off_t offset = (off_t)(PE_WAL_HEADER + (at - 1) * PE_WAL_FRAME);
  return pread(wal->file, frame, PE_WAL_FRAME, offset) == PE_WAL_FRAME;
}

/* ---- the header ---- */

static void sum_header(const pe_wal *wal, uint8_t sum[8]) {
  uint32_t sums[2] = {0, 0};
  add_up(wal->is_big, sums, wal->header, PE_WAL_HEADER_SUM);
  pe_wal_put(sum, sums[0]);
  pe_wal_put(sum + 4, sums[1]);
}

static bool is_sound_header(pe_wal *wal) {
  uint8_t sum[8];
  uint32_t magic = pe_wal_number(wal->header);
  wal->is_big = magic & 1;
  sum_header(wal, sum);
  return (magic & ~UINT32_C(1)) == MAGIC && pe_wal_number(wal->header + 4) == VERSION &&
         memcmp(sum, wal->header + PE_WAL_HEADER_SUM, 8) == 0;
}

/* All that is in it is known, but for the salts, which the index and the frames have, too. */
static void make_header(pe_wal *wal) {
  uint8_t frame[PE_WAL_FRAME];
  wal->is_big = host_is_big();
  pe_wal_put(wal->header, MAGIC | wal->is_big);
  pe_wal_put(wal->header + 4, VERSION);
  pe_wal_put(wal->header + 8, PE_WAL_PAGE_SIZE);
  if (!pe_wal_read(wal, 1, frame)) return;
  memcpy(wal->header + 16, wal->is_indexed ? wal->salts : frame + PE_WAL_SALTS, 8);
  sum_header(wal, wal->header + PE_WAL_HEADER_SUM);
  if (pe_wal_is_own(wal, frame, wal->header + PE_WAL_HEADER_SUM))
    memcpy(wal->first_sum, wal->header + PE_WAL_HEADER_SUM, 8);
}

static void read_header(pe_wal *wal) {
  if (pread(wal->file, wal->header, PE_WAL_HEADER, 0) != PE_WAL_HEADER) return; /* nor can be what is behind it */
  memcpy(wal->first_sum, wal->header + PE_WAL_HEADER_SUM, 8);
  wal->header_is_sound = is_sound_header(wal);
  if (!wal->header_is_sound)
    make_header(wal);
  else if (pe_wal_number(wal->header + 8) != PE_WAL_PAGE_SIZE)
    wal->is_out_of_reach = true; /* somebody else's */
}

/* ---- judging ---- */

/* What the process that had the database open last has shared with others: the number of frames that were committed,
 * and of those that were written back. In the machine's order of bytes, twice, since it changes under readers. */
typedef struct wal_index {
  uint32_t version, unused, changes;
  uint8_t is_filled, is_big;
  uint16_t page_size;
  uint32_t frames, pages, sum[2];
  uint8_t salts[8];
  uint32_t own_sum[2];
} wal_index;

static void read_index(pe_wal *wal, const char *path) {
  struct {
    wal_index one, two;
    uint32_t written_back;
  } all;
  struct stat found;
  bool is_read;
  int file = open_beside(path, "-shm", &found, &is_read);

  if (file < 0) return;
  is_read = pread(file, &all, sizeof all, 0) == (ssize_t)sizeof all;
  (void)close(file);
  if (!is_read || memcmp(&all.one, &all.two, sizeof all.one) != 0) return;
  wal->is_indexed = all.one.version == VERSION && all.one.is_filled;
  wal->indexed = all.one.frames;
  wal->written_back = all.written_back;
  memcpy(wal->salts, all.one.salts, sizeof wal->salts);
}

/* Which frames are as they were written can be told of each: its checksum goes on from the one that stands in the frame
 * before. A commit that was taken back leaves frames, but not its last one. */
static void judge(pe_wal *wal) {
  uint8_t frame[PE_WAL_FRAME], before[8];
  bool is_unbroken = wal->header_is_sound;

  memcpy(before, wal->first_sum, sizeof before);
  for (int64_t at = 1; at <= wal->frames; at++) {
    bool is_own;
    if (!pe_wal_read(wal, at, frame)) {
      wal->is_out_of_reach = true;
      return;
    }
    is_own = pe_wal_is_own(wal, frame, before);
    is_unbroken = is_unbroken && is_own;
    if (is_own && pe_wal_number(frame + PE_WAL_SIZE) != 0) wal->last = at;
    if (is_unbroken) wal->sound = wal->last;
    memcpy(before, frame + PE_WAL_SUM, sizeof before);
  }
  wal->committed = wal->last;
}

/* A log that has no frame has lost what was not written back, or there was nothing. */
static void ask_index(pe_wal *wal) {
  bool is_other = wal->frames > 0 && memcmp(wal->salts, wal->header + 16, sizeof wal->salts) != 0;
  if (!wal->is_indexed || is_other || (wal->frames == 0 && wal->indexed <= wal->written_back)) {
    wal->written_back = 0;
    return;
  }
  if (wal->indexed <= wal->committed) return;
  wal->committed = wal->indexed;
  if (wal->committed <= wal->frames) wal->last = wal->committed;
}

void pe_wal_open(pe_wal *wal, const char *path) {
  struct stat found;

  memset(wal, 0, sizeof *wal);
  read_index(wal, path); /* before the log: that may grow meanwhile */
  wal->file = open_beside(path, "-wal", &found, &wal->is_out_of_reach);
  if (wal->file >= 0 && found.st_size > PE_WAL_HEADER) wal->frames = (found.st_size - PE_WAL_HEADER) / PE_WAL_FRAME;
  if (wal->frames > 0) read_header(wal);
  if (wal->frames > 0 && !wal->is_out_of_reach) judge(wal);
  if (!wal->is_out_of_reach) ask_index(wal);
}

bool pe_wal_is_damaged(const pe_wal *wal) {
  if (wal->is_out_of_reach) return false; /* whoever opens it meets the same */
  return wal->committed > wal->sound || (wal->frames > 0 && !wal->header_is_sound);
}

void pe_wal_close(pe_wal *wal) {
  if (wal->file >= 0) (void)close(wal->file);
}

/* Whoever writes it while we read is not that quick twice. */
bool pe_wal_is_sound(const char *path) {
  bool is_sound = false;
  for (int tries = 0; tries < 2 && !is_sound; tries++) {
    pe_wal wal;
    pe_wal_open(&wal, path);
    is_sound = !pe_wal_is_damaged(&wal);
    pe_wal_close(&wal);
  }
  return is_sound;
}
