/* A host that embeds Lua and the core, and in which the Nth allocation fails: any of Lua's, ours, libcurl's, jansson's.
 *
 *   failing_host SCRIPT URL [COUNT STEP [LAST]]
 *
 * SCRIPT is run with URL in a fresh Lua state and returns a function; that is called with N while the Nth allocation
 * from then on fails, once; N goes up until a call needs fewer. For each N a line: N, then what the function returned
 * ("text"), or "raised" and the message. A block that is not freed once the state is closed ends the host with
 * status 3.
 *
 * With COUNT it is the allocations of all other threads that fail, so many from the Nth on, and N goes up by STEP. With
 * LAST it goes no further, and blocks may stay: OpenSSL 3.0 loses some where it reads a certificate and memory is out,
 * and libcurl 7.88 breaks its session cache behind the handshake. */
#include <dirent.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/thread.h"
#include "failing_malloc.h"
#include "lua/lua_compat.h"

int luaopen_postevent_core(lua_State *L);

static void preload_core(lua_State *L) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "preload");
  lua_pushcfunction(L, luaopen_postevent_core);
  lua_setfield(L, -2, "postevent.core");
  lua_pop(L, 2);
}

/* Where LuaJIT compiles, libgcc registers the new code's frames, and writes to what malloc did not give it. */
static void stop_compiling(lua_State *L) {
  if (luaL_dostring(L, "if jit then jit.off() end") != 0) exit(2);
}

/* One state, one call of the script's function with its Nth allocation failing. Returns whether one failed. */
static bool run(const char *script, const char *url, long n, long elsewhere) {
  lua_State *L = luaL_newstate();
  bool raised, failed;

  luaL_openlibs(L);
  preload_core(L);
  stop_compiling(L);
  if (luaL_loadfile(L, script) != 0 || (lua_pushstring(L, url), lua_pcall(L, 1, 1, 0)) != 0) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    exit(2);
  }
  lua_pushinteger(L, (lua_Integer)n);
  if (elsewhere > 0)
    failing_malloc_elsewhere_at(n, elsewhere);
  else
    failing_malloc_at(n);
  raised = lua_pcall(L, 1, 1, 0) != 0;
  failed = failing_malloc_end();
  printf("%ld %s%s\n", n, raised ? "raised " : "", lua_isstring(L, -1) ? lua_tostring(L, -1) : "?");
  lua_close(L);
  return failed;
}

static void *nothing(void *unused) {
  return unused;
}

/* How many threads there are; 0: nobody knows. */
static int count_threads(void) {
  int count = 0;
  DIR *tasks = opendir("/proc/self/task");
  if (!tasks) return 0;
  while (readdir(tasks))
    count++;
  closedir(tasks);
  return count - 2; /* "." and ".." */
}

/* The blocks that are live once all threads but this one are gone. libcurl leaves a look-up that it need not wait for,
 * since another transfer has found the name meanwhile, to its thread; and what glibc has allocated for a thread that
 * nobody joins goes when the next one ends. */
static long settled_blocks(void) {
  const struct timespec moment = {0, 1000000};
  pe_thread next;
  for (int left = 5000; left > 0 && count_threads() > 1; left--)
    nanosleep(&moment, NULL);
  if (pe_thread_start(&next, nothing, NULL)) pe_thread_join(next);
  return failing_malloc_live();
}

/* glibc keeps the stacks of ended threads for the next ones, with blocks of the libraries in them: which stack a thread
 * gets depends on the order in which others ended, and so would the count. glibc reads this before `main`. */
static void keep_no_stacks(char **argv) {
  if (getenv("GLIBC_TUNABLES")) return;
  (void)setenv("GLIBC_TUNABLES", "glibc.pthread.stack_cache_size=0", 1);
  (void)execv("/proc/self/exe", argv);
  exit(2);
}

int main(int argc, char **argv) {
  long before, after, elsewhere, step, last;
  if (argc < 3) return 2;
  keep_no_stacks(argv);
  elsewhere = argc > 3 ? atol(argv[3]) : 0;
  step = argc > 4 ? atol(argv[4]) : 1;
  last = argc > 5 ? atol(argv[5]) : 0;
  setvbuf(stdout, NULL, _IOLBF, 0);    /* its buffer is allocated now */
  run(argv[1], argv[2], 0, elsewhere); /* what libraries allocate once and keep */
  run(argv[1], argv[2], 0, elsewhere);
  for (long n = 1; before = settled_blocks(), run(argv[1], argv[2], n, elsewhere); n += step) {
    if (last > 0 && n + step > last) break;
    after = settled_blocks();
    if (after == before || last > 0) continue;
    fprintf(stderr, "allocation %ld: %ld blocks leaked\n", n, after - before);
    return 3;
  }
  return 0;
}
