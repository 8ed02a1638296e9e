#include "base/descriptor.h"

#include <sys/socket.h>
#include <unistd.h>

enum { ENOUGH = 8 }; /* what a transfer takes at most: its sockets, a name's, what wakes libcurl and us */

static int open_one(void) {
  int made = socket(AF_UNIX, SOCK_DGRAM, 0);
  if (made >= 0) (void)pe_descriptor_prepare(made);
  return made;
}

bool pe_descriptors_are_scarce(void) {
  int held[ENOUGH];
  int count = 0;
  bool scarce = false;

  for (; count < ENOUGH && !scarce; count++) {
    held[count] = open_one();
    scarce = held[count] < 0 && pe_descriptor_was_missing(errno);
  }
  while (count-- > 0)
    if (held[count] >= 0) (void)close(held[count]);
  return scarce;
}
