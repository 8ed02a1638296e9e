/* What the owner's thread leaves for the sender's, and how it is woken: new credentials, submissions, the wish that it
 * ends. One lock, never held across I/O. */
#ifndef PE_INBOX_H
#define PE_INBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/thread.h"
#include "delivery/bounds.h"
#include "delivery/submission.h"
#include "delivery/transport.h"
#include "http/credentials.h"

typedef struct pe_inbox {
  /* guarded by lock */
  pe_mutex lock;
  pe_transport *way;           /* what the sender sleeps in; NULL: it does not run (any more) */
  int64_t finish_by;           /* monotonic; INT64_MAX: go on */
  pe_credentials *credentials; /* owned; new ones, not taken over yet */
  pe_submission *first, *last; /* owned; new ones, the oldest first */
  bool resting;                /* the sender is in its sleep, or about to be */
  /* atomic */
  size_t unanswered; /* submissions, those that were taken too; who answers one takes it off */
  pe_bounds bounds;
} pe_inbox;

/* What the sender takes out; it is the sender's then. */
typedef struct pe_inbox_content {
  pe_credentials *credentials; /* NULL: the old ones stay */
  pe_submission *submissions;  /* the oldest first */
  int64_t finish_by;
} pe_inbox_content;

/* An inbox that is closed. Returns false when a resource is out. */
bool pe_inbox_init(pe_inbox *inbox);

/* Frees credentials that nobody took; pe_inbox_close has left no submission. Nobody else uses it any more. */
void pe_inbox_cleanup(pe_inbox *inbox);

/* The sender that sleeps in `way` (borrowed until pe_inbox_close) is about to start. */
void pe_inbox_open(pe_inbox *inbox, pe_transport *way);

/* ---- any thread but the sender's ---- */

/* Ends the sender's sleep, or the next one. */
void pe_inbox_wake(pe_inbox *inbox);

/* The sender is to end by `deadline`; an earlier wish stays. Wakes it. */
void pe_inbox_ask_to_finish(pe_inbox *inbox, int64_t deadline);

/* Hands over credentials, which are the inbox's then. Wakes the sender. */
void pe_inbox_set_credentials(pe_inbox *inbox, pe_credentials *credentials);

/* Hands over a submission, as pe_sender_submit. Wakes the sender. */
pe_error pe_inbox_submit(pe_inbox *inbox, pe_submission *submission, size_t limit);

/* As pe_sender_allow and pe_sender_silence. */
int64_t pe_inbox_allow(pe_inbox *inbox, int64_t attempts);
void pe_inbox_silence(pe_inbox *inbox, bool silent);

/* ---- the sender's thread ---- */

/* Takes out what there is. */
pe_inbox_content pe_inbox_take(pe_inbox *inbox);

/* The sender is about to sleep, until it takes out again. Returns false where a submission has come: it must not. */
bool pe_inbox_rest(pe_inbox *inbox);

/* Nobody wakes the sender any more, nor hands it anything. Returns the submissions that were left, the caller's. */
pe_submission *pe_inbox_close(pe_inbox *inbox);

#endif
