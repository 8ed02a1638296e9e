#include "http/disguise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/unfold.h"

enum {
  WORD = 5,       /* what is shorter must be a word of its own */
  LONG = 8,       /* letters and digits, of what is recognised by them alone */
  LOOSE = 5,      /* the same of an encoding: nobody writes such */
  BEGINNING = 12, /* so much of it suffices */
  LONGEST = 4     /* what a byte becomes, at most: "0x47" */
};

static const pe_needle_rule CUT = {.least = BEGINNING};

void pe_disguises_init(pe_disguises *disguises) {
  pe_needles_init(&disguises->exact);
  pe_needles_init(&disguises->loose);
}

void pe_disguises_cleanup(pe_disguises *disguises) {
  pe_needles_cleanup(&disguises->exact);
  pe_needles_cleanup(&disguises->loose);
}

bool pe_disguises_failed(const pe_disguises *disguises) {
  return disguises->exact.out_of_memory || disguises->loose.out_of_memory;
}

/* ---- base64 (RFC 4648, 4) ---- */

static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t pe_base64_encode(const char *bytes, size_t size, char *out) {
  size_t written = 0;
  unsigned held = 0, bits = 0;

  for (size_t i = 0; i < size; i++) {
    held = held << 8 | (unsigned char)bytes[i];
    for (bits += 8; bits >= 6; bits -= 6)
      out[written++] = DIGITS[held >> (bits - 6) & 63];
  }
  if (bits > 0) out[written++] = DIGITS[held << (6 - bits) & 63];
  return written;
}

/* The value of a digit, of base64url (RFC 4648, 5) too; 64: it is none. */
static unsigned digit(char c) {
  const char *found = c != '\0' ? strchr(DIGITS, c) : NULL;
  if (c == '-') return 62;
  if (c == '_') return 63;
  return found ? (unsigned)(found - DIGITS) : 64;
}

size_t pe_base64_decode(const char *text, size_t size, char *out) {
  size_t written = 0;
  unsigned held = 0, bits = 0;

  for (size_t i = 0; i < size && digit(text[i]) < 64; i++) {
    held = held << 6 | digit(text[i]);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out[written++] = (char)(held >> bits & 255);
  }
  return written;
}

/* ---- one writing each. `room` has LONGEST bytes for each of the secret, and 8 more ---- */

typedef struct plain {
  const char *bytes;
  size_t size;
} plain;

/* By its letters and digits alone, if there are so many. */
static void add_loose(pe_disguises *disguises, plain from, size_t least, pe_needle_rule rule) {
  pe_unfolded all, solid;

  if (!pe_unfolded_init(&all, from.bytes, from.size)) goto out;
  if (!pe_unfolded_init(&solid, NULL, from.size)) goto out_of_one;
  pe_unfolded_squeeze(&all, &solid);
  if (solid.size >= least) pe_needles_add(&disguises->loose, (char *)solid.bytes, solid.size, rule);
  pe_unfolded_cleanup(&solid);
  pe_unfolded_cleanup(&all);
  return;
out_of_one:
  pe_unfolded_cleanup(&all);
out:
  disguises->loose.out_of_memory = true;
}

static void add_text(pe_disguises *disguises, plain from) {
  pe_needle_rule rule = CUT;
  rule.is_word = from.size < WORD;
  pe_needles_add(&disguises->exact, from.bytes, from.size, rule);
  add_loose(disguises, from, LONG, CUT);
}

/* Each byte as a number, as loggers print bytes: "47:65", "[71, 101]", "0x47 0x65". */
static void add_numbers(pe_disguises *disguises, plain from, const char *format, char *room) {
  size_t size = 0;
  for (size_t i = 0; i < from.size; i++)
    size += (size_t)snprintf(room + size, LONGEST + 1, format, (unsigned)(unsigned char)from.bytes[i]);
  add_loose(disguises, (plain){room, size}, LOOSE, CUT);
}

/* The secret behind so many bytes. */
static const char *behind(char *out, size_t shift, plain from) {
  memset(out, 0, shift);
  memcpy(out + shift, from.bytes, from.size);
  return out;
}

/* Base64 of a longer text, in which `shift` bytes of a group stand before: the digits that the secret alone decides,
 * and those at its ends that tell some bits of it. */
