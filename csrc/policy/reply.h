/* An HTTP reply (status and body) -> what it means and what it says. Reads JSON with jansson, on any thread. */
#ifndef PE_REPLY_H
#define PE_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef enum pe_verdict { PE_VERDICT_DELIVERED, PE_VERDICT_REJECTED, PE_VERDICT_RETRY, PE_VERDICT_HOLD } pe_verdict;

/* The documented reply (platform.md, Post Event). The texts live as long as both the document and the body that was
 * read; they are not NUL-terminated. */
typedef struct pe_reply {
  void *document;      /* jansson's, owned; NULL where there is none, or the body itself could serve */
  bool has_status;     /* a status.code was there */
  int64_t status_code; /* 1100: queued */
  const char *message; /* status.message, or a gateway's message, or a page's title; NULL when absent or null */
  size_t message_size;
  const char *request_id; /* NULL when absent or null */
  size_t request_id_size;
} pe_reply;

/* The status codes that count as delivered. Borrowed. */
typedef struct pe_accept {
  const int64_t *codes;
  size_t count;
} pe_accept;

/* Reads a reply that has come. `body` is NULL where it is known to be unusable (cut off, too long, wrong encoding).
 * `body` outlives *reply. Sets *error to PE_OK for PE_VERDICT_DELIVERED, to the code otherwise, and fills *reply with
 * what there is of the document; the caller ends with pe_reply_cleanup. Out of memory counts as a body that cannot be
 * read. */
pe_verdict pe_reply_read(long http_status, const char *body, size_t size, pe_accept accept, pe_error *error,
                         pe_reply *reply);

/* Whether what was read is no JSON, if there was anything. */
bool pe_reply_is_page(const pe_reply *reply);

/* Fills in the message of a reply that is a page: its title, or the first line of a text is worth showing. `body`, the
 * same or what may be shown of it, outlives *reply. */
void pe_reply_read_page(const char *body, size_t size, pe_reply *reply);

/* What jansson does at its first object, while other threads wait for it: a child of a fork in that moment would wait
 * for ever. Within pe_worker_prepare. */
void pe_reply_prepare(void);

void pe_reply_init(pe_reply *reply);
void pe_reply_cleanup(pe_reply *reply);

#endif
