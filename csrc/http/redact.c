#include "http/redact.h"

#include <stdlib.h>
#include <string.h>

#include "http/unfold.h"
#include "http/view.h"

enum {
  LAYERS = 3, /* a server that quotes what another has quoted */
  READINGS = 12,
  LEAST_WORK = 32 * 1024 /* bytes, of which the smallest text is worth so many */
};

static const char HIDDEN[] = "***";
enum { HIDDEN_SIZE = sizeof HIDDEN - 1 };

/* A text and what of it is to be hidden. */
typedef struct search {
  const pe_disguises *wanted;
  pe_view layers[LAYERS + 1]; /* the first is the text; each of the others, what the one before it stands for */
  pe_view solid;
  bool *hidden; /* for each byte of the text */
  size_t work;  /* bytes that may still be looked at */
} search;

static void mark(search *in, size_t from, size_t to) {
  memset(in->hidden + from, true, to - from);
}

static void find_exact(search *in, const pe_view *view, const pe_needles *needles) {
  size_t found;
  for (size_t at = 0; pe_needles_find(needles, view->bytes, view->size, &at, &found); at += found)
    mark(in, view->from[at], view->to[at + found - 1]);
}

/* In letters and digits: with what stands between them, and with the neighbours that tell of the needle's ends. */
static void find_loose(search *in, const pe_view *view, const pe_needles *needles) {
  const pe_view *solid = &in->solid;
  const pe_needle *needle;
  size_t found;

  for (size_t at = 0; (needle = pe_needles_find(needles, solid->bytes, solid->size, &at, &found)); at += found) {
    size_t first = solid->from[at], last = solid->from[at + found - 1];
    if (needle->rule.before && at > 0 && solid->to[at - 1] == first) first--;
    if (needle->rule.after && at + found < solid->size && solid->from[at + found] == last + 1) last++;
    mark(in, view->from[first], view->to[last]);
  }
}

static void spend(search *in, size_t bytes) {
  in->work -= bytes < in->work ? bytes : in->work;
}

static void find_here(search *in, const pe_view *view) {
  pe_view_squeeze(view, &in->solid);
  for (const pe_disguises *list = in->wanted; list; list = list->others) {
    find_exact(in, view, &list->exact);
    find_loose(in, view, &list->loose);
  }
  spend(in, view->size);
}

/* Looks below the layer, `depth` layers down and nowhere between. Returns whether there was anything. */
static bool find_below(search *in, size_t layer, size_t depth) {
  bool any = depth == 0;

  if (any) find_here(in, &in->layers[layer]);
  for (pe_unfolding way = 0; depth > 0 && way < PE_UNFOLDINGS && in->work > 0; way++) {
    spend(in, in->layers[layer].size);
    if (pe_unfold(&in->layers[layer], way, &in->layers[layer + 1])) any = find_below(in, layer + 1, depth - 1) || any;
  }
  return any;
}

/* The outer layers come first: most servers write one. */
static void find_all(search *in) {
  size_t depth = 0;
  while (depth <= LAYERS && find_below(in, 0, depth))
    depth++;
}

/* Puts HIDDEN for each run of what is hidden, which is no shorter. */
static size_t replace(const bool *hidden, char *text, size_t size) {
  size_t out = 0;
  for (size_t in = 0; in < size; in++) {
    if (!hidden[in]) {
      text[out++] = text[in];
    } else if (in == 0 || !hidden[in - 1]) {
      memcpy(text + out, HIDDEN, HIDDEN_SIZE);
      out += HIDDEN_SIZE;
    }
  }
  return out;
}

/* What a layer stands for may have an eighth more bytes. */
static bool has_memory(search *in, size_t size) {
  bool all = true;
  for (size_t i = 0; i <= LAYERS; i++)
    all = pe_view_init(&in->layers[i], size + size / 2 + LAYERS) && all;
  all = pe_view_init(&in->solid, size + size / 2 + LAYERS) && all;
  in->hidden = calloc(size + 1, sizeof *in->hidden);
  return all && in->hidden;
}

size_t pe_redact(const pe_disguises *disguises, char *text, size_t size) {
  search in = {.wanted = disguises, .work = READINGS * size + LEAST_WORK};
  size_t left = 0;

  if (has_memory(&in, size)) {
    pe_view_set(&in.layers[0], text, size);
    find_all(&in);
    left = replace(in.hidden, text, size);
  }
  free(in.hidden);
  pe_view_cleanup(&in.solid);
  for (size_t i = 0; i <= LAYERS; i++)
    pe_view_cleanup(&in.layers[i]);
  return left;
}
