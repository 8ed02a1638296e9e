/* The body of a request while it arrives: bytes that grow up to a ceiling. Part of sandbox_httpd.c, which is the only
 * one to include it: the sandbox is a module of its own, and shares no code with the core. */
#ifndef PE_SANDBOX_BODY_H
#define PE_SANDBOX_BODY_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_CEILING = 10 * 1024 * 1024 /* as the platform's gateway */, FIRST_CAPACITY = 4096 };

typedef struct sandbox_body {
  char *data; /* owned; NULL until the first byte */
  size_t size, capacity;
  bool too_long; /* what came was thrown away, and the rest will be: the peer must be able to read the reply */
} sandbox_body;

/* Frees the bytes. The body is empty afterwards. */
static void body_cleanup(sandbox_body *body) {
  free(body->data);
  memset(body, 0, sizeof *body);
}

/* By how much the memory grows where so many bytes are appended; 0 for those that are too many. */
static size_t body_growth(const sandbox_body *body, size_t more) {
  size_t capacity = body->capacity ? body->capacity : FIRST_CAPACITY;

  if (body->too_long || more > BODY_CEILING - body->size || more <= body->capacity - body->size) return 0;
  while (capacity < body->size + more)
    capacity *= 2; /* ends: the sum is at most BODY_CEILING */
  return (capacity < BODY_CEILING ? capacity : BODY_CEILING) - body->capacity;
}

static bool body_reserve(sandbox_body *body, size_t more) {
  size_t growth = body_growth(body, more);
  char *data;

  if (growth == 0) return true;
  data = realloc(body->data, body->capacity + growth);
  if (!data) return false;
  body->data = data;
  body->capacity += growth;
  return true;
}

/* Appends a copy of the bytes, or forgets all of them where they become too many. Returns false when memory is out, and
 * the body is as it was. */
static bool body_append(sandbox_body *body, const char *bytes, size_t size) {
  if (body->too_long) return true;
  if (size > BODY_CEILING - body->size) {
    body_cleanup(body);
    body->too_long = true;
    return true;
  }
  if (!body_reserve(body, size)) return false;
  memcpy(body->data + body->size, bytes, size);
  body->size += size;
  return true;
}

#endif
