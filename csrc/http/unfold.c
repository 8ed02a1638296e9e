#include "http/unfold.h"

#include <string.h>

#include "http/escape.h"
#include "http/runs.h"

static size_t put_escape(const pe_view *in, size_t at, pe_escape escape, pe_view *out) {
  if (escape.taken > 0) pe_view_put_character(out, escape.value, in->from[at], in->to[at + escape.taken - 1]);
  return escape.taken;
}

static size_t read_escape(const pe_view *in, size_t at, pe_view *out) {
  return put_escape(in, at, pe_escape_read(in->bytes + at, in->size - at), out);
}

/* The end of a line that goes on belongs to neither side: behind "=" in base64 it is the end of a line and no more. */
static size_t read_quoted(const pe_view *in, size_t at, pe_view *out) {
  pe_escape escape = pe_escape_read_quoted(in->bytes + at, in->size - at);
  return escape.value == 0 ? escape.taken : put_escape(in, at, escape, out);
}

static const struct {
  size_t (*read)(const pe_view *in, size_t at, pe_view *out);
  bool keeps_others; /* what stands between */
} WAYS[PE_UNFOLDINGS] = {
    {read_escape, true}, {read_quoted, true}, {pe_runs_base64, false}, {pe_runs_hex, false}, {pe_runs_utf7, true}};

/* Most texts have no escape of a kind at all, which is found sooner than read. */
static bool may_have(const pe_view *in, pe_unfolding way) {
  size_t at = 0;
  if (way == PE_UNFOLD_QUOTED) return memchr(in->bytes, '=', in->size) != NULL;
  if (way == PE_UNFOLD_UTF7) return memchr(in->bytes, '+', in->size) != NULL;
  if (way != PE_UNFOLD_ESCAPES) return true;
  while (at < in->size && !pe_escape_may_begin(in->bytes[at]))
    at++;
  return at < in->size;
}

bool pe_unfold(const pe_view *in, pe_unfolding way, pe_view *out) {
  bool any = false;

  out->size = 0;
  if (!may_have(in, way)) return false;
  for (size_t at = 0; at < in->size;) {
    size_t taken = WAYS[way].read(in, at, out);
    if (taken == 0 && WAYS[way].keeps_others) pe_view_put(out, in->bytes[at], in->from[at], in->to[at]);
    any = any || taken > 0;
    at += taken > 0 ? taken : 1;
  }
  return any;
}
