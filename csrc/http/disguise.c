#include "http/disguise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/base64.h"
#include "http/charset.h"
#include "http/unfold.h"
#include "http/view.h"

enum {
  WORD = 5,       /* what is shorter must be a word of its own */
  LONG = 8,       /* letters and digits, of what is recognised by them alone */
  LOOSE = 5,      /* the same of an encoding: nobody writes such */
  BEGINNING = 12, /* so much of it suffices */
  LONGEST = 4,    /* what a byte becomes, at most: "0x47"; */
  WIDEST = 3      /* and in another encoding: U+20AC for 0x80 */
};

static const pe_needle_rule CUT = {.least = BEGINNING};

void pe_disguises_init(pe_disguises *disguises) {
  pe_needles_init(&disguises->exact);
  pe_needles_init(&disguises->loose);
  disguises->others = NULL;
}

void pe_disguises_cleanup(pe_disguises *disguises) {
  pe_needles_cleanup(&disguises->exact);
  pe_needles_cleanup(&disguises->loose);
}

bool pe_disguises_failed(const pe_disguises *disguises) {
  return disguises->exact.out_of_memory || disguises->loose.out_of_memory;
}

/* ---- one writing each. `room` has LONGEST bytes for each of the secret, and 8 more ---- */

typedef struct plain {
  const char *bytes;
  size_t size;
} plain;

/* By its letters and digits alone, if there are so many. */
static void add_loose(pe_disguises *disguises, plain from, size_t least, pe_needle_rule rule) {
  pe_view all = {0}, solid = {0};

  if (pe_view_init(&all, from.size) && pe_view_init(&solid, from.size)) {
    pe_view_set(&all, from.bytes, from.size);
    pe_view_squeeze(&all, &solid);
    if (solid.size >= least) pe_needles_add(&disguises->loose, (char *)solid.bytes, solid.size, rule);
  } else {
    disguises->loose.out_of_memory = true;
  }
  pe_view_cleanup(&solid);
  pe_view_cleanup(&all);
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
  pe_view views[2] = {{0}};
  size_t now = 0;

  if (!pe_view_init(&views[0], from.size) || !pe_view_init(&views[1], from.size)) {
    disguises->exact.out_of_memory = true;
    goto out;
  }
  pe_view_set(&views[0], from.bytes, from.size);
  while (pe_unfold(&views[now], PE_UNFOLD_ESCAPES, &views[1 - now])) {
    now = 1 - now;
    add_text(disguises, (plain){(char *)views[now].bytes, views[now].size});
  }
out:
  pe_view_cleanup(&views[0]);
  pe_view_cleanup(&views[1]);
}

/* ---- all of them ---- */

/* UTF-8 in Latin-1, and in Windows-1252, as far as these have its characters. */
static size_t to_bytes(plain from, char *out) {
  size_t size = 0;
  for (size_t i = 0, taken; i < from.size; i += taken) {
    long character = 0, byte;
    taken = pe_charset_read((const unsigned char *)from.bytes + i, from.size - i, &character);
    byte = taken > 0 ? pe_charset_to_byte(character) : -1;
    if (byte < 0) taken = 1;
    out[size++] = byte >= 0 ? (char)byte : from.bytes[i];
  }
  return size;
}

