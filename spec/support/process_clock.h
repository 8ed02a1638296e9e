/* Part of process.c: times, in seconds; what of them is the machine's and what the thread's own. */
#ifndef SUPPORT_PROCESS_CLOCK_H
#define SUPPORT_PROCESS_CLOCK_H

#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <time.h>

static double clock_seconds(clockid_t id) {
  struct timespec ts;

  if (clock_gettime(id, &ts)) return 0;
  return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int l_now(lua_State *L) {
  lua_pushnumber(L, clock_seconds(CLOCK_MONOTONIC));
  return 1;
}

static int l_cpu(lua_State *L) {
  lua_pushnumber(L, clock_seconds(CLOCK_THREAD_CPUTIME_ID));
  return 1;
}

static int l_process_cpu(lua_State *L) {
  lua_pushnumber(L, clock_seconds(CLOCK_PROCESS_CPUTIME_ID));
  return 1;
}

/* starved() -> how long this thread could have run while others had the processors (proc(5), schedstat); 0 where the
 * kernel does not count that. */
static int l_starved(lua_State *L) {
  FILE *file = fopen("/proc/thread-self/schedstat", "re");
  unsigned long long ran = 0, starved = 0;

  if (file) {
    if (fscanf(file, "%llu %llu", &ran, &starved) != 2) starved = 0;
    (void)fclose(file);
  }
  lua_pushnumber(L, (lua_Number)starved / 1e9);
  return 1;
}

static void sleep_seconds(double seconds) {
  struct timespec ts;

  ts.tv_sec = (time_t)seconds;
  ts.tv_nsec = (long)((seconds - (double)ts.tv_sec) * 1e9);
  while (nanosleep(&ts, &ts) && errno == EINTR)
    ;
}

static int l_sleep(lua_State *L) {
  sleep_seconds(luaL_checknumber(L, 1));
  return 0;
}

static const luaL_Reg clock_functions[] = {
    {"now", l_now},         {"cpu", l_cpu},     {"process_cpu", l_process_cpu},
    {"starved", l_starved}, {"sleep", l_sleep}, {NULL, NULL},
};

#endif
