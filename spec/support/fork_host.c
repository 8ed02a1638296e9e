/* A host whose threads use the module, each with a Lua state of its own, while the main thread forks at a given moment
 * of the process's life; the child uses the module, too.
 *
 *   fork_host THREADS_SCRIPT CHILD_SCRIPT MICROSECONDS
 *
 * The status is 0 where the child's script succeeds within CHILD_SECONDS; otherwise what became of it is said on
 * stderr. The threads' end is not waited for: the next moment is another process's. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A child that hangs does it for ever; one that has little of a busy machine takes its time. */
enum { THREADS = 2, CHILD_SECONDS = 60 };

/* LuaJIT's compiler is off: it registers what it compiles with libgcc, which has a lock that a fork may find taken by
 * another thread. The child then hangs in LuaJIT, with the module or without it. */
static const char COMPILE_NOTHING[] = "if jit then jit.off() end";

static bool run_script(const char *path) {
  lua_State *L = luaL_newstate();
  bool done;

  luaL_openlibs(L);
  done = luaL_dostring(L, COMPILE_NOTHING) == 0 && luaL_dofile(L, path) == 0;
  if (!done) fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_close(L);
  return done;
}

static void *run_thread(void *path) {
  if (!run_script(path)) _exit(2);
  return NULL;
}

/* The module's own loading is no part of it: a fork in the middle of dlopen is the C library's affair. */
static bool load_module(void) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  if (luaL_dostring(L, COMPILE_NOTHING) != 0) return false;
  return luaL_dostring(L, "require 'postevent'; require 'cjson'") == 0; /* stays: nothing is unloaded */
}

static int watch_child(pid_t child, long microseconds) {
  int status = 0;
  if (waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
  fprintf(stderr, "forked after %ld us: the child %s %d\n", microseconds,
          WIFSIGNALED(status) ? "was ended by signal" : "ended with status",
          WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
  return 1;
}

int main(int argc, char **argv) {
  long microseconds = argc > 3 ? atol(argv[3]) : 0;
  const struct timespec moment = {microseconds / 1000000, microseconds % 1000000 * 1000};
  pthread_t threads[THREADS];
  pid_t child;

  if (argc < 4 || !load_module()) return 2;
  for (int i = 0; i < THREADS; i++)
    if (pthread_create(&threads[i], NULL, run_thread, argv[1]) != 0) return 2;
  (void)nanosleep(&moment, NULL);
  child = fork();
  if (child == 0) {
    (void)alarm(CHILD_SECONDS); /* a child that hangs is ended by SIGALRM */
    _exit(run_script(argv[2]) ? 0 : 1);
  }
  _exit(watch_child(child, microseconds)); /* exit() would wait for the threads' clients */
}
