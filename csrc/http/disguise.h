/* In what ways a secret may be written by those who quote it, wherever it begins and ends in what they quote. What they
 * write around all of that is not among them: it is read (unfold.h). One thread at a time. */
#ifndef PE_DISGUISE_H
#define PE_DISGUISE_H

#include "http/needles.h"

/* What is searched for. */
typedef struct pe_disguises pe_disguises;

struct pe_disguises {
  pe_needles exact; /* in a text as it stands */
  pe_needles loose; /* in its letters and digits: line breaks, colons and what base64url has in other places go */
  const pe_disguises *others; /* borrowed; searched for, too. NULL: none */
};

void pe_disguises_init(pe_disguises *disguises);
void pe_disguises_cleanup(pe_disguises *disguises);

/* Adds the secret as it is. */
void pe_disguises_add_plain(pe_disguises *disguises, const char *secret, size_t size);

/* Adds the secret as it is, reversed, in hexadecimal, decimal and octal numbers, in base64 wherever it begins in what
 * was encoded; all of these also in Latin-1 and Windows-1252, and as a server writes it that took it for one of them.
 * And what is left of it in ASCII. A secret of less than three bytes is none: it stands everywhere. One of less than
 * five must be a word of its own. */
void pe_disguises_add(pe_disguises *disguises, const char *secret, size_t size);

/* Adds what a server leaves that cuts the secret at its beginning, as it is. Not for what may have common words in it,
 * as a user's address has. */
void pe_disguises_add_pieces(pe_disguises *disguises, const char *secret, size_t size);

/* Whether memory was out: something is not searched for. */
bool pe_disguises_failed(const pe_disguises *disguises);

#endif
