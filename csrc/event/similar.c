#include "event/similar.h"

#include <stdbool.h>

#include "base/ascii.h"

static char fold(char c) {
  return c == '-' ? '_' : pe_ascii_lower(c);
}

static size_t min2(size_t a, size_t b) {
  return a < b ? a : b;
}

/* Optimal string alignment: rows[i][j] is what makes the first i bytes of `a` into the first j of `b`. Three rows are
 * kept, and in each the cells that are `limit` from the diagonal at most: all others are above it. */
typedef struct table {
  const char *a, *b; /* folded */
  size_t b_size, limit;
  size_t *before, *last, *row;
} table;

/* Fills row `i` from the two before it. Returns the least of it; no row behind it has less. */
static size_t fill_row(const table *t, size_t i) {
  size_t from = i > t->limit ? i - t->limit : 1;
  size_t to = min2(i + t->limit, t->b_size);
  size_t least;
  char x = t->a[i - 1];

  least = t->row[from - 1] = from == 1 ? i : t->limit + 1;
  for (size_t j = from; j <= to; j++) {
    bool is_same = x == t->b[j - 1];
    size_t edits = min2(min2(t->last[j], t->row[j - 1]) + 1, t->last[j - 1] + !is_same);
    if (!is_same && i > 1 && j > 1 && x == t->b[j - 2] && t->a[i - 2] == t->b[j - 1])
      edits = min2(edits, t->before[j - 2] + 1);
    t->row[j] = edits;
    least = min2(least, edits);
  }
  if (to < t->b_size) t->row[to + 1] = t->limit + 1; /* the next row looks there */
  return least;
}

size_t pe_similar_distance(const char *a, size_t a_size, const char *b, size_t b_size, size_t limit) {
  char folded[2][PE_SIMILAR_MAX_SIZE];
  size_t rows[3][PE_SIMILAR_MAX_SIZE + 1];
  table t = {folded[0], folded[1], b_size, min2(limit, PE_SIMILAR_MAX_SIZE), rows[0], rows[1], rows[2]};

  if (a_size > PE_SIMILAR_MAX_SIZE || b_size > PE_SIMILAR_MAX_SIZE) return limit + 1;
  if ((a_size > b_size ? a_size - b_size : b_size - a_size) > limit) return limit + 1;
  for (size_t i = 0; i < a_size; i++)
    folded[0][i] = fold(a[i]);
  for (size_t j = 0; j < b_size; j++)
    folded[1][j] = fold(b[j]);
  for (size_t j = 0; j <= b_size; j++)
    t.last[j] = j;
  for (size_t i = 1; i <= a_size; i++) {
    size_t *spare = t.before;
    if (fill_row(&t, i) > limit) return limit + 1;
    t.before = t.last;
    t.last = t.row;
    t.row = spare;
  }
  return t.last[b_size];
}
