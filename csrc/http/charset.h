/* Latin-1 and Windows-1252 beside UTF-8: what becomes of a text that one writes and another reads. Any thread. */
#ifndef PE_CHARSET_H
#define PE_CHARSET_H

#include <stddef.h>

enum { PE_UTF8_LONGEST = 4 };

/* The character that the byte is in Latin-1, which is its number, or in Windows-1252. */
long pe_charset_of_latin1(unsigned char byte);
long pe_charset_of_windows(unsigned char byte);

/* The byte by which Latin-1, or else Windows-1252, writes the character; -1: neither has it. */
long pe_charset_to_byte(long character);

/* What the writings of a letter have in common: of one with an accent the letter, of a capital one the small one; for
 * the accents of Latin script up to U+017F, and the capitals of Greek and Cyrillic, too. Of an accent by itself 0. */
long pe_charset_plain(long character);

/* The same for a byte of Latin-1 or Windows-1252. */
unsigned char pe_charset_plain_byte(unsigned char byte);

/* Writes the character, which is one of Unicode's, in UTF-8. Returns how many bytes that takes. */
size_t pe_charset_write(long character, unsigned char out[PE_UTF8_LONGEST]);

/* Reads a character of two or three bytes of UTF-8, as all of Latin-1's and Windows-1252's above ASCII are. Returns how
 * many it takes; 0: there is none. */
size_t pe_charset_read(const unsigned char *bytes, size_t size, long *character);

#endif
