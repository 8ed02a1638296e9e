/* The escapes of URLs (%41, %u0041), JSON, C, Java and JavaScript (\n, \", \x41, \101, \u0041 and its pairs, \u{41}),
 * HTML (&#65; &#x41; &amp; &auml;), quoted-printable: what one stands for. Any thread. */
#ifndef PE_ESCAPE_H
#define PE_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct pe_escape {
  size_t taken; /* how many bytes it has; 0: there is none */
  long value;   /* the character that it stands for; U+0000 where that is none */
} pe_escape;

/* Reads the one that begins at `bytes`, of which there are `size`, at least one. A character above ASCII in UTF-8 is
 * one too, if a view has it otherwise (view.h). */
pe_escape pe_escape_read(const unsigned char *bytes, size_t size);

/* Whether one may begin with the byte. */
static inline bool pe_escape_may_begin(unsigned char byte) {
  return byte >= 0x80 || byte == '%' || byte == '&' || byte == '\\' || byte == '\0';
}

/* As pe_escape_read, of quoted-printable (RFC 2045, 6.7): =41, and the end of a line that goes on. */
pe_escape pe_escape_read_quoted(const unsigned char *bytes, size_t size);

#endif
