/* Part of process.c: what this process holds (descriptors, threads, memory, children), its locale and environment,
 * namespaces of its own, and sockets that are let go of rudely. */
#ifndef SUPPORT_PROCESS_SYSTEM_H
#define SUPPORT_PROCESS_SYSTEM_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <locale.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#endif

static int system_failure(lua_State *L, const char *what) {
  lua_pushnil(L);
  lua_pushfstring(L, "%s: %s", what, strerror(errno));
  return 2;
}

/* fds() -> {[number] = what it is}. */
static int l_fds(lua_State *L) {
  DIR *directory = opendir("/proc/self/fd");
  const struct dirent *entry;
  char target[256];

  lua_newtable(L);
  if (!directory) return 1;
  while ((entry = readdir(directory))) {
    int fd = atoi(entry->d_name);
    ssize_t size;

    if (entry->d_name[0] == '.' || fd == dirfd(directory)) continue;
    size = readlinkat(dirfd(directory), entry->d_name, target, sizeof target);
    lua_pushlstring(L, target, size > 0 ? (size_t)size : 0);
    lua_rawseti(L, -2, fd);
  }
  (void)closedir(directory);
  return 1;
}

static lua_Integer count_entries(const char *path) {
  DIR *directory = opendir(path);
  const struct dirent *entry;
  lua_Integer count = 0;

  if (!directory) return -1;
  while ((entry = readdir(directory)))
    count += entry->d_name[0] != '.';
  (void)closedir(directory);
  return count;
}

static int l_fd_count(lua_State *L) {
  lua_pushinteger(L, count_entries("/proc/self/fd") - 1); /* without the one that reads the directory */
  return 1;
}

static int l_thread_count(lua_State *L) {
  lua_pushinteger(L, count_entries("/proc/self/task"));
  return 1;
}

/* threads() -> list of the ids of this process's threads. */
static int l_threads(lua_State *L) {
  DIR *directory = opendir("/proc/self/task");
  const struct dirent *entry;
  int count = 0;

  lua_newtable(L);
  if (!directory) return 1;
  while ((entry = readdir(directory))) {
    if (entry->d_name[0] == '.') continue;
    lua_pushinteger(L, atoi(entry->d_name));
    lua_rawseti(L, -2, ++count);
  }
  (void)closedir(directory);
  return 1;
}

/* limit_fds(count) -> how many descriptors the process could have before. */
static int l_limit_fds(lua_State *L) {
  struct rlimit limit;
  lua_Integer before;

  if (getrlimit(RLIMIT_NOFILE, &limit)) return system_failure(L, "getrlimit");
  before = (lua_Integer)limit.rlim_cur;
  limit.rlim_cur = (rlim_t)luaL_checkinteger(L, 1);
  if (setrlimit(RLIMIT_NOFILE, &limit)) return system_failure(L, "setrlimit");
  lua_pushinteger(L, before);
  return 1;
}

static lua_State *state_to_close;

static void close_state(void) {
  lua_close(state_to_close);
}

/* close_at_exit(): exit() closes this Lua state, as a host may do that embeds Lua. To be called by the main program. */
static int l_close_at_exit(lua_State *L) {
  state_to_close = L;
  (void)atexit(close_state);
  return 0;
}

/* rss() -> bytes that are resident. */
static int l_rss(lua_State *L) {
  FILE *file = fopen("/proc/self/statm", "re");
  long total = 0, resident = 0;

  if (file) {
    if (fscanf(file, "%ld %ld", &total, &resident) != 2) resident = 0;
    (void)fclose(file);
  }
  lua_pushnumber(L, (lua_Number)resident * (lua_Number)sysconf(_SC_PAGESIZE));
  return 1;
}

/* children() -> list of the ids of this process's children, those that nobody has waited for included. */
static int l_children(lua_State *L) {
  DIR *directory = opendir("/proc");
  const struct dirent *entry;
  int count = 0;

  lua_newtable(L);
  if (!directory) return 1;
  while ((entry = readdir(directory))) {
    char path[300], line[512];
    const char *after;
    FILE *file;

    if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
    (void)snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
    file = fopen(path, "re");
    if (!file) continue;
    after = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL; /* pid (name) state parent ... */
    (void)fclose(file);
    if (!after || strlen(after) < 5 || atoi(after + 4) != (int)getpid()) continue;
    lua_pushinteger(L, atoi(entry->d_name));
    lua_rawseti(L, -2, ++count);
  }
  (void)closedir(directory);
  return 1;
}

