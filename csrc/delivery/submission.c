#include "delivery/submission.h"

#include <stdlib.h>
#include <string.h>

pe_request *pe_request_new(pe_waker *waker, uint64_t number, const char *body, size_t size) {
  pe_request *request = malloc(offsetof(pe_request, body) + size);

  if (!request) return NULL;
  memset(request, 0, offsetof(pe_request, body));
  request->number = number;
  request->waker = pe_waker_share(waker);
  pe_post_result_init(&request->result);
  request->size = size;
  memcpy(request->body, body, size);
  return request;
}

void pe_request_free(pe_request *request) {
  if (!request) return;
  pe_post_result_cleanup(&request->result);
  pe_waker_release(request->waker);
  free(request);
}
