/* A ring of records for the sandbox's store: bytes of which the newest are kept, within a bound that is the memory
 * itself. Part of postevent.sandbox.httpd. Thread: the caller's. */
#ifndef PE_SANDBOX_RING_H
#define PE_SANDBOX_RING_H

#include "lua/lua_compat.h"

/* new_ring(max_count, max_bytes) -> a ring, whose methods are
 *
 *   add(text, ...)            a record of these texts, one behind the other, becomes the newest; the oldest make room.
 *                             One that is larger than the ring goes at once, and all others with it
 *   read(number, from, to)    a part of a record, from and to as in string.sub, but positive; nil: it is gone
 *   bounds()                  the numbers of the oldest and the newest; records are numbered from 1, and clear goes on
 *   clear()                   nothing is kept; the memory is given back
 *
 * Raises where memory is out; what was kept stays. */
int sandbox_ring_new(lua_State *L);

/* Makes the class of rings known; once for each Lua state, before sandbox_ring_new. */
void sandbox_ring_register(lua_State *L);

#endif
