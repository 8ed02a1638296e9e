/* The module support.process, for the specs alone: what Lua cannot do with processes, and the counters that
 * show a leak. Times are in process_clock.h, signals in process_signals.h, the rest of the system in process_system.h;
 * all are parts of this one translation unit. Any thread may run it, but it expects to be the only one that waits for
 * children. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "lua/lua_compat.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "process_clock.h"
#include "process_signals.h"
#include "process_system.h"
#include "quiet_fork.h"

extern char **environ;

/* Everything that the child needs, made before the fork: after it only async-signal-safe calls are allowed. */
typedef struct launch {
  char **argv;
  char **env;
  const char *paths[3]; /* of stdin, stdout, stderr; NULL: inherited */
  const char *directory;
  pid_t parent;
  int report; /* where the child writes errno when it cannot become the program */
} launch;

/* A crashed spec must leave nothing behind, so every child dies with its parent. */
static void die_with(pid_t parent) {
#ifdef __linux__
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  if (getppid() != parent) _exit(127); /* it was gone before prctl */
}

static void redirect(const char *path, int fd) {
  int opened = fd == 0 ? open(path, O_RDONLY) : open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);

  if (opened < 0) return;
  if (opened != fd) {
    (void)dup2(opened, fd);
    (void)close(opened);
  }
}

static void become(const launch *l) {
  sigset_t none;
  int number;

  die_with(l->parent);
  sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, NULL);
  (void)signal(SIGPIPE, SIG_DFL); /* luasocket ignores it, a shell's background job the others; exec hands that on */
  (void)signal(SIGINT, SIG_DFL);
  (void)signal(SIGQUIT, SIG_DFL);
  for (int fd = 0; fd < 3; fd++)
    if (l->paths[fd]) redirect(l->paths[fd], fd);
  if (!l->directory || !chdir(l->directory)) {
    environ = l->env;
    (void)execvp(l->argv[0], l->argv);
  }
  number = errno;
  if (write(l->report, &number, sizeof number) < 0) _exit(126);
  (void)kill(getpid(), SIGKILL); /* not _exit: a memory checker would look for leaks in this half copy */
}

static const char *string_field(lua_State *L, const char *name) {
  const char *value;

  lua_getfield(L, 1, name);
  value = lua_tostring(L, -1);
  lua_pop(L, 1); /* the table at 1 keeps the string alive */
  return value;
}

/* The arrays live in userdata, so that a Lua error frees them too; the strings belong to the table at 1. */
static char **push_argv(lua_State *L) {
  size_t count = pe_lua_rawlen(L, 1);
  char **argv = lua_newuserdata(L, (count + 1) * sizeof *argv);

  luaL_argcheck(L, count > 0, 1, "no program");
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, 1, (int)i + 1);
    luaL_argcheck(L, lua_type(L, -1) == LUA_TSTRING, 1, "an argument is not text");
    argv[i] = (char *)lua_tostring(L, -1);
    lua_pop(L, 1);
  }
  argv[count] = NULL;
  return argv;
}

static int replaces(lua_State *L, int env, const char *entry) {
  const char *equals = strchr(entry, '=');
  int found;

  if (!equals) return 0;
  lua_pushlstring(L, entry, (size_t)(equals - entry));
  lua_rawget(L, env);
  found = !lua_isnil(L, -1);
  lua_pop(L, 1);
  return found;
}

/* This process's environment with the changes of the field `env` (false takes a variable away). A Lua table at the
 * top of the stack keeps the new strings. */
static char **push_env(lua_State *L) {
  size_t count = 0, size = 1;
  char **env;
  int changes, keep;

  lua_getfield(L, 1, "env");
  if (!lua_istable(L, -1)) return environ;
  changes = lua_gettop(L);
  for (char **entry = environ; *entry; entry++)
    size++;
  for (lua_pushnil(L); lua_next(L, changes); lua_pop(L, 1))
    size++;
  env = lua_newuserdata(L, size * sizeof *env);
  lua_newtable(L);
  keep = lua_gettop(L);
  for (char **entry = environ; *entry; entry++)
    if (!replaces(L, changes, *entry)) env[count++] = *entry;
  for (lua_pushnil(L); lua_next(L, changes); lua_pop(L, 1)) {
    if (!lua_toboolean(L, -1)) continue;
    lua_pushfstring(L, "%s=%s", lua_tostring(L, -2), lua_tostring(L, -1));
    env[count] = (char *)lua_tostring(L, -1);
    lua_rawseti(L, keep, (int)++count);
  }
  env[count] = NULL;
  return env;
}

