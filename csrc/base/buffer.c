#include "base/buffer.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 512 };

void pe_buffer_init(pe_buffer *buffer, size_t ceiling) {
  memset(buffer, 0, sizeof *buffer);
  buffer->ceiling = ceiling;
}

void pe_buffer_cleanup(pe_buffer *buffer) {
  free(buffer->data);
  pe_buffer_init(buffer, buffer->ceiling);
}

pe_error pe_buffer_grow(pe_buffer *buffer, size_t more) {
  size_t capacity = buffer->capacity;
  size_t needed;
  char *data;

  if (more > buffer->ceiling - buffer->size) return PE_TOO_LARGE;
  needed = buffer->size + more;
  if (needed <= capacity) return PE_OK;
  if (capacity == 0) capacity = buffer->ceiling < FIRST_CAPACITY ? buffer->ceiling : FIRST_CAPACITY;
  while (capacity < needed)
    capacity = capacity > buffer->ceiling / 2 ? buffer->ceiling : capacity * 2;
  data = realloc(buffer->data, capacity);
  if (!data) return PE_NO_MEMORY;
  buffer->data = data;
  buffer->capacity = capacity;
  return PE_OK;
}
