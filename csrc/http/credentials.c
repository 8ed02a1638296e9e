#include "http/credentials.h"

#include <stdlib.h>
#include <string.h>

struct pe_credentials {
  pe_http_credentials view; /* its texts are owned */
};

/* Sets *to; returns false when memory is out. */
static bool copy(const char *from, const char **to) {
  if (!from) return true;
  *to = strdup(from);
  return *to != NULL;
}

pe_credentials *pe_credentials_new(pe_http_credentials from) {
  pe_credentials *made = calloc(1, sizeof *made);
  if (!made) return NULL;
  if (copy(from.authorization, &made->view.authorization) && copy(from.user, &made->view.user) &&
      copy(from.password, &made->view.password))
    return made;
  pe_credentials_free(made);
  return NULL;
}

void pe_credentials_free(pe_credentials *credentials) {
  if (!credentials) return;
  free((char *)credentials->view.authorization);
  free((char *)credentials->view.user);
  free((char *)credentials->view.password);
  free(credentials);
}

static bool same(const char *a, const char *b) {
  return a && b ? strcmp(a, b) == 0 : a == b;
}

bool pe_credentials_are(const pe_credentials *credentials, pe_http_credentials others) {
  const pe_http_credentials *own = credentials ? &credentials->view : NULL;
  return own && same(own->authorization, others.authorization) && same(own->user, others.user) &&
         same(own->password, others.password);
}

pe_http_credentials pe_credentials_view(const pe_credentials *credentials) {
  return credentials->view;
}
