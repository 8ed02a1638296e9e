#include "sandbox/sandbox_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char CLASS[] = "postevent.sandbox.child";

enum { LINE = 1024, MOST_FILES = 65536, PATIENCE_MS = 2000 };

typedef struct child {
  pid_t pid;    /* 0: it has ended, or never began */
  pid_t parent; /* the process that may stop it */
  int reports;  /* what it says; -1: closed */
  int life;     /* closed when it is to end; -1: closed */
  size_t size;  /* of what has come of its line */
  char line[LINE];
} child;

static child *check_child(lua_State *L) {
  return luaL_checkudata(L, 1, CLASS);
}

static void close_one(int *fd) {
  if (*fd >= 0) (void)close(*fd); /* nothing was written that could be lost */
  *fd = -1;
}

/* ---- in the child ---- */

/* Upvalue: the descriptor. report(text) */
static int report(lua_State *L) {
  int fd = (int)lua_tointeger(L, lua_upvalueindex(1));
  size_t size;
  const char *text = luaL_checklstring(L, 1, &size);

  if (size > LINE - 1) size = LINE - 1;
  if (write(fd, text, size) != (ssize_t)size || write(fd, "\n", 1) != 1) return luaL_error(L, "nobody listens");
  return 0;
}

/* A socket or a pipe that lives on here would look alive to whoever is at its other end. */
static void close_others(int reports, int life) {
  struct rlimit files;
  int end = MOST_FILES;

  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < MOST_FILES) end = (int)files.rlim_cur;
  for (int fd = STDERR_FILENO + 1; fd < end; fd++)
    if (fd != reports && fd != life) (void)close(fd);              /* most are not open */
  if (close(STDIN_FILENO) == 0) (void)open("/dev/null", O_RDONLY); /* the lowest: stdin again */
}

/* Runs the function at index 1, and ends the process. */
static void live(lua_State *L, int reports, int life) {
  int failed;

  close_others(reports, life);
  lua_settop(L, 1);
  lua_pushinteger(L, reports);
  lua_pushcclosure(L, report, 1);
  lua_pushinteger(L, life);
  failed = lua_pcall(L, 2, 0, 0);
  if (failed && lua_type(L, -1) == LUA_TSTRING)
    (void)fprintf(stderr, "postevent.sandbox: %s\n", lua_tostring(L, -1)); /* nowhere to tell that stderr is closed */
  _exit(failed ? 1 : 0);
}

/* ---- in the parent ---- */

static bool make_pipe(int ends[2]) {
  if (pipe(ends) != 0) return false;
  (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC); /* the descriptors are ours and valid */
  (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  return true;
}

/* Forks, with the two pipes made. Returns whether there is a child; there, it does not return. */
static bool begin(lua_State *L, child *self, int reports[2], int life[2]) {
  self->parent = getpid();
  self->pid = fork();
  if (self->pid == 0) {
    close_one(&reports[0]);
    close_one(&life[1]);
    live(L, reports[1], life[0]);
  }
  if (self->pid < 0) {
    self->pid = 0;
    return false;
  }
  self->reports = reports[0];
  self->life = life[1];
  reports[0] = life[1] = -1;
  return true;
}

int sandbox_child_fork(lua_State *L) {
  int reports[2] = {-1, -1}, life[2] = {-1, -1};
  bool begun;
  int error;
  child *self;

  luaL_checktype(L, 1, LUA_TFUNCTION);
  self = lua_newuserdata(L, sizeof *self);
  *self = (child){.reports = -1, .life = -1};
  luaL_getmetatable(L, CLASS);
  lua_setmetatable(L, -2);
  begun = make_pipe(reports) && make_pipe(life) && begin(L, self, reports, life);
  error = errno;
  for (int i = 0; i < 2; i++) {
    close_one(&reports[i]);
    close_one(&life[i]);
  }
  if (begun) return 1;
  lua_pushnil(L);
  lua_pushfstring(L, "cannot start a process: %s", strerror(error));
  return 2;
}

/* The rest of a line, as far as it comes in time. Returns whether it is whole. */
static bool read_line(child *self, int ms) {
  struct pollfd wait = {.fd = self->reports, .events = POLLIN};

  while (self->size < LINE && (self->size == 0 || self->line[self->size - 1] != '\n')) {
    int ready = poll(&wait, 1, ms);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0 || read(self->reports, self->line + self->size, 1) != 1) return false;
    self->size++;
  }
  return true;
}

static int child_line(lua_State *L) {
  child *self = check_child(L);
  lua_Number seconds = luaL_checknumber(L, 2);

  luaL_argcheck(L, seconds >= 0 && seconds <= 3600, 2, "not a time");
  if (self->reports < 0 || self->parent != getpid() || !read_line(self, (int)(seconds * 1000))) return 0;
  lua_pushlstring(L, self->line, self->size - 1);
  self->size = 0;
  return 1;
}

/* Whether it has ended, and nothing is left of it; waits for that where it is told to. */
static bool has_ended(const child *self, bool waits) {
  pid_t found;
  do
    found = waitpid(self->pid, NULL, waits ? 0 : WNOHANG);
  while (found < 0 && errno == EINTR);
  return found != 0; /* an error: somebody else has reaped it */
}

static void end(child *self, int patience_ms) {
  static const struct timespec MS = {0, 1000000};

  close_one(&self->reports);
  close_one(&self->life);
  if (self->pid > 0 && self->parent == getpid()) {
    (void)kill(self->pid, patience_ms > 0 ? SIGTERM : SIGKILL); /* it is ours: not reaped yet, the number is its own */
    while (!has_ended(self, false)) {
      if (patience_ms-- <= 0) {
        (void)kill(self->pid, SIGKILL);
        (void)has_ended(self, true);
        break;
      }
      (void)nanosleep(&MS, NULL); /* a signal shortens it */
    }
  }
  self->pid = 0;
}

static int child_stop(lua_State *L) {
  end(check_child(L), PATIENCE_MS);
  return 0;
}

static int child_gc(lua_State *L) {
  end(check_child(L), 0);
  return 0;
}

void sandbox_child_register(lua_State *L) {
  static const luaL_Reg methods[] = {{"line", child_line}, {"stop", child_stop}, {"__gc", child_gc}, {NULL, NULL}};

  luaL_newmetatable(L, CLASS);
  pe_lua_setfuncs(L, methods);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
