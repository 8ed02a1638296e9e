/* What the command needs of the system: csrc/command as Lua sees it. Not for a client's process: hold_signals and
 * fill_standard are for one that is the command's own.
 *
 * command.sha256(text, ...) -> the hash of the texts behind each other, in hexadecimal
 * command.uuid8(text, ...) -> a UUID of version 8 made of that hash
 * command.digest() -> digest; digest:add(text); digest:hex() -> the hash of what was added so far
 * command.kind(path) -> "file", "directory", "fifo" or "other", and the size; or nil, why
 * command.real_path(path) -> the path without links; or nil, why
 * command.make_directory(path) -> true; or nil, why
 * command.is_terminal(descriptor), command.columns(descriptor): 0: not known
 * command.survive_pipes(): what is written where nobody reads is an error
 * command.hold_signals(), command.signals() -> how many have come since, command.release_signals()
 * command.fill_standard()
 * command.pause(seconds): sleeps; a signal ends it
 * command.now() -> seconds, monotonic
 * command.journal(path) -> journal; or nil, why, and the number of the process that has it (0: not known), if one has
 * command.witness(client, journal) -> whether each answer is written to the journal by the thread that hears it, as
 *   journal.h has it, the expired and the dropped excepted: for a client that has not done anything yet
 * command.delivered(client) -> how many results say "delivered", up to the first that does not: that is the next of
 *   client:results()
 *
 * journal:read(from, size) -> text ("": the end); or nil, why. `from`: a number, 0 the first byte
 * journal:end_at(offset), journal:reserve(size), journal:sync() -> true; or nil, why
 * journal:append(text) -> where it is now; or nil, why
 * journal:expect(ticket, number): the event that will have that ticket is that of the record of this number
 * journal:trouble() -> why an answer could not be written, nil: all were
 * journal:close() */
#ifndef PE_LUA_COMMAND_H
#define PE_LUA_COMMAND_H

#include "lua/lua_compat.h"

/* Leaves the table of functions on the stack. */
void pe_lua_command_register(lua_State *L);

#endif
