/* MD5 (RFC 1321), by which the platform knows a repeated event: no protection, a name. Part of postevent.sandbox.httpd.
 */
#ifndef PE_SANDBOX_MD5_H
#define PE_SANDBOX_MD5_H

#include "lua/lua_compat.h"

/* md5(text) -> its digest, 32 hexadecimal digits. */
int sandbox_md5(lua_State *L);

#endif
