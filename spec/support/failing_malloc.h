/* An allocator for a whole program, in which the Nth allocation fails: the program's own, and those of every library in
 * it. Needs glibc. Counting and failing are the calling thread's, or that of all the others; the number of blocks is
 * everyone's. */
#ifndef PE_FAILING_MALLOC_H
#define PE_FAILING_MALLOC_H

#include <stdbool.h>

/* The nth allocation from now on fails, once; 0: none does. */
void failing_malloc_at(long n);

/* From the nth on, `count` allocations fail that other threads than the calling one make; n = 0: none does. */
void failing_malloc_elsewhere_at(long n, long count);

/* Ends both. Returns whether an allocation has failed since. */
bool failing_malloc_end(void);

/* The blocks that are not freed. */
long failing_malloc_live(void);

#endif
