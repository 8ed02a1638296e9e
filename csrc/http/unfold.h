/* Reads one layer of what others wrote around a text. Any thread. */
#ifndef PE_UNFOLD_H
#define PE_UNFOLD_H

#include "http/view.h"

/* In what way. A text tells of none whether it is the right one: each has to be tried. */
typedef enum pe_unfolding {
  PE_UNFOLD_ESCAPES, /* of URLs, JSON, C, HTML, and UTF-8 itself (escape.h) */
  PE_UNFOLD_QUOTED,  /* quoted-printable's: much that stands behind a "=" is none */
  PE_UNFOLD_BASE64,  /* what is written in digits (runs.h), and nothing else of the text */
  PE_UNFOLD_HEX,
  PE_UNFOLD_UTF7,
  PE_UNFOLDINGS /* how many there are */
} pe_unfolding;

/* Makes `out` a view of what `in` stands for. It has no more than an eighth more bytes. Who searches in it for a text
 * above ASCII must search for that as it is and as it reads. Returns whether there was anything to read. */
bool pe_unfold(const pe_view *in, pe_unfolding way, pe_view *out);

#endif
