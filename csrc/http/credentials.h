/* A copy of the credentials that outlives the call that gave them. Immutable; any thread. */
#ifndef PE_CREDENTIALS_H
#define PE_CREDENTIALS_H

#include "http/http.h"

typedef struct pe_credentials pe_credentials;

/* Copies. NULL when memory is out. */
pe_credentials *pe_credentials_new(pe_http_credentials from);

void pe_credentials_free(pe_credentials *credentials);

/* Borrowed from `credentials`. */
pe_http_credentials pe_credentials_view(const pe_credentials *credentials);

#endif
