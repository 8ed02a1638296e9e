/* Random bytes from the operating system, and the ids and jitter made of them.
 * Nothing is buffered, so a forked child never repeats its parent. Any thread. */
#ifndef PE_RANDOM_H
#define PE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

enum { PE_UUID_LENGTH = 36 };

/* Fills `bytes`, at most 256 of them. Cannot fail: where the system has no entropy to give, a weak source (the clock
 * and an address) takes its place, good enough for ids and jitter, which are not secrets. */
void pe_random_bytes(void *bytes, size_t size);

/* A number in [0, 1), evenly spread. */
double pe_random_unit(void);

/* Writes a UUIDv7 (RFC 9562, 5.7) of that wall time (nanoseconds since 1970): 36 characters and a NUL. */
void pe_random_uuid7(char text[PE_UUID_LENGTH + 1], int64_t wall_now);

#endif
