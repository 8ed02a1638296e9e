/* How alike two names are, for "did you mean". Pure; any thread. */
#ifndef PE_SIMILAR_H
#define PE_SIMILAR_H

#include <stddef.h>

enum { PE_SIMILAR_MAX_SIZE = 64 }; /* longer names are never compared */

/* The number of characters to insert, delete, replace or swap with their neighbour to make `a` into `b`, without
 * regard to case (ASCII), '_' and '-' alike; or a number above `limit` when there are more, or a name is too long. */
size_t pe_similar_distance(const char *a, size_t a_size, const char *b, size_t b_size, size_t limit);

#endif
