/* Part of process.c: handlers that count, dispositions and masks, to show that the module leaves signals alone. */
#ifndef SUPPORT_PROCESS_SIGNALS_H
#define SUPPORT_PROCESS_SIGNALS_H

#include <lauxlib.h>
#include <lua.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#define SIGNAL_LIMIT 65

static volatile sig_atomic_t signal_counts[SIGNAL_LIMIT];
static volatile sig_atomic_t stray_signals; /* handled on another thread than the first */
static struct sigaction saved_actions[SIGNAL_LIMIT];
static unsigned char saved[SIGNAL_LIMIT];

static const struct {
  const char *name;
  int number;
} signal_names[] = {
    {"SIGHUP", SIGHUP},   {"SIGINT", SIGINT},   {"SIGQUIT", SIGQUIT}, {"SIGKILL", SIGKILL}, {"SIGUSR1", SIGUSR1},
    {"SIGUSR2", SIGUSR2}, {"SIGPIPE", SIGPIPE}, {"SIGALRM", SIGALRM}, {"SIGTERM", SIGTERM}, {"SIGCHLD", SIGCHLD},
    {"SIGCONT", SIGCONT}, {"SIGSTOP", SIGSTOP}, {"SIGSEGV", SIGSEGV}, {"SIGABRT", SIGABRT},
};

/* A name of the list above, or a number. */
static int check_signal(lua_State *L, int index) {
  const char *name;

  if (lua_type(L, index) == LUA_TNUMBER) {
    lua_Integer number = lua_tointeger(L, index);
    luaL_argcheck(L, number >= 0 && number < SIGNAL_LIMIT, index, "no such signal");
    return (int)number;
  }
  name = luaL_checkstring(L, index);
  for (size_t i = 0; i < sizeof signal_names / sizeof *signal_names; i++)
    if (strcmp(signal_names[i].name, name) == 0) return signal_names[i].number;
  return luaL_argerror(L, index, "no such signal");
}

static int is_first_thread(void) {
#ifdef __linux__
  return syscall(SYS_gettid) == getpid();
#else
  return 1;
#endif
}

static void count_one(int number) {
  if (is_first_thread())
    signal_counts[number]++;
  else
    stray_signals++;
}

static void install(int number, void (*handler)(int)) {
  struct sigaction action;

  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  (void)sigaction(number, &action, saved[number] ? NULL : &saved_actions[number]);
  saved[number] = 1;
}

/* count_signal(name): from now on it is counted, from 0, on the first thread. */
static int l_count_signal(lua_State *L) {
  int number = check_signal(L, 1);

  signal_counts[number] = 0;
  install(number, count_one);
  return 0;
}

static int l_signal_count(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)signal_counts[check_signal(L, 1)]);
  return 1;
}

/* How many of the signals that are counted were handled on another thread than the first. */
static int l_stray_signals(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)stray_signals);
  return 1;
}

/* alarm_every(seconds): SIGALRM, again and again; 0 ends that. */
static int l_alarm_every(lua_State *L) {
  lua_Number seconds = luaL_checknumber(L, 1);
  struct itimerval timer;

  memset(&timer, 0, sizeof timer);
  timer.it_interval.tv_sec = timer.it_value.tv_sec = (time_t)seconds;
  timer.it_interval.tv_usec = timer.it_value.tv_usec = (suseconds_t)((seconds - (lua_Number)(time_t)seconds) * 1e6);
  (void)setitimer(ITIMER_REAL, &timer, NULL);
  return 0;
}

/* set_signal(name, "default" | "ignore") */
static int l_set_signal(lua_State *L) {
  static const char *const actions[] = {"default", "ignore", NULL};
  int number = check_signal(L, 1);

  install(number, luaL_checkoption(L, 2, NULL, actions) == 0 ? SIG_DFL : SIG_IGN);
  return 0;
}

/* What was there before the first count_signal or set_signal. */
static int l_restore_signal(lua_State *L) {
  int number = check_signal(L, 1);

  if (saved[number]) (void)sigaction(number, &saved_actions[number], NULL);
  saved[number] = 0;
  return 0;
}

static int l_restore_signals(lua_State *L) {
  (void)L;
  for (int number = 1; number < SIGNAL_LIMIT; number++) {
    if (saved[number]) (void)sigaction(number, &saved_actions[number], NULL);
    saved[number] = 0;
  }
  return 0;
}

/* signal_action(name) -> "default", "ignore" or "handler" */
static int l_signal_action(lua_State *L) {
  struct sigaction action;

  if (sigaction(check_signal(L, 1), NULL, &action)) return luaL_argerror(L, 1, "no action");
  lua_pushstring(L, action.sa_handler == SIG_DFL ? "default" : action.sa_handler == SIG_IGN ? "ignore" : "handler");
  return 1;
}

/* block_signal(name, on): in this thread's mask. Returns whether it was blocked. */
static int l_block_signal(lua_State *L) {
  sigset_t set, old;
  int number = check_signal(L, 1);

  sigemptyset(&set);
  sigaddset(&set, number);
  (void)pthread_sigmask(lua_toboolean(L, 2) ? SIG_BLOCK : SIG_UNBLOCK, &set, &old);
  lua_pushboolean(L, sigismember(&old, number) == 1);
  return 1;
}

static int l_signal_blocked(lua_State *L) {
  sigset_t old;

  (void)pthread_sigmask(SIG_BLOCK, NULL, &old);
  lua_pushboolean(L, sigismember(&old, check_signal(L, 1)) == 1);
  return 1;
}

static int l_signal_pending(lua_State *L) {
  sigset_t set;

  (void)sigpending(&set);
  lua_pushboolean(L, sigismember(&set, check_signal(L, 1)) == 1);
  return 1;
}

static const luaL_Reg signal_functions[] = {
    {"count_signal", l_count_signal},     {"signal_count", l_signal_count},       {"set_signal", l_set_signal},
    {"restore_signal", l_restore_signal}, {"restore_signals", l_restore_signals}, {"signal_action", l_signal_action},
    {"block_signal", l_block_signal},     {"signal_blocked", l_signal_blocked},   {"signal_pending", l_signal_pending},
    {"stray_signals", l_stray_signals},   {"alarm_every", l_alarm_every},         {NULL, NULL},
};

#endif