static int push_failure(lua_State *L, const char *what, int number) {
  lua_pushnil(L);
  lua_pushfstring(L, "%s: %s", what, strerror(number));
  return 2;
}

/* spawn {program, argument..., env = {K = V}, stdin =, stdout =, stderr = paths, directory =} -> pid; or nil, message.
 */
static int l_spawn(lua_State *L) {
  launch l = {.parent = getpid()};
  int ends[2], number = 0;
  ssize_t got;
  pid_t pid;

  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  l.paths[0] = string_field(L, "stdin");
  l.paths[1] = string_field(L, "stdout");
  l.paths[2] = string_field(L, "stderr");
  l.directory = string_field(L, "directory");
  l.argv = push_argv(L);
  l.env = push_env(L);
  if (pipe2(ends, O_CLOEXEC)) return push_failure(L, "pipe", errno);
  l.report = ends[1];
  pid = fork();
  if (pid == 0) become(&l);
  number = pid < 0 ? errno : 0;
  (void)close(ends[1]);
  if (pid > 0) {
    do
      got = read(ends[0], &number, sizeof number); /* ends with nothing when exec has succeeded */
    while (got < 0 && errno == EINTR);
  }
  (void)close(ends[0]);
  if (!number) {
    lua_pushinteger(L, (lua_Integer)pid);
    return 1;
  }
  if (pid > 0) (void)waitpid(pid, NULL, 0);
  return push_failure(L, l.argv[0], number);
}

/* fork() -> pid, or 0 in the child, which dies with its parent. */
static int l_fork(lua_State *L) {
  pid_t parent = getpid();
  pid_t pid = quiet_fork();

  if (pid < 0) return push_failure(L, "fork", errno);
  if (pid == 0) die_with(parent);
  lua_pushinteger(L, (lua_Integer)pid);
  return 1;
}

/* outlive(): the child of a fork that calls it does not die with its parent. It has to end by itself, then. */
static int l_outlive(lua_State *L) {
  (void)L;
  (void)prctl(PR_SET_PDEATHSIG, 0);
  return 0;
}

/* wait(pid, seconds) -> "exited", status; "signalled", number; nil when it still runs then. Without seconds: for ever.
 */
static int l_wait(lua_State *L) {
  pid_t pid = (pid_t)luaL_checkinteger(L, 1);
  double deadline = lua_isnoneornil(L, 2) ? -1 : clock_seconds(CLOCK_MONOTONIC) + luaL_checknumber(L, 2);
  int status = 0;
  pid_t got;

  for (;;) {
    got = waitpid(pid, &status, deadline < 0 ? 0 : WNOHANG);
    if (got == pid) break;
    if (got < 0 && errno != EINTR) return push_failure(L, "waitpid", errno);
    if (got == 0 && clock_seconds(CLOCK_MONOTONIC) >= deadline) {
      lua_pushnil(L);
      return 1;
    }
    if (got == 0) sleep_seconds(0.0005);
  }
  lua_pushstring(L, WIFEXITED(status) ? "exited" : "signalled");
  lua_pushinteger(L, WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
  return 2;
}

static int l_kill(lua_State *L) {
  lua_Integer pid = luaL_checkinteger(L, 1);

  luaL_argcheck(L, pid > 1, 1, "one process, by its id");
  if (kill((pid_t)pid, check_signal(L, 2))) return push_failure(L, "kill", errno);
  lua_pushboolean(L, 1);
  return 1;
}

static int l_getpid(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)getpid());
  return 1;
}

/* Leaves at once: no atexit handler, no __gc. For the child of a fork. */
static int l_exit(lua_State *L) {
  _exit((int)luaL_optinteger(L, 1, 0));
  return 0;
}

static const luaL_Reg process_functions[] = {
    {"spawn", l_spawn}, {"fork", l_fork},     {"outlive", l_outlive}, {"wait", l_wait},
    {"kill", l_kill},   {"getpid", l_getpid}, {"_exit", l_exit},      {NULL, NULL},
};

PE_EXPORT int luaopen_support_process(lua_State *L);

int luaopen_support_process(lua_State *L) {
  lua_newtable(L);
  pe_lua_setfuncs(L, process_functions);
  pe_lua_setfuncs(L, clock_functions);
  pe_lua_setfuncs(L, signal_functions);
  pe_lua_setfuncs(L, system_functions);
  lua_pushlightuserdata(L, NULL); /* what lua-cjson has for null, without lua-cjson */
  lua_setfield(L, -2, "null");
  return 1;
}
