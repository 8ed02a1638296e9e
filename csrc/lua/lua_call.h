/* What one call of post, track or encode works with: the body, and the result. Lua may run a finalizer, and with it
 * anything, inside nearly every call of its interface: one that closes the client, or posts with it. So a call has its
 * own: the client's, unless a call further out is working with that. */
#ifndef PE_LUA_CALL_H
#define PE_LUA_CALL_H

#include <stdbool.h>

#include "delivery/client.h"
#include "lua/lua_compat.h"

typedef struct pe_lua_call {
  pe_buffer body;
  pe_post_result result;
  bool busy; /* a call works with it, or was ended by an error, which is rare enough */
} pe_lua_call;

/* Registers the class. */
void pe_lua_call_register(lua_State *L);

/* Pushes a new one, a userdata that frees itself; its body is empty, with that ceiling. */
pe_lua_call *pe_lua_call_new(lua_State *L, size_t ceiling);

/* The call to work with: `kept`, or where that is busy a new one, pushed. Its body is empty. */
static inline pe_lua_call *pe_lua_call_begin(lua_State *L, pe_lua_call *kept) {
  pe_lua_call *call = kept->busy ? pe_lua_call_new(L, kept->body.ceiling) : kept;
  call->busy = true;
  call->body.size = 0;
  return call;
}

static inline void pe_lua_call_end(pe_lua_call *call) {
  call->busy = false;
}

#endif
