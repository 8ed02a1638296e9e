#include "sandbox/sandbox_ring.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char CLASS[] = "postevent.sandbox.ring";

typedef struct record {
  size_t at, size;
} record;

typedef struct ring {
  /* immutable */
  size_t max_count, max_bytes;
  /* owned; NULL until the first record. The system gives a page when it is first written to */
  record *records; /* number n stands at n % max_count */
  char *bytes;
  /* the records are first to last; last + 1 == first: there is none */
  size_t first, last;
  size_t end, used; /* where the next byte goes, and how many are taken */
} ring;

static ring *check_ring(lua_State *L) {
  return luaL_checkudata(L, 1, CLASS);
}

static void drop_oldest(ring *self) {
  self->used -= self->records[self->first % self->max_count].size;
  self->first++;
}

static void release(ring *self) {
  free(self->records);
  free(self->bytes);
  self->records = NULL;
  self->bytes = NULL;
  self->first = self->last + 1;
  self->end = self->used = 0;
}

static void reserve(lua_State *L, ring *self) {
  if (!self->records) self->records = calloc(self->max_count, sizeof *self->records);
  if (!self->bytes) self->bytes = malloc(self->max_bytes);
  if (!self->records || !self->bytes) luaL_error(L, "not enough memory");
}

/* `size` is at most max_bytes. */
static void append(ring *self, const char *text, size_t size) {
  size_t straight = self->max_bytes - self->end < size ? self->max_bytes - self->end : size;

  memcpy(self->bytes + self->end, text, straight);
  memcpy(self->bytes, text + straight, size - straight);
  self->end = (self->end + size) % self->max_bytes;
}

static size_t size_of_arguments(lua_State *L) {
  size_t sum = 0;
  for (int i = 2; i <= lua_gettop(L); i++) {
    size_t size;
    (void)luaL_checklstring(L, i, &size);
    sum += size;
  }
  return sum;
}

static int ring_add(lua_State *L) {
  ring *self = check_ring(L);
  size_t size = size_of_arguments(L);

  reserve(L, self);
  if (size > self->max_bytes) {
    self->last++;
    release(self);
    return 0;
  }
  while (self->used + size > self->max_bytes || self->last + 1 - self->first >= self->max_count)
    drop_oldest(self);
  self->last++;
  self->records[self->last % self->max_count] = (record){self->end, size};
  for (int i = 2; i <= lua_gettop(L); i++) {
    size_t part;
    const char *text = lua_tolstring(L, i, &part);
    append(self, text, part);
  }
  self->used += size;
  return 0;
}

static int ring_read(lua_State *L) {
  const ring *self = check_ring(L);
  lua_Number number = luaL_checknumber(L, 2), from = luaL_checknumber(L, 3), to = luaL_checknumber(L, 4);
  record found;
  size_t at, size, straight;

  if (!(number >= (lua_Number)self->first && number <= (lua_Number)self->last)) return 0;
  found = self->records[(size_t)number % self->max_count];
  luaL_argcheck(L, from >= 1 && from <= to + 1 && to <= (lua_Number)found.size, 3, "not in the record");
  at = (found.at + (size_t)from - 1) % self->max_bytes;
  size = (size_t)to + 1 - (size_t)from;
  straight = self->max_bytes - at < size ? self->max_bytes - at : size;
  lua_pushlstring(L, self->bytes + at, straight);
  if (straight == size) return 1;
  lua_pushlstring(L, self->bytes, size - straight);
  lua_concat(L, 2);
  return 1;
}

static int ring_bounds(lua_State *L) {
  const ring *self = check_ring(L);
  lua_pushnumber(L, (lua_Number)self->first);
  lua_pushnumber(L, (lua_Number)self->last);
  return 2;
}

static int ring_clear(lua_State *L) {
  release(check_ring(L));
  return 0;
}

int sandbox_ring_new(lua_State *L) {
  lua_Number max_count = luaL_checknumber(L, 1), max_bytes = luaL_checknumber(L, 2);
  ring *self;

  luaL_argcheck(L, max_count >= 1 && max_count <= 1e9, 1, "not a count");
  luaL_argcheck(L, max_bytes >= 1 && max_bytes <= (lua_Number)(SIZE_MAX / 4), 2, "not a size");
  self = lua_newuserdata(L, sizeof *self);
  *self = (ring){.max_count = (size_t)max_count, .max_bytes = (size_t)max_bytes, .first = 1};
  luaL_getmetatable(L, CLASS);
  lua_setmetatable(L, -2);
  return 1;
}

void sandbox_ring_register(lua_State *L) {
  static const luaL_Reg methods[] = {{"add", ring_add},     {"read", ring_read},  {"bounds", ring_bounds},
                                     {"clear", ring_clear}, {"__gc", ring_clear}, {NULL, NULL}};

  luaL_newmetatable(L, CLASS);
  pe_lua_setfuncs(L, methods);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
