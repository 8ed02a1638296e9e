/* What must be seen in no text that comes back: the credentials that were sent, whole and in parts, in any of the ways
 * in which a server may quote them. Immutable once made, but for pe_secrets_follow; any thread. */
#ifndef PE_SECRETS_H
#define PE_SECRETS_H

#include <stddef.h>

#include "http/credentials.h"

typedef struct pe_secrets pe_secrets;

/* Makes the list of the credentials: the header's value, its token, the values of its parameters, user and password.
 * What `others` has (borrowed; NULL: nothing) is hidden with them. NULL when memory is out. */
pe_secrets *pe_secrets_new(pe_http_credentials credentials, const pe_secrets *others);

/* Makes the list of what is sent with every request: from the lines "Name: value" of `headers` the values whose name
 * speaks of a secret (authorization, key, token, cookie, ...) or that look like one (16 bytes or more without a blank,
 * with a letter and a digit); from the query of `url` those with such a name; user and password of `proxy`. All are
 * borrowed for the call; NULL: none. NULL when memory is out. */
pe_secrets *pe_secrets_new_of_plan(const char *const *headers, size_t count, const char *proxy, const char *url);

/* From now on what `others` has is hidden with these, and nothing else. No other thread uses them meanwhile. */
void pe_secrets_follow(pe_secrets *secrets, const pe_secrets *others);

/* NULL is legal. */
void pe_secrets_free(pe_secrets *secrets);

/* Puts "***" in the place of each secret in the text, whatever its letters' case and accents: as it is, its beginning,
 * reversed, in numbers or base64, behind up to three layers of what others write around it (redact.h). A part of less
 * than three bytes is no secret, since it stands everywhere, and one of less than five is one where it is a word.
 * Returns the new size, which is not larger. Costs about as much for each byte whatever the text is. When memory is
 * out, nothing of the text is left. NULL: nothing is hidden. */
size_t pe_secrets_hide(const pe_secrets *secrets, char *text, size_t size);

#endif
