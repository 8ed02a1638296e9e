#include "http/needles.h"

#include <stdlib.h>
#include <string.h>

#include "http/charset.h"
#include "http/view.h"

/* 64 KiB, which is the most that `new` takes of anything, are up to 35 MB in all writings: where they are not ASCII. */
enum { CEILING = 64 * 1024 * 1024 };

void pe_needles_init(pe_needles *needles) {
  memset(needles, 0, sizeof *needles);
  pe_buffer_init(&needles->bytes, CEILING);
  for (unsigned byte = 0; byte < sizeof needles->plain; byte++)
    needles->plain[byte] = byte == '+' || byte == '_' ? ' ' : pe_charset_plain_byte((unsigned char)byte);
}

void pe_needles_cleanup(pe_needles *needles) {
  pe_buffer_cleanup(&needles->bytes);
  free(needles->list);
}

/* Of three bytes in their plain form: Knuth's, to twelve bits. */
static inline size_t hash(uint32_t three) {
  return three * 2654435761U >> 20;
}

/* The three behind a byte more. */
static inline uint32_t shift(const pe_needles *needles, uint32_t three, unsigned char byte) {
  return (three << 8 | needles->plain[byte]) & 0xFFFFFF;
}

static inline uint32_t first_three(const pe_needles *needles, const unsigned char *bytes) {
  return shift(needles, shift(needles, needles->plain[bytes[0]], bytes[1]), bytes[2]);
}

/* Where the list of those begins, number + 1. */
static inline size_t first_of(const pe_needles *needles, size_t hash) {
  bool is_known = needles->begins[hash / 64] >> hash % 64 & 1;
  return is_known ? needles->heads[hash % PE_NEEDLE_HEADS] : 0;
}

static const unsigned char *bytes_of(const pe_needles *needles, const pe_needle *needle) {
  return (const unsigned char *)needles->bytes.data + needle->at;
}

/* How many bytes the two have in common. */
static size_t common(const pe_needles *needles, const unsigned char *a, const unsigned char *b, size_t size) {
  size_t count = 0;
  while (count < size && needles->plain[a[count]] == needles->plain[b[count]])
    count++;
  return count;
}

static pe_needle *look_up(const pe_needles *needles, const unsigned char *bytes, size_t size) {
  for (size_t i = first_of(needles, hash(first_three(needles, bytes))); i > 0; i = needles->list[i - 1].next) {
    pe_needle *needle = &needles->list[i - 1];
    if (needle->size == size && common(needles, bytes_of(needles, needle), bytes, size) == size) return needle;
  }
  return NULL;
}

/* One that is there is found by what suffices for either. */
static void weaken(pe_needle *needle, pe_needle_rule rule) {
  if (rule.least < needle->rule.least) needle->rule.least = rule.least;
  needle->rule.is_word = needle->rule.is_word && rule.is_word;
}

static bool has_room(pe_needles *needles) {
  size_t capacity = needles->capacity * 2 + 16;
  pe_needle *list;
  if (needles->count < needles->capacity) return true;
  list = realloc(needles->list, capacity * sizeof *list);
  if (!list) return false;
  needles->list = list;
  needles->capacity = capacity;
  return true;
}

/* One whose bytes are there. */
static void enter(pe_needles *needles, pe_needle needle) {
  size_t code = hash(first_three(needles, bytes_of(needles, &needle))), *head = &needles->heads[code % PE_NEEDLE_HEADS];
  if (!has_room(needles)) {
    needles->out_of_memory = true;
    return;
  }
  needle.next = *head;
  needles->list[needles->count++] = needle;
  *head = needles->count;
  needles->begins[code / 64] |= UINT64_C(1) << code % 64;
}

void pe_needles_add(pe_needles *needles, const char *bytes, size_t size, pe_needle_rule rule) {
  pe_needle needle = {.at = needles->bytes.size, .size = size, .rule = rule};
  pe_needle *same = size < PE_NEEDLE_LEAST ? NULL : look_up(needles, (const unsigned char *)bytes, size);

  if (rule.least == 0 || rule.least > size) needle.rule.least = size;
  if (same) weaken(same, needle.rule);
  if (same || size < PE_NEEDLE_LEAST) return;
  if (pe_buffer_append(&needles->bytes, bytes, size) == PE_OK)
    enter(needles, needle);
  else
    needles->out_of_memory = true;
}

void pe_needles_add_pieces(pe_needles *needles, const char *bytes, size_t size, size_t least) {
  size_t at = needles->bytes.size;

  if (size <= least || size < PE_NEEDLE_LEAST + 1) return;
  if (look_up(needles, (const unsigned char *)bytes + 1, size - 1)) return; /* they are there */
  if (pe_buffer_append(&needles->bytes, bytes, size) != PE_OK) {
    needles->out_of_memory = true;
    return;
  }
  for (size_t i = 1; i + least <= size && i <= PE_NEEDLE_PIECES; i++)
    enter(needles, (pe_needle){.at = at + i, .size = size - i, .rule = {.least = least}});
}

/* Whether what stands at that place of the text is a word of its own. */
static bool is_word(const unsigned char *text, size_t size, size_t at, size_t found) {
  if (at > 0 && pe_view_is_solid(text[at - 1])) return false;
  return at + found >= size || !pe_view_is_solid(text[at + found]);
}

/* The needle of which most stands there, of those whose first bytes have that hash; NULL: none. */
static const pe_needle *longest(const pe_needles *needles, const unsigned char *text, size_t size, size_t at,
                                size_t code, size_t *found) {
  const pe_needle *best = NULL;

  for (size_t i = first_of(needles, code); i > 0; i = needles->list[i - 1].next) {
    const pe_needle *needle = &needles->list[i - 1];
    size_t most = needle->size < size - at ? needle->size : size - at;
    size_t count = common(needles, text + at, bytes_of(needles, needle), most);
    if (count < needle->rule.least || (best && count <= *found)) continue;
    if (needle->rule.is_word && !is_word(text, size, at, count)) continue;
    best = needle;
    *found = count;
  }
  return best;
}

const pe_needle *pe_needles_find(const pe_needles *needles, const unsigned char *text, size_t size, size_t *at,
                                 size_t *found) {
  const pe_needle *needle = NULL;
  size_t place = *at;
  uint32_t three;

  if (needles->count == 0 || size < place + PE_NEEDLE_LEAST) return NULL;
  three = first_three(needles, text + place);
  while (!(needle = longest(needles, text, size, place, hash(three), found)) && place + PE_NEEDLE_LEAST < size)
    three = shift(needles, three, text[place++ + PE_NEEDLE_LEAST]);
  *at = place;
  return needle;
}
