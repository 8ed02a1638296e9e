/* A reply reads the same with a blank behind it: the short way and jansson agree. The input is a body. */
#include "policy/reply.h"

#include "fuzz.h"

static const int64_t codes[] = {1100, 7300};
static const long statuses[] = {200, 400, 403, 503};

static bool same_text(const char *a, size_t a_size, const char *b, size_t b_size) {
  return !a == !b && a_size == b_size && (!a || memcmp(a, b, a_size) == 0);
}

static void compare(long status, const char *body, const char *with_blank, size_t size) {
  const pe_accept accept = {codes, 2};
  pe_reply ours, theirs;
  pe_error error, other;
  pe_verdict verdict = pe_reply_read(status, body, size, accept, &error, &ours);

  CLAIM(verdict == pe_reply_read(status, with_blank, size + 1, accept, &other, &theirs));
  CLAIM(error == other);
  CLAIM((verdict == PE_VERDICT_DELIVERED) == (error == PE_OK));
  CLAIM(ours.has_status == theirs.has_status);
  CLAIM(ours.status_code == theirs.status_code);
  CLAIM(same_text(ours.message, ours.message_size, theirs.message, theirs.message_size));
  CLAIM(same_text(ours.request_id, ours.request_id_size, theirs.request_id, theirs.request_id_size));
  pe_reply_cleanup(&ours);
  pe_reply_cleanup(&theirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *body = fuzz_copy(data, size);
  char *with_blank = malloc(size + 1);

  if (!with_blank) abort();
  if (size > 0) memcpy(with_blank, data, size);
  with_blank[size] = ' ';
  for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
    compare(statuses[i], body, with_blank, size);
  free(with_blank);
  free(body);
  return 0;
}
