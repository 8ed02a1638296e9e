/* Whose an address is. Part of postevent.sandbox.httpd. */
#ifndef PE_SANDBOX_ADDRESS_H
#define PE_SANDBOX_ADDRESS_H

#include "lua/lua_compat.h"

/* is_own_address(text) -> whether the text is an IPv4 or IPv6 address of this machine, now. False for what is none. */
int sandbox_address_is_own(lua_State *L);

#endif
