#include "http/needles.h"

#include <stdlib.h>
#include <string.h>

#include "http/unfold.h"

enum { CEILING = 256 * 1024 };

void pe_needles_init(pe_needles *needles) {
  memset(needles, 0, sizeof *needles);
  pe_buffer_init(&needles->bytes, CEILING);
}

void pe_needles_cleanup(pe_needles *needles) {
  pe_buffer_cleanup(&needles->bytes);
  free(needles->list);
}

/* One bit tells capital letters from small ones, above ASCII too (Latin-1, and the last byte of its UTF-8). */
static inline unsigned char fold(unsigned char byte) {
  if (byte == '+') return ' ';
  return byte >= 0x80 || (byte >= 'A' && byte <= 'Z') ? byte | 0x20 : byte;
}

static inline size_t hash(const unsigned char *first) {
  unsigned all = (unsigned)fold(first[0]) << 16 | (unsigned)fold(first[1]) << 8 | fold(first[2]);
  return all * 2654435761U >> 23; /* Knuth's, to nine bits */
}

static const unsigned char *bytes_of(const pe_needles *needles, const pe_needle *needle) {
  return (const unsigned char *)needles->bytes.data + needle->at;
}

/* How many bytes the two have in common. */
static size_t common(const unsigned char *a, const unsigned char *b, size_t size) {
  size_t count = 0;
  while (count < size && fold(a[count]) == fold(b[count]))
    count++;
  return count;
}

static bool is_there(const pe_needles *needles, const unsigned char *bytes, size_t size) {
  for (size_t i = needles->heads[hash(bytes)]; i > 0; i = needles->list[i - 1].next) {
    const pe_needle *needle = &needles->list[i - 1];
    if (needle->size == size && common(bytes_of(needles, needle), bytes, size) == size) return true;
  }
  return false;
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

void pe_needles_add(pe_needles *needles, const char *bytes, size_t size, pe_needle_rule rule) {
  pe_needle needle = {.at = needles->bytes.size, .size = size, .rule = rule};
  size_t *head;

  if (size < PE_NEEDLE_LEAST || is_there(needles, (const unsigned char *)bytes, size)) return;
  if (!has_room(needles) || pe_buffer_append(&needles->bytes, bytes, size) != PE_OK) {
    needles->out_of_memory = true;
    return;
  }
  if (rule.least == 0 || rule.least > size) needle.rule.least = size;
  head = &needles->heads[hash(bytes_of(needles, &needle))];
  needle.next = *head;
  needles->list[needles->count++] = needle;
  *head = needles->count;
}

/* Whether what stands at that place of the text is a word of its own. */
static bool is_word(const unsigned char *text, size_t size, size_t at, size_t found) {
  if (at > 0 && pe_unfolded_is_solid(text[at - 1])) return false;
  return at + found >= size || !pe_unfolded_is_solid(text[at + found]);
}

const pe_needle *pe_needles_find(const pe_needles *needles, const unsigned char *text, size_t size, size_t at,
                                 size_t *found) {
  const pe_needle *best = NULL;

  if (size - at < PE_NEEDLE_LEAST) return NULL;
  for (size_t i = needles->heads[hash(text + at)]; i > 0; i = needles->list[i - 1].next) {
    const pe_needle *needle = &needles->list[i - 1];
    size_t most = needle->size < size - at ? needle->size : size - at;
    size_t count = common(text + at, bytes_of(needles, needle), most);
    if (count < needle->rule.least || (best && count <= *found)) continue;
    if (needle->rule.is_word && !is_word(text, size, at, count)) continue;
    best = needle;
    *found = count;
  }
  return best;
}
