/* Writes JSON values (RFC 8259): numbers, strings, strict UTF-8 (RFC 3629). Knows no Lua and no nesting; whoever walks
 * the value writes the brackets. Every function appends to `out` and returns
 *   PE_OK;
 *   PE_INVALID_EVENT: JSON cannot carry the value (not UTF-8, not finite);
 *   PE_TOO_LARGE or PE_NO_MEMORY: from the buffer;
 * on an error `out` may hold a part of the value: the caller cuts it back to where it began. Any thread. */
#ifndef PE_JSON_WRITER_H
#define PE_JSON_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/* A string in quotes. Only what must be escaped is: quotes, backslash, U+0000 to U+001F. */
pe_error pe_json_write_string(pe_buffer *out, const char *text, size_t size);

/* Every digit. */
pe_error pe_json_write_integer(pe_buffer *out, int64_t value);

/* The shortest of 15, 16 or 17 digits that reads back as the same double; an integral value up to 2^53 as an integer;
 * minus zero as 0; a point, whatever the host's locale. */
pe_error pe_json_write_number(pe_buffer *out, double value);

#endif
