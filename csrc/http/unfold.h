/* A text as it may have been before others wrote it down: escapes read, one layer after another, each byte with the
 * place where it stands in the text. Any thread. */
#ifndef PE_UNFOLD_H
#define PE_UNFOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct pe_unfolded {
  unsigned char *bytes;
  uint32_t *from; /* where each begins, in the text; one more, where the text ends */
  size_t size;
} pe_unfolded;

/* Makes a view of the text as it is, or of nothing yet, with room for `size` bytes, at most 4 GiB. False: memory is
 * out, and there is nothing to clean up. */
bool pe_unfolded_init(pe_unfolded *view, const char *text, size_t size);
void pe_unfolded_cleanup(pe_unfolded *view);

/* Reads one layer of escapes, in place: of URLs (%41, %u0041), JSON, C, Java and JavaScript (\n, \", \x41, \101,
 * \u0041 and its pairs, \u{41}), HTML (&#65; &#x41; &amp; &auml;). A character up to U+00FF becomes one byte, as an
 * escape of that byte does, and any other its UTF-8: whoever searches for text above ASCII must search for both.
 * Returns whether there was any. */
bool pe_unfolded_read(pe_unfolded *view);

/* Fills `squeezed` (with the room of `view`) with the letters, the digits and what is not ASCII; there, `from` is the
 * place in `view`. */
void pe_unfolded_squeeze(const pe_unfolded *view, pe_unfolded *squeezed);

/* Whether the byte is a letter, a digit, or not ASCII. */
bool pe_unfolded_is_solid(unsigned char byte);

#endif
