/* UTF-8, as strict as RFC 3629: overlong forms, surrogates and what lies above U+10FFFF are not. Any thread. */
#ifndef PE_UTF8_H
#define PE_UTF8_H

#include <stddef.h>

/* U+FFFD, which stands for what could not be read. */
#define PE_UTF8_REPLACEMENT "\xef\xbf\xbd"

/* The length of the character of two bytes or more that begins at `s`, of which `left` (above 0) are there; 0: it is
 * none. */
size_t pe_utf8_length(const unsigned char *s, size_t left);

/* For what is neither that nor ASCII: how many bytes at `s` one U+FFFD stands for. The longest beginning of a character
 * is one, any other byte is one (Unicode 15, 3.9, U+FFFD Substitution of Maximal Subparts). At least 1. */
size_t pe_utf8_broken(const unsigned char *s, size_t left);

#endif
