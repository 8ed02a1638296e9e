/* What every descriptor of ours is like, and whether there are any left. Any thread. */
#ifndef PE_DESCRIPTOR_H
#define PE_DESCRIPTOR_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>

/* Makes it one that no program which the host starts inherits, and that nobody waits for. Returns whether it is. */
static inline bool pe_descriptor_prepare(int descriptor) {
  int flags = fcntl(descriptor, F_GETFL);
  return flags >= 0 && fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 &&
         fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0;
}

#define PE_NO_DESCRIPTORS "the process has no file descriptors left (ulimit -n)"

/* Whether that is what an error of the system means. */
static inline bool pe_descriptor_was_missing(int error) {
  return error == EMFILE || error == ENFILE;
}

/* Asks the system, where something failed that may have failed for want of them. */
bool pe_descriptors_are_scarce(void);

#endif
