/* A line for people on the program's stderr, from a guest: it never waits, never stops the program, and goes nowhere
 * but to stderr. Any thread may call; takes no lock. */
#ifndef PE_NOTICE_H
#define PE_NOTICE_H

#include <stddef.h>

/* Writes `size` bytes of `text`, without its newline, as a line of its own: in one piece, which nothing of another
 * thread's comes between, and cut where it is too long for that. What stderr does not take at once (a full pipe that
 * nobody reads) is lost, and so is all of it where stderr was not open when the library was loaded: its number then
 * belongs to who opened a file or a socket next. Changes no errno. */
void pe_notice_write(const char *text, size_t size);

#endif
