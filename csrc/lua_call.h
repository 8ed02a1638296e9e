/* What one call of post or encode works with: the body, and the result. Lua may run a finalizer, and with it anything,
 * inside nearly every call of its interface: one that closes the client, or posts with it. So nothing that a call works
 * with belongs to the client: it is a userdata of the call's own, which the client keeps for the next one. */
#ifndef PE_LUA_CALL_H
#define PE_LUA_CALL_H

#include "client.h"
#include "lua_compat.h"

typedef struct pe_lua_call {
  pe_buffer body;
  pe_post_result result;
} pe_lua_call;

/* Registers the class. */
void pe_lua_call_register(lua_State *L);

/* Pushes the userdata that is kept in slot `slot` of the table at the absolute index `kept`, and takes it from there;
 * or a new one when another call has it. Its body is empty, with that ceiling. */
pe_lua_call *pe_lua_call_take(lua_State *L, int kept, int slot, size_t ceiling);

/* Keeps the userdata at the absolute index `call` for the next. A call that ends by an error need not: the collector
 * frees it. */
void pe_lua_call_keep(lua_State *L, int kept, int slot, int call);

#endif
