/* What must be seen in no text that comes back: the credentials that were sent, whole and in parts (header value,
 * token, user, password), in any of the encodings in which a server may quote them. Immutable once made; any thread. */
#ifndef PE_SECRETS_H
#define PE_SECRETS_H

#include <stddef.h>

#include "http/credentials.h"

typedef struct pe_secrets pe_secrets;

/* Makes the list from the credentials and from those in the URL `proxy` (NULL: none). Both are borrowed for the call.
 * NULL when memory is out. */
pe_secrets *pe_secrets_new(pe_http_credentials credentials, const char *proxy);

/* NULL is legal. */
void pe_secrets_free(pe_secrets *secrets);

/* Puts "***" in the place of each secret in the text, whatever its letters' case: as it is, percent-encoded, with the
 * escapes of JSON or of HTML, in hexadecimal, in base64. A part of less than three bytes is no secret: it stands
 * everywhere. Returns the new size, which is not larger. NULL: nothing is hidden. */
size_t pe_secrets_hide(const pe_secrets *secrets, char *text, size_t size);

#endif
