/* What becomes of an accepted event ("design.md", The way of an event). No code, no state. */
#ifndef PE_OUTCOME_H
#define PE_OUTCOME_H

typedef enum pe_outcome {
  PE_DELIVERED, /* the platform has it */
  PE_RELAYED,   /* a stream of Redis has it, from which others deliver */
  PE_REJECTED_BY_PLATFORM,
  PE_EXPIRED, /* too old to be sent */
  PE_DROPPED, /* to make room, by the policy that the user chose */
  PE_UNKNOWN, /* it may have arrived, and the user chose not to send it again */
  PE_OUTCOME_COUNT
} pe_outcome;

/* The outcome as a program reads it: "delivered". Static storage. */
static inline const char *pe_outcome_name(pe_outcome outcome) {
  static const char *const names[PE_OUTCOME_COUNT] = {"delivered", "relayed", "rejected",
                                                      "expired",   "dropped", "unknown"};
  return names[outcome];
}

#endif
