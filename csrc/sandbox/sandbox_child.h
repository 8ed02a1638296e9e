/* A sandbox in a child process of the program that tests against it, and questions to it. Part of
 * postevent.sandbox.httpd. Thread: the caller's. */
#ifndef PE_SANDBOX_CHILD_H
#define PE_SANDBOX_CHILD_H

#include "lua/lua_compat.h"

/* fork(run) -> a child; or nil and a message. In the child process run(report, life) is called, and when it returns or
 * raises the process ends, without the host's atexit handlers. report(text) tells the parent one line; `life` is a
 * descriptor that is at its end when the parent stops the child, or has ended itself. Of the program's descriptors the
 * child has stdout and stderr alone. The methods of a child are
 *
 *   line(seconds)   the next line that it reported; nil: there is none, and in that time came none
 *   stop()          SIGTERM, and after two seconds SIGKILL; returns when it has ended. A second call does nothing
 *
 * A child that is collected is killed. In another process (a fork of the program) both do nothing. */
int sandbox_child_fork(lua_State *L);

/* ask(port, request, seconds) -> all that is answered on a connection of its own to 127.0.0.1, until its end; or nil
 * and a message. */
int sandbox_child_ask(lua_State *L);

/* Makes the class of children known; once for each Lua state, before sandbox_child_fork. */
void sandbox_child_register(lua_State *L);

#endif
