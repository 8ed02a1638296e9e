/* In what ways a secret may be written by those who quote it. The escapes of URLs, JSON and HTML are not among them:
 * they are read (unfold.h). One thread at a time. */
#ifndef PE_DISGUISE_H
#define PE_DISGUISE_H

#include "http/needles.h"

/* What is searched for. */
typedef struct pe_disguises {
  pe_needles exact; /* in a text as it stands */
  pe_needles loose; /* in its letters and digits: line breaks, colons and what base64url has in other places go */
} pe_disguises;

void pe_disguises_init(pe_disguises *disguises);
void pe_disguises_cleanup(pe_disguises *disguises);

/* Adds the secret as it is. */
void pe_disguises_add_plain(pe_disguises *disguises, const char *secret, size_t size);

/* Adds the secret as it is, reversed, in hexadecimal, decimal and octal numbers, in base64 wherever it begins in what
 * was encoded, and in the other of UTF-8 and Latin-1. A secret of less than three bytes is none: it stands everywhere.
 * One of less than five must be a word of its own. */
void pe_disguises_add(pe_disguises *disguises, const char *secret, size_t size);

/* Base64 without padding; `out` has room for 4 bytes for each 3, and 4 more. Returns the size. */
size_t pe_base64_encode(const char *bytes, size_t size, char *out);

/* Base64 up to what is no digit of it; `out` has room for `size` bytes. Returns the size. */
size_t pe_base64_decode(const char *text, size_t size, char *out);

/* Whether memory was out: something is not searched for. */
bool pe_disguises_failed(const pe_disguises *disguises);

#endif
