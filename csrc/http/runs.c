#include "http/runs.h"

#include "http/base64.h"

static const unsigned char BETWEEN = '|'; /* of no run */

enum { LEAST_DIGITS = 6, LEAST_PAIRS = 3, LEAST_SHIFTED = 3, SEPARATORS = 2, CONTROLS = 0x20 };

/* ---- bytes that may be those of UTF-16 ---- */

typedef enum width { BYTES, LITTLE, BIG } width;

/* Where the bytes of a run go: first they are counted, then put. */
typedef struct sink {
  pe_view *out;              /* NULL: to be counted */
  size_t count, controls[2]; /* how many; and of these, how many at even and at odd places no text in bytes has */
  width width;
  unsigned char held; /* the first byte of a pair */
  uint32_t held_from;
} sink;

static void put_pair(sink *into, unsigned char byte, uint32_t from, uint32_t to) {
  long unit = into->width == BIG ? into->held << 8 | byte : byte << 8 | into->held;
  if (into->count % 2 == 0) {
    into->held = byte;
    into->held_from = from;
  } else {
    pe_view_put_character(into->out, unit, into->held_from, to);
  }
}

static void give(sink *into, unsigned char byte, uint32_t from, uint32_t to) {
  if (!into->out)
    into->controls[into->count % 2] += byte < CONTROLS;
  else if (into->width != BYTES)
    put_pair(into, byte, from, to);
  else if (byte != 0)
    pe_view_put(into->out, byte, from, to);
  into->count++;
}

/* Where at least every second unit has a first byte, or a second, that is no text's. UTF-32 is UTF-16 with zeros. */
static width width_of(const sink *counted) {
  size_t units = counted->count / 2, even = counted->controls[0], odd = counted->controls[1];
  if (units == 0 || even == odd) return BYTES;
  if (odd > even) return 2 * odd >= units ? LITTLE : BYTES;
  return 2 * even >= units ? BIG : BYTES;
}

/* Puts what `walk` finds at that place. */
static size_t read_run(const pe_view *in, size_t at, pe_view *out, size_t (*walk)(const pe_view *, size_t, sink *)) {
  sink counting = {.out = NULL}, putting = {.out = out};
  size_t end = walk(in, at, &counting);

  if (end == at) return 0;
  putting.width = width_of(&counting);
  (void)walk(in, at, &putting);
  pe_view_put(out, BETWEEN, in->from[end - 1], in->to[end - 1]);
  return end - at;
}

/* ---- the digits: where they end, which is where they begin if there are too few ---- */

static bool is_break(unsigned char c) {
  return c == '\r' || c == '\n';
}

/* A byte has the digits in which some of its bits are. */
static size_t walk_base64(const pe_view *in, size_t at, sink *into) {
  size_t digits = 0, end = at, before = at;
  unsigned held = 0, bits = 0;

  for (size_t i = at; i < in->size; i++) {
    unsigned value = pe_base64_digit(in->bytes[i]);
    if (is_break(in->bytes[i])) continue;
    if (value == 64) break;
    held = held << 6 | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      give(into, (unsigned char)(held >> bits & 255), in->from[before], in->to[i]);
    }
    before = bits > 0 ? i : i + 1;
    end = i + 1;
    digits++;
  }
  return digits >= LEAST_DIGITS ? end : at;
}

static int hex_digit(const pe_view *in, size_t at) {
  unsigned char c = at < in->size ? in->bytes[at] : 0;
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_prefix(const pe_view *in, size_t at) {
  return at + 1 < in->size && in->bytes[at] == '0' && (in->bytes[at + 1] | 0x20) == 'x';
}

static bool is_separator(unsigned char c) {
  return c == ' ' || c == ':' || c == ',' || c == '-';
}

static size_t skip_separators(const pe_view *in, size_t at) {
  size_t end = at;
  while (end < in->size && end - at < SEPARATORS && is_separator(in->bytes[end]))
    end++;
  return end;
}

static size_t walk_hex(const pe_view *in, size_t at, sink *into) {
  size_t pairs = 0, end = at, place = at;

  while (true) {
    size_t digits = is_prefix(in, place) ? place + 2 : place;
    if (hex_digit(in, digits) < 0 || hex_digit(in, digits + 1) < 0) break;
    give(into, (unsigned char)(hex_digit(in, digits) << 4 | hex_digit(in, digits + 1)), in->from[place],
         in->to[digits + 1]);
    end = digits + 2;
    place = skip_separators(in, end);
    pairs++;
  }
  return pairs >= LEAST_PAIRS ? end : at;
}

size_t pe_runs_base64(const pe_view *in, size_t at, pe_view *out) {
  return pe_base64_digit(in->bytes[at]) < 64 ? read_run(in, at, out, walk_base64) : 0;
}

size_t pe_runs_hex(const pe_view *in, size_t at, pe_view *out) {
  return hex_digit(in, at) >= 0 ? read_run(in, at, out, walk_hex) : 0;
}

/* ---- UTF-7 ---- */

static bool is_shifted(unsigned char c) {
  return c != '-' && c != '_' && pe_base64_digit(c) < 64;
}

/* Puts the units of UTF-16 between the two; a pair of surrogates becomes one character. */
static void put_shifted(const pe_view *in, size_t from, size_t to, pe_view *out) {
  unsigned held = 0, bits = 0;
  long high = 0;

  for (size_t i = from; i < to; i++) {
    long unit;
    held = held << 6 | pe_base64_digit(in->bytes[i]);
    bits += 6;
    if (bits < 16) continue;
    bits -= 16;
    unit = held >> bits & 0xFFFF;
    if (high != 0 && unit >= 0xDC00 && unit <= 0xDFFF) unit = 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00);
    high = unit >= 0xD800 && unit <= 0xDBFF ? unit : 0;
    if (high == 0) pe_view_put_character(out, unit, in->from[from - 1], in->to[to - 1]);
  }
}

size_t pe_runs_utf7(const pe_view *in, size_t at, pe_view *out) {
  size_t end = at + 1;
  bool is_ended, is_plus;

  if (in->bytes[at] != '+') return 0;
  while (end < in->size && is_shifted(in->bytes[end]))
    end++;
  is_ended = end < in->size && in->bytes[end] == '-';
  is_plus = is_ended && end == at + 1; /* "+-" */
  if (!is_plus && end - at <= LEAST_SHIFTED) return 0;
  if (is_plus)
    pe_view_put(out, '+', in->from[at], in->to[end]);
  else
    put_shifted(in, at + 1, end, out);
  return end - at + is_ended;
}
