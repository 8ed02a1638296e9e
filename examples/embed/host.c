/* A program with Lua inside that brings postevent along: the core is linked into it, so no core.so has to be installed
 * or found. The Lua files of postevent are still read from LUA_PATH; what they ask for as postevent.core is here.
 *
 * In a checkout, `make embed LUA=lua5.4` builds libpostevent.a and this. By hand, with libpostevent.a beside it:
 *
 *   cc -o host host.c libpostevent.a $(pkg-config --cflags --libs lua5.4 libcurl jansson libpcre2-8) -pthread -lm -ldl
 *
 * (libpcre2-8 where the core was built with it.) A program that is itself unloaded while it runs, a plug-in, is linked
 * with -z nodelete: a thread of the core may still be in it. */
#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

int luaopen_postevent_core(lua_State *L); /* all that libpostevent.a exports */

/* package.preload["postevent.core"] = luaopen_postevent_core */
static void preload_core(lua_State *L) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "preload");
  lua_pushcfunction(L, luaopen_postevent_core);
  lua_setfield(L, -2, "postevent.core");
  lua_pop(L, 2);
}

/* Returns whether the script went well; what went wrong is on stderr. */
static int run(lua_State *L, const char *script) {
  if (luaL_loadfile(L, script) == 0 && lua_pcall(L, 0, 0, 0) == 0) return 1;
  (void)fprintf(stderr, "host: %s\n", lua_tostring(L, -1));
  return 0;
}

int main(int argc, char **argv) {
  lua_State *L;
  int went_well;

  if (argc != 2) {
    (void)fprintf(stderr, "usage: host SCRIPT\n");
    return EXIT_FAILURE;
  }
  L = luaL_newstate();
  if (!L) {
    (void)fprintf(stderr, "host: out of memory\n");
    return EXIT_FAILURE;
  }
  luaL_openlibs(L);
  preload_core(L);
  went_well = run(L, argv[1]);
  lua_close(L); /* ends the core's threads, those of clients that were not closed too: within a second */
  return went_well ? EXIT_SUCCESS : EXIT_FAILURE;
}