/* setlocale(name) -> the name, or nil. Without a name it asks. */
static int l_setlocale(lua_State *L) {
  lua_pushstring(L, setlocale(LC_ALL, luaL_optstring(L, 1, NULL)));
  return 1;
}

/* setenv(name, value or nil) */
static int l_setenv(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);

  (void)(lua_isnoneornil(L, 2) ? unsetenv(name) : setenv(name, luaL_checkstring(L, 2), 1));
  return 0;
}

/* abandon(fd, reset): the socket behind fd ends at once, with RST or else FIN, and no TLS library gets to say a word.
 * The number stays open (on nothing), so that its owner may close it as always. */
static int l_abandon(lua_State *L) {
  int fd = (int)luaL_checkinteger(L, 1);
  struct linger linger = {.l_onoff = 1, .l_linger = 0};
  int pair[2];

  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) return system_failure(L, "socketpair");
  if (lua_toboolean(L, 2)) (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  (void)dup2(pair[0], fd);
  (void)close(pair[0]);
  (void)close(pair[1]);
  lua_pushboolean(L, 1);
  return 1;
}

/* temporary_directory(prefix) -> the path of a new one, 0700. */
static int l_temporary_directory(lua_State *L) {
  char path[512];

  (void)snprintf(path, sizeof path, "%sXXXXXX", luaL_checkstring(L, 1));
  if (!mkdtemp(path)) return system_failure(L, path);
  lua_pushstring(L, path);
  return 1;
}

static int l_make_directory(lua_State *L) {
  if (mkdir(luaL_checkstring(L, 1), 0700)) return system_failure(L, lua_tostring(L, 1));
  lua_pushboolean(L, 1);
  return 1;
}

static int l_current_directory(lua_State *L) {
  char path[4096];

  if (!getcwd(path, sizeof path)) return system_failure(L, "getcwd");
  lua_pushstring(L, path);
  return 1;
}

#ifdef __linux__

/* exchange(path, other): each has the other's name at once, and at no moment is there nothing of that name. */
static int l_exchange(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  if (renameat2(AT_FDCWD, path, AT_FDCWD, luaL_checkstring(L, 2), RENAME_EXCHANGE)) return system_failure(L, path);
  lua_pushboolean(L, 1);
  return 1;
}

/* unshare_mounts(): what this process mounts from now on is seen by it and its children alone. */
static int l_unshare_mounts(lua_State *L) {
  if (unshare(CLONE_NEWNS)) return system_failure(L, "unshare");
  if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL)) return system_failure(L, "mount");
  lua_pushboolean(L, 1);
  return 1;
}

/* unshare_network(): a network with nothing but a loopback of its own. */
static int l_unshare_network(lua_State *L) {
  struct ifreq request;
  int fd, failed;

  if (unshare(CLONE_NEWNET)) return system_failure(L, "unshare");
  memset(&request, 0, sizeof request);
  memcpy(request.ifr_name, "lo", 3);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return system_failure(L, "socket");
  failed = ioctl(fd, SIOCSIFFLAGS, &request);
  (void)close(fd);
  if (failed) return system_failure(L, "loopback");
  lua_pushboolean(L, 1);
  return 1;
}

static int l_bind_mount(lua_State *L) {
  if (mount(luaL_checkstring(L, 1), luaL_checkstring(L, 2), NULL, MS_BIND, NULL)) return system_failure(L, "mount");
  lua_pushboolean(L, 1);
  return 1;
}

#endif

static const luaL_Reg system_functions[] = {
    {"fds", l_fds},
    {"fd_count", l_fd_count},
    {"thread_count", l_thread_count},
    {"threads", l_threads},
    {"limit_fds", l_limit_fds},
    {"close_at_exit", l_close_at_exit},
    {"rss", l_rss},
    {"children", l_children},
    {"setlocale", l_setlocale},
    {"setenv", l_setenv},
    {"abandon", l_abandon},
    {"temporary_directory", l_temporary_directory},
    {"make_directory", l_make_directory},
    {"current_directory", l_current_directory},
#ifdef __linux__
    {"exchange", l_exchange},
    {"unshare_mounts", l_unshare_mounts},
    {"unshare_network", l_unshare_network},
    {"bind_mount", l_bind_mount},
#endif
    {NULL, NULL},
};

#endif
