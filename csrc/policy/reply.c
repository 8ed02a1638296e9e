#include "policy/reply.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/ascii.h"

/* The documented reply is two deep; jansson, which recurses, would go 2,048 deep on whatever stack there is. */
enum { DEPTH_MAX = 32 };

enum { PAGE_MAX = 160 }; /* characters of a page that is no JSON */

enum { UNABLE_TO_ADD_FEED = 7301 }; /* platform.md: the platform's own trouble, not the event's */

void pe_reply_prepare(void) {
  json_object_seed(0); /* by chance, as it would itself */
}

void pe_reply_init(pe_reply *reply) {
  memset(reply, 0, sizeof *reply);
}

void pe_reply_cleanup(pe_reply *reply) {
  json_decref(reply->document);
  pe_reply_init(reply);
}

/* ---- the reply as the platform writes it ---- */

typedef struct cursor {
  const char *at;
  const char *end;
} cursor;

static bool take(cursor *in, const char *literal) {
  size_t size = strlen(literal);
  if ((size_t)(in->end - in->at) < size || memcmp(in->at, literal, size) != 0) return false;
  in->at += size;
  return true;
}

/* Up to nine digits that do not begin with 0. */
static bool take_code(cursor *in, int64_t *code) {
  const char *first = in->at;
  *code = 0;
  while (in->at < in->end && in->at - first < 9 && *in->at >= '0' && *in->at <= '9')
    *code = *code * 10 + (*in->at++ - '0');
  return in->at > first && *first != '0';
}

/* A string of printable ASCII without escapes, up to its closing quote, which is taken too. */
static bool take_text(cursor *in, const char **text, size_t *size) {
  const char *first = in->at;
  while (in->at < in->end && *in->at >= ' ' && *in->at <= '~' && *in->at != '"' && *in->at != '\\')
    in->at++;
  *text = first;
  *size = (size_t)(in->at - first);
  return take(in, "\"");
}

/* Reads the documented reply when it is exactly as documented, which costs a twentieth of a look at every JSON there
 * may be. Whatever differs by a byte is left to jansson. */
static bool read_documented(const char *body, size_t size, pe_reply *reply) {
  cursor in = {body, body + size};
  return take(&in, "{\"status\":{\"code\":") && take_code(&in, &reply->status_code) && take(&in, ",\"message\":\"") &&
         take_text(&in, &reply->message, &reply->message_size) && take(&in, "},\"requestId\":\"") &&
         take_text(&in, &reply->request_id, &reply->request_id_size) && take(&in, "}") && in.at == in.end;
}

/* ---- any other JSON ---- */

/* The first byte behind the string that begins at `at`, or the end. */
static const char *skip_string(const char *at, const char *end) {
  for (at++; at < end && *at != '"'; at++)
    if (*at == '\\') at++;
  return at < end ? at + 1 : end;
}

/* Whether brackets stand in more than DEPTH_MAX others. Of what is not JSON too much may be said, which harms nobody.
 */
static bool is_deep(const char *body, size_t size) {
  const char *end = body + size;
  int depth = 0;
  for (const char *at = body; at < end && depth <= DEPTH_MAX;) {
    if (*at == '[' || *at == '{') depth++;
    if (*at == ']' || *at == '}') depth--;
    at = *at == '"' ? skip_string(at, end) : at + 1;
  }
  return depth > DEPTH_MAX;
}

/* A code may come as text ("1100"): digits only, and few enough to fit. */
static bool read_digits(const char *text, size_t size, int64_t *code) {
  int64_t value = 0;
  if (size == 0 || size > 18) return false;
  for (size_t i = 0; i < size; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (text[i] - '0');
  }
  *code = value;
  return true;
}

static bool read_code(const json_t *value, int64_t *code) {
  if (json_is_integer(value)) {
    *code = json_integer_value(value);
    return true;
  }
  if (json_is_real(value)) {
    double real = json_real_value(value);
    if (!(fabs(real) < 1e15) || real != floor(real)) return false;
    *code = (int64_t)real;
    return true;
  }
  return json_is_string(value) && read_digits(json_string_value(value), json_string_length(value), code);
}

/* Text, or absent; any other type is not the documented reply. */
static bool read_text(const json_t *value, const char **text, size_t *size) {
  if (!value || json_is_null(value)) return true;
  if (!json_is_string(value)) return false;
  *text = json_string_value(value);
  *size = json_string_length(value);
  return true;
}