static void add_base64(pe_disguises *disguises, plain from, size_t shift, char *room) {
  char *digits = room + (shift > 0 ? shift + 1 : 0);
  size_t decided = (shift + from.size) * 8 / 6;
  pe_needle_rule rule = {.least = BEGINNING, .before = shift > 0, .after = (shift + from.size) % 3 != 0};
  char *whole = room + LONGEST * from.size + 8; /* the second half of the room */
  size_t size = pe_base64_encode(behind(whole, shift, from), shift + from.size, room);

  if (size < LOOSE) pe_needles_add(&disguises->exact, room, size, (pe_needle_rule){.is_word = true});
  add_loose(disguises, (plain){digits, decided - (size_t)(digits - room)}, LOOSE, rule);
}

/* By characters, where it is UTF-8. */
static void add_reversed(pe_disguises *disguises, plain from, char *room) {
  for (size_t first = 0, end; first < from.size; first = end) {
    for (end = first + 1; end < from.size && ((unsigned char)from.bytes[end] & 0xC0) == 0x80;)
      end++;
    memcpy(room + from.size - end, from.bytes + first, end - first);
  }
  if (from.size >= WORD) add_text(disguises, (plain){room, from.size});
}

/* As it reads once its own escapes are read, which those in a text are too. */
static void add_read(pe_disguises *disguises, plain from) {
  pe_unfolded view;
  if (!pe_unfolded_init(&view, from.bytes, from.size)) {
    disguises->exact.out_of_memory = true;
    return;
  }
  while (pe_unfolded_read(&view))
    add_text(disguises, (plain){(char *)view.bytes, view.size});
  pe_unfolded_cleanup(&view);
}

/* ---- all of them ---- */

/* Whether two bytes are a character of UTF-8 that Latin-1 has. */
static bool is_pair(plain from, size_t at) {
  unsigned char first = (unsigned char)from.bytes[at];
  return (first == 0xC2 || first == 0xC3) && at + 1 < from.size && ((unsigned char)from.bytes[at + 1] & 0xC0) == 0x80;
}

/* UTF-8 as its characters are escaped: those of Latin-1 by one byte. */
static size_t to_latin1(plain from, char *out) {
  size_t size = 0;
  for (size_t i = 0; i < from.size; i++) {
    bool pair = is_pair(from, i);
    out[size++] = pair ? (char)(((unsigned char)from.bytes[i] & 3) << 6 | (from.bytes[i + 1] & 63)) : from.bytes[i];
    if (pair) i++;
  }
  return size;
}

/* Latin-1, as a server that speaks UTF-8 writes it. */
static size_t to_utf8(plain from, char *out) {
  size_t size = 0;
  for (size_t i = 0; i < from.size; i++) {
    unsigned char byte = (unsigned char)from.bytes[i];
    if (byte >= 0x80) out[size++] = (char)(0xC0 | byte >> 6);
    out[size++] = byte >= 0x80 ? (char)(0x80 | (byte & 63)) : (char)byte;
  }
  return size;
}

void pe_disguises_add_plain(pe_disguises *disguises, const char *secret, size_t size) {
  pe_needles_add(&disguises->exact, secret, size, (pe_needle_rule){.least = 0});
}

static void add_all(pe_disguises *disguises, plain from, char *room) {
  static const char *const formats[] = {"%02x", "0x%02x", "%u", "%03o"};

  add_text(disguises, from);
  add_read(disguises, from);
  add_reversed(disguises, from, room);
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    add_numbers(disguises, from, formats[i], room);
  for (size_t shift = 0; shift < 3; shift++)
    add_base64(disguises, from, shift, room);
}

void pe_disguises_add(pe_disguises *disguises, const char *bytes, size_t size) {
  plain from = {bytes, size};
  char *other = malloc(2 * size + 1);                /* in the other encoding */
  char *room = malloc(2 * (LONGEST * 2 * size + 8)); /* which may be twice as long */
  size_t other_size;

  if (!other || !room) {
    disguises->exact.out_of_memory = true;
  } else if (size >= PE_NEEDLE_LEAST) {
    add_all(disguises, from, room);
    other_size = to_latin1(from, other);
    if (other_size == size) other_size = to_utf8(from, other);
    if (other_size != size) add_all(disguises, (plain){other, other_size}, room);
  }
  free(other);
  free(room);
}