/* What a server that takes it for bytes of another encoding writes in UTF-8. */
static size_t misread(plain from, long (*character_of)(unsigned char), char *out) {
  size_t size = 0;
  for (size_t i = 0; i < from.size; i++)
    size += pe_charset_write(character_of((unsigned char)from.bytes[i]), (unsigned char *)out + size);
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

static long plain_letter(long character) {
  long byte = pe_charset_to_byte(character);
  return byte >= 0 ? pe_charset_plain_byte((unsigned char)byte) : pe_charset_plain(character);
}

/* One of ASCII's letters for a character with an accent, and some accent. Of other characters nothing. */
static size_t decompose(long character, char *out, size_t before) {
  long letter = plain_letter(character);
  (void)before; /* nothing of that is changed */
  if (letter <= 0 || letter > 0x7F) return 0;
  out[0] = (char)letter;
  memcpy(out + 1, "\xCC\x80", 2);
  return 3;
}

/* Some character for one of ASCII's letters, which is the byte before, and an accent. */
static size_t compose(long character, char *out, size_t before) {
  if (plain_letter(character) != 0 || before == 0 || (unsigned char)out[-1] >= 0x80) return 0;
  memcpy(out - 1, "\xC3\xBF", 2);
  return 1;
}

/* In other numbers of characters, as Unicode's NFD and NFC are: how many get lost depends on that. `change` writes
 * behind the `before` bytes that are there, and returns how many more there are; 0: the character stays. */
static size_t respell(plain from, size_t (*change)(long character, char *out, size_t before), char *out) {
  size_t size = 0;
  for (size_t i = 0, taken; i < from.size; i += taken) {
    long character = 0;
    size_t changed;
    taken = pe_charset_read((const unsigned char *)from.bytes + i, from.size - i, &character);
    changed = taken > 0 ? change(character, out + size, size) : 0;
    if (taken == 0) taken = 1;
    if (changed == 0) memcpy(out + size, from.bytes + i, taken);
    size += changed > 0 ? changed : taken;
  }
  return size;
}

/* What is left by a server that knows ASCII alone: `mark` stands for each byte that it does not know, or for each
 * character. */
static void add_lost(pe_disguises *disguises, plain from, const char *mark, bool by_byte, char *room) {
  size_t size = 0, kept = 0;
  for (size_t i = 0; i < from.size; i++) {
    unsigned char byte = (unsigned char)from.bytes[i];
    const char *written = byte < 0x80 ? from.bytes + i : mark;
    size_t count = byte < 0x80 ? 1 : by_byte || byte >= 0xC0 ? strlen(mark) : 0;
    memcpy(room + size, written, count);
    size += count;
    kept += byte < 0x80;
  }
  if (kept >= PE_NEEDLE_LEAST) add_text(disguises, (plain){room, size});
}

static void add_lost_in_all_ways(pe_disguises *disguises, plain from, char *room) {
  static const char *const marks[] = {"", "?", "\xEF\xBF\xBD"};
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
    add_lost(disguises, from, marks[i], true, room);
    add_lost(disguises, from, marks[i], false, room);
  }
}

static void add_in_other_charsets(pe_disguises *disguises, plain from, char *other, char *room) {
  add_all(disguises, (plain){other, to_bytes(from, other)}, room);
  add_all(disguises, (plain){other, misread(from, pe_charset_of_latin1, other)}, room);
  add_all(disguises, (plain){other, misread(from, pe_charset_of_windows, other)}, room);
  add_lost_in_all_ways(disguises, from, room);
  add_lost_in_all_ways(disguises, (plain){other, respell(from, decompose, other)}, room);
  add_lost_in_all_ways(disguises, (plain){other, respell(from, compose, other)}, room);
}

static bool is_ascii(plain from) {
  size_t i = 0;
  while (i < from.size && (unsigned char)from.bytes[i] < 0x80)
    i++;
  return i == from.size;
}

void pe_disguises_add_pieces(pe_disguises *disguises, const char *bytes, size_t size) {
  pe_needles_add_pieces(&disguises->exact, bytes, size, BEGINNING);
}

void pe_disguises_add(pe_disguises *disguises, const char *bytes, size_t size) {
  plain from = {bytes, size};
  char *other = malloc(WIDEST * size + 1);
  char *room = malloc(2 * (LONGEST * WIDEST * size + 8));

  if (!other || !room) {
    disguises->exact.out_of_memory = true;
  } else if (size >= PE_NEEDLE_LEAST) {
    add_all(disguises, from, room);
    if (!is_ascii(from)) add_in_other_charsets(disguises, from, other, room);
  }
  free(other);
  free(room);
}
