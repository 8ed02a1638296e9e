/* A host that embeds Lua and the core, and in which the Nth allocation fails: any of Lua's, ours, libcurl's, jansson's.
 *
 *   failing_host SCRIPT URL
 *
 * SCRIPT is run with URL in a fresh Lua state and returns a function; that is called with N while the Nth allocation
 * from then on fails, once; N goes up until a call needs fewer. For each N a line: N, then what the function returned
 * ("text"), or "raised" and the message. A block that is not freed once the state is closed ends the host with
 * status 3. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lua_compat.h"

int luaopen_postevent_core(lua_State *L);

/* glibc's own, under the names that it keeps for those who replace malloc. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void __libc_free(void *block);

static __thread long countdown; /* 0: nothing fails */
static __thread bool failed;
static atomic_long live; /* blocks; libcurl may start a thread to look up a name */

static bool fails(void) {
  if (countdown == 0 || --countdown > 0) return false;
  failed = true;
  return true;
}

PE_EXPORT void *malloc(size_t size) {
  void *block = fails() ? NULL : __libc_malloc(size);
  live += block != NULL;
  return block;
}

PE_EXPORT void *calloc(size_t count, size_t size) {
  void *block = fails() ? NULL : __libc_calloc(count, size);
  live += block != NULL;
  return block;
}

PE_EXPORT void *realloc(void *old, size_t size) {
  void *block = fails() ? NULL : __libc_realloc(old, size);
  live += !old && block;
  live -= old && !block && size == 0;
  return block;
}

PE_EXPORT void free(void *block) {
  live -= block != NULL;
  __libc_free(block);
}

static void preload_core(lua_State *L) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "preload");
  lua_pushcfunction(L, luaopen_postevent_core);
  lua_setfield(L, -2, "postevent.core");
  lua_pop(L, 2);
}

/* One state, one call of the script's function with its Nth allocation failing. Returns whether one failed. */
static bool run(const char *script, const char *url, long n) {
  lua_State *L = luaL_newstate();
  bool raised;

  luaL_openlibs(L);
  preload_core(L);
  if (luaL_loadfile(L, script) != 0 || (lua_pushstring(L, url), lua_pcall(L, 1, 1, 0)) != 0) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    exit(2);
  }
  lua_pushinteger(L, (lua_Integer)n);
  failed = false;
  countdown = n;
  raised = lua_pcall(L, 1, 1, 0) != 0;
  countdown = 0;
  printf("%ld %s%s\n", n, raised ? "raised " : "", lua_isstring(L, -1) ? lua_tostring(L, -1) : "?");
  lua_close(L);
  return failed;
}

static void *do_nothing(void *unused) {
  return unused;
}

/* What glibc allocates for the first thread and keeps for the next. */
static void warm_up_threads(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, do_nothing, NULL) == 0) pthread_join(thread, NULL);
}

int main(int argc, char **argv) {
  long before;
  if (argc != 3) return 2;
  setvbuf(stdout, NULL, _IOLBF, 0); /* its buffer is allocated now */
  warm_up_threads();
  run(argv[1], argv[2], 0); /* what libraries allocate once and keep */
  run(argv[1], argv[2], 0);
  for (long n = 1; before = live, run(argv[1], argv[2], n); n++) {
    if (live == before) continue;
    fprintf(stderr, "allocation %ld: %ld blocks leaked\n", n, live - before);
    return 3;
  }
  return 0;
}
