/* A number that goes into a type which may be too narrow for it. Any thread. */
#ifndef PE_NUMBER_H
#define PE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/* `value`, 0 or more and whole, as a size: SIZE_MAX where it is greater (4 GiB on a machine of 32 bits). For limits:
 * what the machine cannot address is as good as none. */
static inline size_t pe_number_to_size(double value) {
  return value < (double)SIZE_MAX ? (size_t)value : SIZE_MAX;
}

#endif
