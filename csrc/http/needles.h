/* Texts that are searched for, many at once: a needle is found by its first three bytes. Letters' case makes no
 * difference, nor does "+" for a blank. Filled by one thread, then immutable; any thread. */
#ifndef PE_NEEDLES_H
#define PE_NEEDLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

enum { PE_NEEDLE_LEAST = 3, PE_NEEDLE_HEADS = 512 };

/* How a needle is to be found. */
typedef struct pe_needle_rule {
  size_t least; /* so many bytes of it suffice: a server may cut what it quotes. 0: all */
  bool is_word; /* no letter or digit may stand around it */
  bool before;  /* the bytes around tell of its ends, */
  bool after;   /* and are hidden with it */
} pe_needle_rule;

typedef struct pe_needle {
  size_t at, size; /* in `bytes` */
  pe_needle_rule rule;
  size_t next; /* with the same hash; its number + 1 */
} pe_needle;

typedef struct pe_needles {
  pe_buffer bytes;
  pe_needle *list; /* owned */
  size_t count, capacity;
  size_t heads[PE_NEEDLE_HEADS]; /* number + 1 */
  bool out_of_memory;            /* something could not be added */
} pe_needles;

void pe_needles_init(pe_needles *needles);
void pe_needles_cleanup(pe_needles *needles);

/* Adds a copy. What is shorter than PE_NEEDLE_LEAST, or there already, is left out; and all beyond 256 KiB, which
 * counts as out of memory. */
void pe_needles_add(pe_needles *needles, const char *bytes, size_t size, pe_needle_rule rule);

/* The needle of which most stands at that place of a text; its size is what was found of it. NULL: none. */
const pe_needle *pe_needles_find(const pe_needles *needles, const unsigned char *text, size_t size, size_t at,
                                 size_t *found);

#endif
