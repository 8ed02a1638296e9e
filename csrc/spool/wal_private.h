/* What wal.c and wal_mend.c share. Included by these. */
#ifndef PE_WAL_PRIVATE_H
#define PE_WAL_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spool/wal.h"

/* A frame is a header and a page, of 4096 bytes in all our files. In the header: the page's number, the size of the
 * database where it ends a commit, else 0, two salts, and a checksum of all frames so far. */
enum {
  PE_WAL_HEADER = 32,
  PE_WAL_HEADER_SUM = 24,
  PE_WAL_SIZE = 4,
  PE_WAL_SALTS = 8,
  PE_WAL_SUM = 16,
  PE_WAL_PAGE = 24,
  PE_WAL_PAGE_SIZE = 4096,
  PE_WAL_FRAME = PE_WAL_PAGE + PE_WAL_PAGE_SIZE
};

typedef struct pe_wal {
  int file;             /* below 0: there is none */
  bool is_out_of_reach; /* it cannot be read, or not to its end: nothing is known of it */
  bool is_big;
  bool header_is_sound;
  uint8_t header[PE_WAL_HEADER]; /* made anew where it is not */
  uint8_t first_sum[8];          /* that the first frame's goes on from */
  int64_t frames;                /* in the file */
  int64_t sound;                 /* what SQLite will read: up to the last commit before the first bad one */
  int64_t committed;             /* up to the last commit that is known of */
  int64_t last;                  /* up to the last commit that is in it, whatever was before */
  int64_t written_back;          /* of these, as far as it is known */
  bool is_indexed;               /* there is an index, which tells how many were committed, and of which log: */
  int64_t indexed;
  uint8_t salts[8];
} pe_wal;

/* Whether SQLite would read less than was committed. */
bool pe_wal_is_damaged(const pe_wal *wal);

/* Opens and judges it; pe_wal_close ends that. */
void pe_wal_open(pe_wal *wal, const char *path);
void pe_wal_close(pe_wal *wal);

/* Reads a frame, from 1 on. */
bool pe_wal_read(const pe_wal *wal, int64_t at, uint8_t frame[PE_WAL_FRAME]);

/* Whether a frame is of this log, and as it was written, behind one with that checksum. */
bool pe_wal_is_own(const pe_wal *wal, const uint8_t *frame, const uint8_t before[8]);

/* Sets the frame's checksum, behind one with that. */
void pe_wal_seal(const pe_wal *wal, uint8_t *frame, const uint8_t before[8]);

/* The path with something behind it; false: too long. */
bool pe_wal_beside(const char *path, const char *suffix, char *beside, size_t size);

uint32_t pe_wal_number(const uint8_t *bytes);
void pe_wal_put(uint8_t *bytes, uint32_t number);

#endif
