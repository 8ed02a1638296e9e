/* Texts that are searched for, many at once: a needle is found by its first three bytes. Letters' case makes no
 * difference, nor do accents that are one byte with their letter, nor "+" or "_" for a blank (forms; RFC 2047, 4.2).
 * Filled by one thread, then immutable; any thread.
 */
#ifndef PE_NEEDLES_H
#define PE_NEEDLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

enum { PE_NEEDLE_LEAST = 3, PE_NEEDLE_HEADS = 512, PE_NEEDLE_BITS = 4096 };

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
  unsigned char plain[256];             /* what is made no difference of */
  size_t heads[PE_NEEDLE_HEADS];        /* number + 1 */
  uint64_t begins[PE_NEEDLE_BITS / 64]; /* a bit for each beginning: asked first, as it stays in the cache */
  bool out_of_memory;                   /* something could not be added */
} pe_needles;

void pe_needles_init(pe_needles *needles);
void pe_needles_cleanup(pe_needles *needles);

/* Adds a copy. One that is there already is found by what suffices for either rule. What is shorter than
 * PE_NEEDLE_LEAST is left out; and all beyond 64 MiB, which counts as out of memory. */
void pe_needles_add(pe_needles *needles, const char *bytes, size_t size, pe_needle_rule rule);

/* Adds each piece of it that has at least `least` bytes: what a server has cut at its beginning. The first
 * PE_NEEDLE_PIECES beginnings of such are known. What is no longer than that is left out. */
enum { PE_NEEDLE_PIECES = 1024 };
void pe_needles_add_pieces(pe_needles *needles, const char *bytes, size_t size, size_t least);

/* The first place of a text from *at on where a needle stands, and of those there the one of which most does. Moves *at
 * there; *found is the size of what was found of it. NULL: there is none. */
const pe_needle *pe_needles_find(const pe_needles *needles, const unsigned char *text, size_t size, size_t *at,
                                 size_t *found);

#endif
