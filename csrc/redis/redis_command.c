#include "redis/redis_command.h"

#include <string.h>

enum { DIGITS = 24 };

/* Writes the number before `end`, and returns where it begins. printf would cost more than all the rest. */
static char *digits_before(char *end, uint64_t number) {
  do
    *--end = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  return end;
}

/* "*3\r\n" */
static pe_error write_count(pe_buffer *buffer, char kind, size_t count) {
  char text[DIGITS];
  char *end = text + DIGITS;
  char *from;
  end[-2] = '\r';
  end[-1] = '\n';
  from = digits_before(end - 2, count);
  *--from = kind;
  return pe_buffer_append(buffer, from, (size_t)(end - from));
}

pe_error pe_redis_begin(pe_buffer *buffer, size_t words) {
  return write_count(buffer, '*', words);
}

pe_error pe_redis_word(pe_buffer *buffer, const void *bytes, size_t size) {
  pe_error error = pe_buffer_reserve(buffer, size + DIGITS + 2);
  if (error != PE_OK) return error;
  (void)write_count(buffer, '$', size); /* there is room */
  (void)pe_buffer_append(buffer, bytes, size);
  return PE_BUFFER_LITERAL(buffer, "\r\n");
}

pe_error pe_redis_text(pe_buffer *buffer, const char *text) {
  return pe_redis_word(buffer, text, strlen(text));
}

pe_error pe_redis_number(pe_buffer *buffer, int64_t number) {
  char text[DIGITS];
  char *end = text + DIGITS;
  char *from = digits_before(end, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
  if (number < 0) *--from = '-';
  return pe_redis_word(buffer, from, (size_t)(end - from));
}

pe_error pe_redis_command(pe_buffer *buffer, const char *const *texts, size_t count) {
  pe_error error = pe_redis_begin(buffer, count);
  for (size_t i = 0; i < count && error == PE_OK; i++)
    error = pe_redis_text(buffer, texts[i]);
  return error;
}
