/* A text as it may have been before others wrote it down: bytes, each with the part of the text in which it is written.
 * Any thread. */
#ifndef PE_VIEW_H
#define PE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The caller's storage, made by pe_view_init. */
typedef struct pe_view {
  uint32_t *from, *to;  /* for each byte, where its writing begins and ends; one piece of memory, */
  unsigned char *bytes; /* with them */
  size_t size, room;
} pe_view;

/* Makes a view of nothing yet, with room for so many bytes. False: memory is out. It may be cleaned up in either case,
 * and while it is all zeros. */
bool pe_view_init(pe_view *view, size_t room);
void pe_view_cleanup(pe_view *view);

/* Makes it a view of the text as it is, which is less than 4 GiB. What it has no room for is left out, here as below.
 */
void pe_view_set(pe_view *view, const char *text, size_t size);

void pe_view_put(pe_view *view, unsigned char byte, uint32_t from, uint32_t to);

/* Puts a character that is written there. One of Latin-1 or Windows-1252 is one byte, since many a reader takes bytes
 * for such characters; any other becomes UTF-8, in its plain form (charset.h). Of an accent by itself and of U+0000,
 * which UTF-16 has many of, nothing is left, but that they belong to what was put before. */
void pe_view_put_character(pe_view *view, long character, uint32_t from, uint32_t to);

/* Fills `squeezed` with the letters, the digits and what is not ASCII; there, `from` and `to` are places in `view`. */
void pe_view_squeeze(const pe_view *view, pe_view *squeezed);

/* Whether the byte is a letter, a digit, or not ASCII. */
bool pe_view_is_solid(unsigned char byte);

#endif
