/* What others decide about the attempts of a sender, and what it lets them know: plain numbers that two threads touch,
 * each by an atomic operation of its own. */
#ifndef PE_BOUNDS_H
#define PE_BOUNDS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct pe_bounds {
  int64_t allowance;  /* attempts of tracked events that may begin yet; below 0: any number */
  bool silent;        /* none may begin, and time stands still for their age */
  int64_t gate_until; /* told by the sender: the platform asked for silence until then (monotonic); 0: it did not */
} pe_bounds;

void pe_bounds_init(pe_bounds *bounds);

/* ---- any thread ---- */

/* Lets so many attempts more begin; before the first call there is no bound. Returns how many may begin now. */
int64_t pe_bounds_allow(pe_bounds *bounds, int64_t attempts);

void pe_bounds_silence(pe_bounds *bounds, bool silent);

int64_t pe_bounds_gate(const pe_bounds *bounds);

/* ---- the sender's thread ---- */

/* Whether an attempt may begin. */
bool pe_bounds_open(const pe_bounds *bounds);

bool pe_bounds_silent(const pe_bounds *bounds);

/* One has begun. */
void pe_bounds_use(pe_bounds *bounds);

void pe_bounds_set_gate(pe_bounds *bounds, int64_t until);

#endif
