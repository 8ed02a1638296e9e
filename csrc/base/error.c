#include "base/error.h"

#include <stddef.h>

static const struct {
  const char *name;
  const char *text;
} errors[PE_ERROR_COUNT] = {
    [PE_OK] = {"ok", "no error"},
    [PE_INVALID_EVENT] = {"invalid_event", "the event is not valid"},
    [PE_TOO_LARGE] = {"too_large", "the event is larger than max_event_bytes"},
    [PE_NO_MEMORY] = {"no_memory", "out of memory"},
    [PE_QUEUE_FULL] = {"queue_full", "the queue is full"},
    [PE_CLOSED] = {"closed", "the client is closed"},
    [PE_FILTERED] = {"filtered", "before_send returned nil, or the mode changed meanwhile"},
    [PE_WITHDRAWN] = {"withdrawn", "set_mode threw away what was pending"},
    [PE_SPOOL] = {"spool", "the event could not be written to the spool"},
    [PE_UNREACHABLE] = {"unreachable", "the platform could not be reached"},
    [PE_TLS] = {"tls", "no secure connection could be made"},
    [PE_TIMEOUT] = {"timeout", "time ran out"},
    [PE_INTERRUPTED] = {"interrupted", "the connection broke after sending began; the event may have arrived"},
    [PE_UNAUTHORIZED] = {"unauthorized", "the credentials were not accepted"},
    [PE_ENDPOINT] = {"endpoint", "the address does not take events; check the url"},
    [PE_REJECTED] = {"rejected", "the platform refused this event"},
    [PE_RATE_LIMITED] = {"rate_limited", "the platform asks to send more slowly"},
    [PE_UNAVAILABLE] = {"unavailable", "the platform cannot take events now"},
    [PE_BAD_REPLY] = {"bad_reply", "the answer is not the platform's: whether the event arrived is not known"},
};

const char *pe_error_name(pe_error error) {
  return errors[error].name;
}

const char *pe_error_text(pe_error error) {
  return errors[error].text;
}

const char *pe_error_text_of(pe_error error, long http_status) {
  if (error == PE_UNAUTHORIZED && http_status == 403)
    return "the credentials were not accepted, or the path in the url is wrong";
  if (error == PE_UNAUTHORIZED && http_status == 407) return "the proxy did not accept its credentials";
  if (error == PE_ENDPOINT && http_status == 431) return "the request's headers are too long; check `headers`";
  return pe_error_text(error);
}
