/* Wakes a thread that sleeps in poll(): once rung, a descriptor can be read until it is silenced. */
#ifndef PE_BELL_H
#define PE_BELL_H

#include <stdbool.h>

typedef struct pe_bell {
  int ends[2]; /* what is written to [1] can be read from [0]; an eventfd is both. -1: none */
} pe_bell;

/* Returns false when there is no descriptor left; pe_bell_cleanup is legal then, too. */
bool pe_bell_init(pe_bell *bell);

void pe_bell_cleanup(pe_bell *bell);

/* What to wait for: readable while the bell rings. */
int pe_bell_descriptor(const pe_bell *bell);

/* Rings until it is silenced, however often it is called. Does not wait. Any thread. */
void pe_bell_ring(const pe_bell *bell);

/* The thread that was woken. */
void pe_bell_silence(const pe_bell *bell);

#endif
