#include "event/similar.h"

static char fold(char c) {
  if (c >= 'A' && c <= 'Z') return (char)(c - 'A' + 'a');
  return c == '-' ? '_' : c;
}

static size_t min3(size_t a, size_t b, size_t c) {
  size_t least = a < b ? a : b;
  return least < c ? least : c;
}

/* Optimal string alignment, three rows. */
size_t pe_similar_distance(const char *a, size_t a_size, const char *b, size_t b_size, size_t limit) {
  size_t rows[3][PE_SIMILAR_MAX_SIZE + 1];
  size_t *before = rows[0], *last = rows[1], *row = rows[2];

  if (a_size > PE_SIMILAR_MAX_SIZE || b_size > PE_SIMILAR_MAX_SIZE) return limit + 1;
  if ((a_size > b_size ? a_size - b_size : b_size - a_size) > limit) return limit + 1;
  for (size_t j = 0; j <= b_size; j++)
    before[j] = last[j] = j;
  for (size_t i = 1; i <= a_size; i++) {
    size_t *spare = before;
    row[0] = i;
    for (size_t j = 1; j <= b_size; j++) {
      char x = fold(a[i - 1]), y = fold(b[j - 1]);
      row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y));
      if (i > 1 && j > 1 && x == fold(b[j - 2]) && y == fold(a[i - 2]) && before[j - 2] + 1 < row[j])
        row[j] = before[j - 2] + 1;
    }
    before = last;
    last = row;
    row = spare;
  }
  return last[b_size];
}
