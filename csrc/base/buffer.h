/* A growing byte buffer with a mandatory ceiling. The caller's storage; one thread at a time. */
#ifndef PE_BUFFER_H
#define PE_BUFFER_H

#include <stddef.h>
#include <string.h>

#include "base/error.h"

typedef struct pe_buffer {
  char *data; /* owned; NULL until the first byte; never NUL-terminated */
  size_t size;
  size_t capacity;
  size_t ceiling; /* `size` never exceeds it */
} pe_buffer;

/* Makes an empty buffer that holds at most `ceiling` bytes. Allocates nothing, cannot fail. */
void pe_buffer_init(pe_buffer *buffer, size_t ceiling);

/* Frees the bytes. The buffer is empty afterwards and may be used again. */
void pe_buffer_cleanup(pe_buffer *buffer);

/* Makes room for `more` bytes behind `size`.
 * Returns PE_OK; or PE_TOO_LARGE or PE_NO_MEMORY, and the buffer is as it was. */
pe_error pe_buffer_grow(pe_buffer *buffer, size_t more);

static inline pe_error pe_buffer_reserve(pe_buffer *buffer, size_t more) {
  return more <= buffer->capacity - buffer->size ? PE_OK : pe_buffer_grow(buffer, more);
}

/* Appends `size` bytes. Returns as pe_buffer_grow does; on an error nothing was appended. */
static inline pe_error pe_buffer_append(pe_buffer *buffer, const void *bytes, size_t size) {
  pe_error error = pe_buffer_reserve(buffer, size);
  if (error == PE_OK && size > 0) {
    memcpy(buffer->data + buffer->size, bytes, size);
    buffer->size += size;
  }
  return error;
}

static inline pe_error pe_buffer_append_byte(pe_buffer *buffer, char byte) {
  pe_error error = pe_buffer_reserve(buffer, 1);
  if (error == PE_OK) buffer->data[buffer->size++] = byte;
  return error;
}

/* Appends a string literal. */
#define PE_BUFFER_LITERAL(buffer, literal) pe_buffer_append((buffer), "" literal, sizeof(literal) - 1)

#endif
