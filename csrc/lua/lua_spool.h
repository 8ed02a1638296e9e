/* The files of a spool's directory for the command, which looks into them and puts them in order from outside. Not for
 * a process with a client that has one of them: it would drop that client's locks.
 *
 * spool.files(directory) -> { { name = , damaged = }, ... }; or nil, why
 * spool.writable(directory) -> true; or nil, why it is not ours to change
 * spool.owner(directory, name) -> the number of the process that has it, -1 where that is not known, -2 where nobody
 * can (PE_CLAIM_NO_LOCK); nil: nobody spool.open(directory, name, how) -> file; or nil, kind, why. `how`: "look",
 * "write", "claim": nobody else takes it meanwhile, "again": the same of one that is open, "salvage": what can be read
 * of a damaged one. `kind`: "taken" (by a living process, of a claim), "newer", "foreign", "nothing", "damaged",
 * "failed" spool.create(directory, endpoint) -> file, claimed; or nil, why spool.asks() -> whether stdin is a terminal
 *
 * file:about() -> { endpoint, pending, dead, dead_dropped, bytes }
 * file:tally(dead, before) -> { { name, code, count, oldest }, ... }; or nil, why. `before`: seconds since 1970, or nil
 * file:next(dead, row, id) -> the next event behind that row (of that id, unless nil); nil: none; nil, why
 * file:append(event), file:remove_dead(row), file:commit() -> true; or nil, why
 * file:purge(dead, before) -> how many were removed and committed, 0: none is left; or nil, why
 * file:close(): undoes what is not committed; one that was claimed and is empty is removed */
#ifndef PE_LUA_SPOOL_H
#define PE_LUA_SPOOL_H

#include "lua/lua_compat.h"

/* Leaves the table of functions on the stack. */
void pe_lua_spool_register(lua_State *L);

#endif
