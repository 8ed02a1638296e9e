/* A database's log as it lies on the disk: the WAL of SQLite's file format (sqlite.org/fileformat2.html). SQLite reads
 * it up to the first frame whose checksum is wrong, and takes what is behind that for the rest of an older log: so one
 * bit that has changed costs all commits behind it, and nobody hears of it. Here the log is compared with what was
 * committed, and mended. Knows files, not SQLite.
 *
 * To close a file drops the locks that this process has on it: nobody here has the database open. */
#ifndef PE_WAL_H
#define PE_WAL_H

#include <stdbool.h>

/* Whether SQLite will read all commits that the log of that database has; or has had, as far as its index tells, which
 * is a dead process's until the next one opens the database. A log that somebody is writing is sound. */
bool pe_wal_is_sound(const char *path);

/* Puts another log in the place of one that is not: with all frames up to the last commit; where one was changed, the
 * page is as the database has it, if it was written back, else zeros. The old one stays as PATH.damaged-wal. Returns
 * whether all commits are in reach; false: some are missing, or the disk refuses, and the log is as it was. */
bool pe_wal_mend(const char *path);

#endif