/* True when the body is the documented reply. */
static bool read_json(const char *body, size_t size, pe_reply *reply) {
  const json_t *status;

  pe_reply_init(reply); /* of what read_documented left */
  if (!is_deep(body, size)) reply->document = json_loadb(body, size, JSON_ALLOW_NUL, NULL);
  status = json_object_get(reply->document, "status");
  if (!json_is_object(status)) { /* a gateway's own answer, {"message": "Forbidden"}, is worth showing */
    (void)read_text(json_object_get(reply->document, "message"), &reply->message, &reply->message_size);
    return false;
  }
  if (!read_code(json_object_get(status, "code"), &reply->status_code)) return false;
  reply->has_status = true;
  return read_text(json_object_get(status, "message"), &reply->message, &reply->message_size) &&
         read_text(json_object_get(reply->document, "requestId"), &reply->request_id, &reply->request_id_size);
}

/* ---- what is no JSON ---- */

/* Behind the first such text, whatever its letters' case; NULL: there is none. */
static const char *find_behind(cursor in, const char *wanted) {
  size_t size = strlen(wanted);
  for (; (size_t)(in.end - in.at) >= size; in.at++)
    if (pe_ascii_begins(in.at, wanted, size)) return in.at + size;
  return NULL;
}

bool pe_reply_is_page(const pe_reply *reply) {
  return !reply->document && !reply->has_status;
}

/* "400 The plain HTTP request was sent to HTTPS port". Printable ASCII, as far as it goes. */
void pe_reply_read_page(const char *body, size_t size, pe_reply *reply) {
  cursor in = {body, body + size};
  const char *title = find_behind(in, "<title>");

  if (title) in.at = title;
  while (in.at < in.end && (*in.at == ' ' || *in.at == '\n' || *in.at == '\r' || *in.at == '\t'))
    in.at++;
  reply->message = in.at;
  while (in.at < in.end && *in.at >= ' ' && *in.at <= '~' && *in.at != '<' && in.at - reply->message < PAGE_MAX)
    in.at++;
  while (in.at > reply->message && in.at[-1] == ' ')
    in.at--;
  reply->message_size = (size_t)(in.at - reply->message);
  if (reply->message_size > 0 && !strchr("{[", *reply->message)) return;
  reply->message = NULL; /* nothing, or JSON that is broken */
  reply->message_size = 0;
}

static bool accepted(int64_t code, pe_accept accept) {
  for (size_t i = 0; i < accept.count; i++)
    if (accept.codes[i] == code) return true;
  return false;
}

static pe_verdict read_success(const pe_reply *reply, bool documented, pe_accept accept, pe_error *error) {
  if (!documented) {
    *error = PE_BAD_REPLY;
    return PE_VERDICT_HOLD;
  }
  if (accepted(reply->status_code, accept)) {
    *error = PE_OK;
    return PE_VERDICT_DELIVERED;
  }
  *error = reply->status_code == UNABLE_TO_ADD_FEED ? PE_UNAVAILABLE : PE_REJECTED;
  return *error == PE_REJECTED ? PE_VERDICT_REJECTED : PE_VERDICT_RETRY;
}

static pe_verdict read_failure(long http_status, bool is_json, pe_error *error) {
  switch (http_status) {
  case 401:
  case 403:
  case 407: *error = PE_UNAUTHORIZED; return PE_VERDICT_HOLD;
  case 400: /* a gateway's page is about the address: http to a TLS port, a missing client certificate */
    *error = is_json ? PE_REJECTED : PE_ENDPOINT;
    return is_json ? PE_VERDICT_REJECTED : PE_VERDICT_HOLD;
  case 409:
  case 413:
  case 422: *error = PE_REJECTED; return PE_VERDICT_REJECTED;
  case 429: *error = PE_RATE_LIMITED; return PE_VERDICT_RETRY;
  case 408:
  case 425: *error = PE_UNAVAILABLE; return PE_VERDICT_RETRY;
  case 501:
  case 505: *error = PE_ENDPOINT; return PE_VERDICT_HOLD;
  default:
    *error = http_status >= 500 ? PE_UNAVAILABLE : PE_ENDPOINT;
    return http_status >= 500 ? PE_VERDICT_RETRY : PE_VERDICT_HOLD;
  }
}

pe_verdict pe_reply_read(long http_status, const char *body, size_t size, pe_accept accept, pe_error *error,
                         pe_reply *reply) {
  bool documented = false;

  pe_reply_init(reply);
  if (body) {
    reply->has_status = documented = read_documented(body, size, reply);
    if (!documented) documented = read_json(body, size, reply);
  }
  if (http_status >= 200 && http_status <= 299) return read_success(reply, documented, accept, error);
  return read_failure(http_status, documented || reply->document, error);
}
