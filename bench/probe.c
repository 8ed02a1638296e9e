/* The module bench.probe: what Lua cannot measure of itself. The cost of single calls, the bytes in use on the heap,
 * the context switches of other threads.
 *
 *   sampler = probe.sampler(capacity)
 *   sampler:run("cpu" | "clock", count, f, ...)   calls f(...) so often, and keeps what each call took: CPU time of the
 *                                                 calling thread, or time
 *   sampler:quantile(share)                       nanoseconds, of all calls so far
 *   probe.nothing(...)                            a function that does nothing: what measuring costs
 *   probe.heap_bytes()                            nil where the C library does not tell
 *   probe.switches()                              of all threads but the first, voluntary or not; and how many threads
 */
#include "lua/lua_compat.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#define SAMPLER "bench.sampler"

typedef struct sampler {
  size_t count, capacity;
  uint32_t nanoseconds[];
} sampler;

static int64_t now(clockid_t id) {
  struct timespec ts;
  (void)clock_gettime(id, &ts);
  return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int l_sampler(lua_State *L) {
  size_t capacity = (size_t)luaL_checkinteger(L, 1);
  sampler *s = lua_newuserdata(L, sizeof *s + capacity * sizeof s->nanoseconds[0]);
  memset(s, 0, sizeof *s + capacity * sizeof s->nanoseconds[0]); /* touched now, not while it is measured */
  s->capacity = capacity;
  luaL_getmetatable(L, SAMPLER);
  lua_setmetatable(L, -2);
  return 1;
}

static int l_run(lua_State *L) {
  sampler *s = luaL_checkudata(L, 1, SAMPLER);
  clockid_t id = strcmp(luaL_checkstring(L, 2), "cpu") == 0 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
  size_t count = (size_t)luaL_checkinteger(L, 3);
  int top = lua_gettop(L);

  luaL_argcheck(L, count <= s->capacity - s->count, 3, "more than the sampler holds");
  for (; count > 0; count--) {
    int64_t start;
    for (int i = 4; i <= top; i++)
      lua_pushvalue(L, i);
    start = now(id);
    lua_call(L, top - 4, 1);
    s->nanoseconds[s->count++] = (uint32_t)(now(id) - start);
    luaL_argcheck(L, lua_toboolean(L, -1), 4, "the call failed");
    lua_pop(L, 1);
  }
  return 0;
}

static int compare(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static int l_quantile(lua_State *L) {
  sampler *s = luaL_checkudata(L, 1, SAMPLER);
  double share = luaL_checknumber(L, 2);

  luaL_argcheck(L, s->count > 0 && share >= 0 && share <= 1, 2, "no such sample");
  qsort(s->nanoseconds, s->count, sizeof s->nanoseconds[0], compare);
  lua_pushnumber(L, (lua_Number)s->nanoseconds[(size_t)(share * (double)(s->count - 1))]);
  return 1;
}

static int l_nothing(lua_State *L) {
  lua_pushboolean(L, 1);
  return 1;
}

static int l_heap_bytes(lua_State *L) {
#ifdef __GLIBC__
  struct mallinfo2 info = mallinfo2();
  lua_pushnumber(L, (lua_Number)(info.uordblks + info.hblkhd));
#else
  lua_pushnil(L);
#endif
  return 1;
}

/* Both of the counts in a thread's status. */
static long switches_in(const char *path) {
  FILE *file = fopen(path, "re");
  char line[256];
  long sum = 0;

  while (file && fgets(line, sizeof line, file)) {
    const char *number = strstr(line, "ctxt_switches:");
    if (number) sum += strtol(number + 14, NULL, 10);
  }
  if (file) (void)fclose(file);
  return sum;
}

static int l_switches(lua_State *L) {
  DIR *directory = opendir("/proc/self/task");
  const struct dirent *entry;
  long sum = 0, threads = 0;

  while (directory && (entry = readdir(directory))) {
    char path[300];
    if (entry->d_name[0] == '.' || atoi(entry->d_name) == (int)getpid()) continue;
    (void)snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
    sum += switches_in(path);
    threads++;
  }
  if (directory) (void)closedir(directory);
  lua_pushinteger(L, sum);
  lua_pushinteger(L, threads);
  return 2;
}

static const luaL_Reg probe_functions[] = {
    {"sampler", l_sampler},   {"nothing", l_nothing}, {"heap_bytes", l_heap_bytes},
    {"switches", l_switches}, {NULL, NULL},
};

static const luaL_Reg sampler_methods[] = {{"run", l_run}, {"quantile", l_quantile}, {NULL, NULL}};

PE_EXPORT int luaopen_bench_probe(lua_State *L);

int luaopen_bench_probe(lua_State *L) {
  luaL_newmetatable(L, SAMPLER);
  pe_lua_setfuncs(L, sampler_methods);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_newtable(L);
  pe_lua_setfuncs(L, probe_functions);
  return 1;
}
