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
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "failing_malloc.h"
#include "lua_compat.h"

int luaopen_postevent_core(lua_State *L);

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
  bool raised, failed;

  luaL_openlibs(L);
  preload_core(L);
  if (luaL_loadfile(L, script) != 0 || (lua_pushstring(L, url), lua_pcall(L, 1, 1, 0)) != 0) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    exit(2);
  }
  lua_pushinteger(L, (lua_Integer)n);
  failing_malloc_at(n);
  raised = lua_pcall(L, 1, 1, 0) != 0;
  failed = failing_malloc_end();
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
  for (long n = 1; before = failing_malloc_live(), run(argv[1], argv[2], n); n++) {
    if (failing_malloc_live() == before) continue;
    fprintf(stderr, "allocation %ld: %ld blocks leaked\n", n, failing_malloc_live() - before);
    return 3;
  }
  return 0;
}
