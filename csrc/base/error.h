/* The error codes of the library, their names for programs and their texts for people.
 * Owns no state; any thread. */
#ifndef PE_ERROR_H
#define PE_ERROR_H

#include <stdbool.h>

typedef enum pe_error {
  PE_OK,
  /* nothing was queued or sent */
  PE_INVALID_EVENT,
  PE_TOO_LARGE,
  PE_NO_MEMORY,
  PE_QUEUE_FULL,
  PE_CLOSED,
  PE_FILTERED,
  PE_WITHDRAWN, /* or an attempt before that failed */
  PE_SPOOL,     /* it could not be written to disk */
  PE_UNREACHABLE,
  PE_TLS,
  /* the event may have arrived */
  PE_TIMEOUT,
  PE_INTERRUPTED,
  /* the platform, or something that speaks for it, answered */
  PE_UNAUTHORIZED,
  PE_ENDPOINT,
  PE_REJECTED,
  PE_RATE_LIMITED,
  PE_UNAVAILABLE,
  PE_BAD_REPLY,
  PE_ERROR_COUNT
} pe_error;

/* What became of one attempt ("design.md", Was it sent?). */
typedef enum pe_sent { PE_SENT_NO, PE_SENT_MAYBE, PE_SENT_YES } pe_sent;

/* The code as a program reads it: "invalid_event". Static storage. */
const char *pe_error_name(pe_error error);

/* The code as a person reads it: "the event is not valid". Static storage. */
const char *pe_error_text(pe_error error);

/* The same where an HTTP status (0: none) says more: of 403, 407, 431. Static storage. */
const char *pe_error_text_of(pe_error error, long http_status);

#endif
