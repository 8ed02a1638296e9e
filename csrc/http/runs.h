/* Text in digits: base64, hexadecimal, and the sequences of UTF-7, all of bytes, or of UTF-16 and UTF-32 where they
 * look like that. Each function reads what begins at a place of a view, puts what it means into another, and returns
 * how many bytes it has; 0: there is none. Any thread. */
#ifndef PE_RUNS_H
#define PE_RUNS_H

#include "http/view.h"

/* Base64 or base64url of at least six digits, however its lines are broken. */
size_t pe_runs_base64(const pe_view *in, size_t at, pe_view *out);

/* At least three pairs: "706173", "70:61:73", "0x70, 0x61, 0x73". */
size_t pe_runs_hex(const pe_view *in, size_t at, pe_view *out);

/* "+AOQ-" (RFC 2152). */
size_t pe_runs_utf7(const pe_view *in, size_t at, pe_view *out);

#endif
