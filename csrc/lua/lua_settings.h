/* The settings of a client: the flat table that postevent/options/ makes of the options -> C. The core trusts their
 * values, which were checked, but not that they are all there: each is asked for by its name and its type, what is not
 * set being false, and one that nobody asks for is a mistake, too. So a setting that was forgotten on either side is an
 * error where the client is made, and not a zero. The owner's thread. */
#ifndef PE_LUA_SETTINGS_H
#define PE_LUA_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "delivery/client.h"
#include "lua/lua_compat.h"
#include "lua/lua_rules.h"

typedef enum pe_client_mode { PE_MODE_LIVE, PE_MODE_RECORD, PE_MODE_OFF } pe_client_mode;

typedef struct pe_lua_settings {
  pe_client_config config; /* `can_send`, `sends` and `group` are the caller's to set */
  pe_lua_event_rules rules;
  pe_client_mode mode;
  size_t max_event_bytes;
  const char *target; /* scheme and host, for tostring */
  /* what is a value of Lua's: whether it is there */
  bool has_common, has_prepare, has_log, has_guard, has_facts, logs_first_trouble;
} pe_lua_settings;

/* Reads the table at the absolute `index` into *settings, whose texts are the table's, and pushes the two arrays that
 * settings->config points into. Raises, naming the setting, where one is missing, of another type, or unknown. */
void pe_lua_settings_read(lua_State *L, int index, pe_lua_settings *settings);

/* The same of a table that has authorization, user and password alone; pushes nothing. */
pe_http_credentials pe_lua_settings_read_credentials(lua_State *L, int index);

#endif
