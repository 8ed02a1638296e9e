/* What stands at a path, and where the command may put what is its own; and its three standard descriptors. Owns
 * nothing. Any thread. */
#ifndef PE_PLACE_H
#define PE_PLACE_H

#include <stdbool.h>
#include <stdint.h>

enum { PE_PLACE_STAMP = 96 };

/* "file", "directory", "fifo" or "other" (a device, a socket), links followed, and its size; NULL: see errno. */
const char *pe_place_kind(const char *path, int64_t *size);

/* What of the file at the path is another after anything was done to it, or to which file the path names, as a text:
 * which file it is, and when it was last changed (st_ctim: that of a time that was set is the time of the setting).
 * Returns whether there is one; else see errno. */
bool pe_place_stamp(const char *path, char stamp[PE_PLACE_STAMP]);

/* The path without links and dots, which the caller frees; NULL: see errno. */
char *pe_place_real(const char *path);

/* Makes the directory, 0700, and those above it. Returns whether it is there; else see errno. */
bool pe_place_make(const char *directory);

/* How many columns the terminal has that is descriptor `number`; 0: it is none, or does not say. */
int pe_place_columns(int number);

/* Whether that descriptor is a terminal. */
bool pe_place_is_terminal(int number);

/* Puts /dev/null where one of the three is closed: otherwise the next file that is opened takes its place, and what is
 * said on stderr lands in it. For the command's own process. */
void pe_place_fill_standard(void);

#endif
