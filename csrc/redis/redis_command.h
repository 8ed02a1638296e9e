/* Commands in the words of Redis's protocol (RESP). Each function appends, and returns what pe_buffer_append does. Any
 * thread. */
#ifndef PE_REDIS_COMMAND_H
#define PE_REDIS_COMMAND_H

#include <stdint.h>

#include "base/buffer.h"

/* A command of so many words follows. */
pe_error pe_redis_begin(pe_buffer *buffer, size_t words);

pe_error pe_redis_word(pe_buffer *buffer, const void *bytes, size_t size);
pe_error pe_redis_text(pe_buffer *buffer, const char *text); /* NUL-terminated */
pe_error pe_redis_number(pe_buffer *buffer, int64_t number);

/* A whole command of `count` texts. */
pe_error pe_redis_command(pe_buffer *buffer, const char *const *texts, size_t count);

#endif
