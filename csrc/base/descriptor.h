/* What every descriptor of ours is like. */
#ifndef PE_DESCRIPTOR_H
#define PE_DESCRIPTOR_H

#include <fcntl.h>
#include <stdbool.h>

/* Makes it one that no program which the host starts inherits, and that nobody waits for. Returns whether it is. */
static inline bool pe_descriptor_prepare(int descriptor) {
  int flags = fcntl(descriptor, F_GETFL);
  return flags >= 0 && fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 &&
         fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0;
}

#endif
