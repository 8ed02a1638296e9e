#include "delivery/bounds.h"

void pe_bounds_init(pe_bounds *bounds) {
  *bounds = (pe_bounds){.allowance = -1};
}

int64_t pe_bounds_allow(pe_bounds *bounds, int64_t attempts) {
  int64_t left = __atomic_load_n(&bounds->allowance, __ATOMIC_RELAXED);
  int64_t sum;
  do
    sum = left < 0 ? attempts : left + attempts;
  while (!__atomic_compare_exchange_n(&bounds->allowance, &left, sum, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  return sum;
}

void pe_bounds_silence(pe_bounds *bounds, bool silent) {
  __atomic_store_n(&bounds->silent, silent, __ATOMIC_RELAXED);
}

int64_t pe_bounds_gate(const pe_bounds *bounds) {
  return __atomic_load_n(&bounds->gate_until, __ATOMIC_RELAXED);
}

bool pe_bounds_open(const pe_bounds *bounds) {
  return !pe_bounds_silent(bounds) && __atomic_load_n(&bounds->allowance, __ATOMIC_RELAXED) != 0;
}

bool pe_bounds_silent(const pe_bounds *bounds) {
  return __atomic_load_n(&bounds->silent, __ATOMIC_RELAXED);
}

/* Nobody else takes any away: what was seen above 0 stays there until this. */
void pe_bounds_use(pe_bounds *bounds) {
  if (__atomic_load_n(&bounds->allowance, __ATOMIC_RELAXED) > 0)
    (void)__atomic_sub_fetch(&bounds->allowance, 1, __ATOMIC_RELAXED);
}

void pe_bounds_set_gate(pe_bounds *bounds, int64_t until) {
  __atomic_store_n(&bounds->gate_until, until, __ATOMIC_RELAXED);
}
