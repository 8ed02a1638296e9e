/* SHA-256 (FIPS 180-4): by which a file is known again, and from which ids are made that are the same in every run.
 * Plain data, which may be copied: the end of a copy leaves the original to go on. Any thread; a digest belongs to one.
 */
#ifndef PE_SHA256_H
#define PE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { PE_SHA256_BLOCK = 64, PE_SHA256_HEX = 64 };

typedef struct pe_sha256 {
  uint32_t state[8];
  uint64_t size; /* of all that was added, in bytes */
  unsigned char block[PE_SHA256_BLOCK];
} pe_sha256;

void pe_sha256_init(pe_sha256 *digest);

void pe_sha256_add(pe_sha256 *digest, const void *bytes, size_t size);

/* Writes the hash in hexadecimal, and a NUL. The digest is of no use afterwards. */
void pe_sha256_end(pe_sha256 *digest, char hex[PE_SHA256_HEX + 1]);

#endif
