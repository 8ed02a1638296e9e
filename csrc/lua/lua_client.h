/* The class postevent.client: a userdata around one pe_client. One thread, one Lua state. Its methods are in three
 * files: lua_client.c (life), lua_deliver.c (the way of an event), lua_account.c and lua_stats.c (what became of
 * events). */
#ifndef PE_LUA_CLIENT_H
#define PE_LUA_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "delivery/client.h"
#include "lua/lua_call.h"
#include "lua/lua_compat.h"
#include "lua/lua_event.h"

typedef enum pe_client_mode { PE_MODE_LIVE, PE_MODE_RECORD, PE_MODE_OFF } pe_client_mode;

/* What the user value of the userdata, a table, keeps alive. */
enum {
  PE_KEEP_COMMON = 1,
  PE_KEEP_PREPARE,
  PE_KEEP_LOG,
  PE_KEEP_RECORDED,
  PE_KEEP_DEFINITIONS,
  PE_KEEP_UNPUBLISHED,
  PE_KEEP_CALL,
  PE_KEEP_GUARD,
  PE_KEEP_ANNOUNCE,
  PE_KEEP_COUNT = PE_KEEP_ANNOUNCE
};

/* Lines for the log, each at most once a second. */
typedef enum pe_log_kind {
  PE_LOG_RETRIED,
  PE_LOG_INVALID,
  PE_LOG_UNPUBLISHED,
  PE_LOG_STATE,
  PE_LOG_LOST,
  PE_LOG_KINDS
} pe_log_kind;

typedef struct pe_lua_client {
  pe_client *client; /* NULL only while it is made, and when it is collected */
  bool closed;
  /* immutable after new */
  const void *magic; /* CLASS of lua_client.c: the userdata is a client */
  pe_lua_call *call; /* what a call works with; kept alive by PE_KEEP_CALL */
  pe_client_mode mode;
  size_t max_event_bytes;
  bool has_common;
  bool has_prepare; /* a function: event -> completed copy, or nil (before_send's word); it applies `common` itself */
  bool has_log;
  bool is_guarded;     /* a function that raises where its caller must not wait: in a request of nginx */
  bool waits_for_room; /* track may, with queue.overflow = "wait" */
  bool
      has_announce; /* a function that wants to know when events are tracked: client:_announce, of the owner's thread */
  pe_lua_event_rules rules;
  char target[300]; /* scheme and host, for tostring */
  /* of this process: a forked child begins anew */
  unsigned generation; /* pe_worker_generation's */
  bool announced;      /* the function was told of a call of track; until it asks again */
  /* one line a second of each kind */
  struct {
    int64_t last;
    long suppressed;
  } logged[PE_LOG_KINDS];
  pe_state told_state;   /* the last one that the log was told */
  uint64_t told_lost;    /* how many events had come to no good then */
  uint64_t invalid_sent; /* with validation = "warn" */
  size_t results_left;   /* of the loop over results that runs */
  pe_result *reading;    /* results that are being handed to Lua, the newest first; linked by `next` */
} pe_lua_client;

/* The client at index 1; raises where there is none. */
pe_lua_client *pe_lua_check_client(lua_State *L);

/* Pushes one of the values that the client at `index` keeps. */
void pe_lua_push_kept(lua_State *L, int index, int slot);

/* Raises where the method of that name would make a worker of nginx wait. May be called with anything on the stack. */
void pe_lua_check_may_wait(lua_State *L, const pe_lua_client *self, const char *method);

/* Registers the class; pushes its table of methods, which Lua completes. */
void pe_lua_client_register(lua_State *L);

/* core.new(settings) -> client. `settings` was checked and completed by postevent/options/, which lists its fields.
 * Raises where the C libraries cannot do what they ask. */
int pe_lua_client_new(lua_State *L);

/* Set the methods of lua_deliver.c, lua_account.c and lua_stats.c in the table on top. */
void pe_lua_deliver_set_methods(lua_State *L);
void pe_lua_account_set_methods(lua_State *L);
void pe_lua_stats_set_methods(lua_State *L);

/* core.sum(list) -> the stats of all processes whose counters, the strings of client:_counters(), are listed. */
int pe_lua_stats_sum(lua_State *L);

/* core.total(list, ended) -> such a string: their sum; with `ended`, of processes that are no more. */
int pe_lua_stats_total(lua_State *L);

/* What flush and close return: as pe_lua_push_remaining. */
int pe_lua_account_push_remaining(lua_State *L, pe_lua_client *self, uint64_t remaining);

#endif
