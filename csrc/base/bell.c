#include "base/bell.h"

#include <stdint.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/eventfd.h>
#else
#include "base/descriptor.h"
#endif

bool pe_bell_init(pe_bell *bell) {
#if defined(__linux__)
  bell->ends[0] = bell->ends[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return bell->ends[0] >= 0;
#else
  bell->ends[0] = bell->ends[1] = -1;
  return pipe(bell->ends) == 0 && pe_descriptor_prepare(bell->ends[0]) && pe_descriptor_prepare(bell->ends[1]);
#endif
}

void pe_bell_cleanup(pe_bell *bell) {
  if (bell->ends[0] >= 0) (void)close(bell->ends[0]);
  if (bell->ends[1] >= 0 && bell->ends[1] != bell->ends[0]) (void)close(bell->ends[1]);
  bell->ends[0] = bell->ends[1] = -1;
}

int pe_bell_descriptor(const pe_bell *bell) {
  return bell->ends[0];
}

void pe_bell_ring(const pe_bell *bell) {
  const uint64_t once = 1;                         /* the size that an eventfd wants */
  (void)!write(bell->ends[1], &once, sizeof once); /* a full one rings already */
}

void pe_bell_silence(const pe_bell *bell) {
  uint64_t bytes[8];
  (void)!read(bell->ends[0], bytes, sizeof bytes); /* what a pipe may hold beyond that ends the next sleep */
}
