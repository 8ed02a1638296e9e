/* Who sends, and a copy of that which outlives the call that gave it. Immutable; any thread. */
#ifndef PE_CREDENTIALS_H
#define PE_CREDENTIALS_H

#include <stdbool.h>

/* The credentials: a ready header value, or a user and a password, or nothing at all. */
typedef struct pe_http_credentials {
  const char *authorization;
  const char *user;
  const char *password;
} pe_http_credentials;

typedef struct pe_credentials pe_credentials;

/* Copies. NULL when memory is out. */
pe_credentials *pe_credentials_new(pe_http_credentials from);

void pe_credentials_free(pe_credentials *credentials);

/* Whether they are the same. NULL is like no others. */
bool pe_credentials_are(const pe_credentials *credentials, pe_http_credentials others);

/* Borrowed from `credentials`. */
pe_http_credentials pe_credentials_view(const pe_credentials *credentials);

#endif
