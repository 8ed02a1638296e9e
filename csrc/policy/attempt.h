/* One attempt to deliver an event: what the transfer brought, and what it means. Any thread. */
#ifndef PE_ATTEMPT_H
#define PE_ATTEMPT_H

#include "http/http.h"
#include "policy/reply.h"

/* The caller's storage, which serves one attempt after another: pe_attempt_init before the first, pe_attempt_cleanup
 * after the last. */
typedef struct pe_attempt {
  pe_http_result transfer; /* raw; its message is "" when a reply came */
  pe_reply reply;          /* may point into the transfer's body */
  pe_error error;          /* PE_OK: delivered */
  pe_verdict verdict;      /* what is to become of the event */
  int64_t retry_after;     /* nanoseconds that the reply asks to wait, at most 300 s; 0: none */
} pe_attempt;

void pe_attempt_init(pe_attempt *attempt);
void pe_attempt_cleanup(pe_attempt *attempt);

/* Gives back what a large reply took, its texts included, until the next attempt. */
void pe_attempt_forget(pe_attempt *attempt);

/* Reads what `transfer` brought and fills the rest. A reply that broke off, but whose status says that the event was
 * not taken, is one whose body cannot be used: `transfer` says so afterwards. */
void pe_attempt_judge(pe_attempt *attempt, pe_accept accept);

/* Whether the event may have arrived, though the attempt was judged to have failed: it left, and nobody who could know
 * said that it was not taken. docs/reference/codes.md has the table. */
bool pe_attempt_may_have_arrived(const pe_attempt *attempt);

/* Fills it for an attempt that could not begin: nothing was sent. */
void pe_attempt_fail(pe_attempt *attempt, pe_error error);

#endif
