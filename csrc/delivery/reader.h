/* Reads documents of the platform (its read side: definitions, the log of events), one at a time, while the caller
 * waits; tries again, since to ask twice harms nobody. Belongs to one thread, and to the process that made it: not for
 * one that forks. */
#ifndef PE_READER_H
#define PE_READER_H

#include <stddef.h>

#include "http/http.h"
#include "policy/attempt.h"
#include "policy/post_policy.h"

typedef struct pe_reader pe_reader;

/* Makes a reader of the host of http->url, by `policy` (its timeout is that of each document, retries included; what it
 * accepts is not looked at). All is copied. Opens no connection. Returns PE_OK and sets *reader, which the caller
 * frees; or PE_NO_MEMORY or PE_TLS, with *why as pe_http_plan_new. */
pe_error pe_reader_new(const pe_http_config *http, pe_http_credentials credentials, const pe_post_policy *policy,
                       pe_reader **reader, const char **why);

/* NULL is legal. */
void pe_reader_free(pe_reader *reader);

/* Reads what `path` and `query` (NULL: none) name, as pe_http_get has them. Returns what came of it, borrowed until the
 * next call or the reader's end: with the error PE_OK the body of its transfer is the document, of at most `most`
 * bytes; with another, it says why. */
const pe_attempt *pe_reader_get(pe_reader *reader, const char *path, const char *query, size_t most);

/* Puts "***" in the place of the credentials in a text that a document has; returns the new size. */
size_t pe_reader_hide(const pe_reader *reader, char *text, size_t size);

#endif
