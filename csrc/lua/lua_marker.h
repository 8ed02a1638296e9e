/* What JSON libraries for Lua mean by a value that is no plain table, text or number: the empty array, a null of their
 * own. Only values that are rare are asked about. The owner's thread. */
#ifndef PE_LUA_MARKER_H
#define PE_LUA_MARKER_H

#include <stdbool.h>

#include "lua/lua_compat.h"

typedef enum pe_lua_marker {
  PE_MARKER_NONE,        /* it says nothing of itself */
  PE_MARKER_ARRAY,       /* an array, though it is empty */
  PE_MARKER_EMPTY_ARRAY, /* the same, but only while it is empty */
  PE_MARKER_OBJECT,      /* an object, though it is empty */
  PE_MARKER_FOREIGN      /* a value that stands for something to another library, its null above all */
} pe_lua_marker;

/* Whether it makes an array of an empty table. */
static inline bool pe_lua_marker_is_array(pe_lua_marker marker) {
  return marker == PE_MARKER_ARRAY || marker == PE_MARKER_EMPTY_ARRAY;
}

enum { PE_MARKERS_MAX = 64 };

/* What loaded modules have as their markers, to be asked about many values: they are looked for once, when the first is
 * asked about. Good for as long as no Lua runs. */
typedef struct pe_lua_markers {
  bool looked;
  int count;
  struct pe_lua_known_marker {
    const void *at; /* identity alone: nothing keeps it alive */
    int type;
    pe_lua_marker marker;
    const char *module; /* its key in package.loaded; NULL: that is no text */
    const char *field;
  } list[PE_MARKERS_MAX]; /* what is beyond is not known; usual are five */
} pe_lua_markers;

void pe_lua_markers_init(pe_lua_markers *markers);

/* What the value at `index` is. Calls no metamethod. */
pe_lua_marker pe_lua_marker_of(lua_State *L, pe_lua_markers *markers, int index);

/* What the metatable of the value at `index` says of it by itself. Costs little where it has none. */
pe_lua_marker pe_lua_marker_said(lua_State *L, int index);

/* Pushes where a loaded module has the value at `index`, "dkjson.null"; or "a value of another library". */
void pe_lua_marker_push_name(lua_State *L, pe_lua_markers *markers, int index);

/* core.markers() -> a table whose keys are the tables that loaded modules have as their markers, and as the metatables
 * of their arrays. */
int pe_lua_marker_list(lua_State *L);

#endif
