#include "http/view.h"

#include <stdlib.h>

#include "http/charset.h"

enum { CHARACTER_MAX = 0x10FFFF, SHARP_S = 0xDF };

bool pe_view_init(pe_view *view, size_t room) {
  view->size = 0;
  view->room = room;
  view->from = malloc(room * (2 * sizeof *view->from + sizeof *view->bytes) + 1);
  if (!view->from) return false;
  view->to = view->from + room;
  view->bytes = (unsigned char *)(view->to + room);
  return true;
}

void pe_view_cleanup(pe_view *view) {
  free(view->from);
}

void pe_view_put(pe_view *view, unsigned char byte, uint32_t from, uint32_t to) {
  if (view->size == view->room) return;
  view->bytes[view->size] = byte;
  view->from[view->size] = from;
  view->to[view->size++] = to;
}

void pe_view_set(pe_view *view, const char *text, size_t size) {
  view->size = 0;
  for (size_t i = 0; i < size; i++)
    pe_view_put(view, (unsigned char)text[i], (uint32_t)i, (uint32_t)i + 1);
}

/* The character as a byte, if it is one somewhere, or in its plain form; 0: nothing is left of it. */
static long reduce(long character) {
  long byte = character <= CHARACTER_MAX ? pe_charset_to_byte(character) : character & 0xFF;
  return byte >= 0 ? byte : pe_charset_plain(character);
}

void pe_view_put_character(pe_view *view, long character, uint32_t from, uint32_t to) {
  long reduced = reduce(character);
  unsigned char bytes[PE_UTF8_LONGEST] = {(unsigned char)reduced, 's'};
  size_t count = 1;

  if (reduced == 0) count = 0;
  if (reduced == 0 && view->size > 0) view->to[view->size - 1] = to;
  if (reduced == SHARP_S) bytes[0] = 's', count = 2; /* as it is in capitals */
  if (reduced > 0xFF) count = pe_charset_write(reduced, bytes);
  for (size_t i = 0; i < count; i++)
    pe_view_put(view, bytes[i], from, to);
}

bool pe_view_is_solid(unsigned char byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || byte >= 0x80;
}

void pe_view_squeeze(const pe_view *view, pe_view *squeezed) {
  squeezed->size = 0;
  for (size_t i = 0; i < view->size; i++)
    if (pe_view_is_solid(view->bytes[i])) pe_view_put(squeezed, view->bytes[i], (uint32_t)i, (uint32_t)i + 1);
}
