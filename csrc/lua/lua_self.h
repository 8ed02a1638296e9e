/* The userdata of a client, which the files of its methods share: lua_client.c (life), lua_deliver.c (the way of an
 * event), lua_account.c and lua_stats.c (what became of events), lua_log.c. One thread, one Lua state. */
#ifndef PE_LUA_SELF_H
#define PE_LUA_SELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "delivery/client.h"
#include "lua/lua_call.h"
#include "lua/lua_compat.h"
#include "lua/lua_rules.h"
#include "lua/lua_settings.h"

/* The name of the class, and of its metatable in the registry. */
#define PE_LUA_SELF_CLASS "postevent.client"

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
  PE_KEEP_FACTS,
  PE_KEEP_TRY,
  PE_KEEP_ANNOUNCE,
  PE_KEEP_COUNT = PE_KEEP_ANNOUNCE
};

/* Lines for the log, each at most once a second. */
typedef enum pe_log_kind {
  PE_LOG_RETRIED,
  PE_LOG_FAILED,
  PE_LOG_INVALID,
  PE_LOG_UNPUBLISHED,
  PE_LOG_STATE,
  PE_LOG_LOST,
  PE_LOG_SPOOL,
  PE_LOG_DAMAGED,
  PE_LOG_NEWER,
  PE_LOG_BARRED,
  PE_LOG_ELSEWHERE,
  PE_LOG_REFUSED, /* and the pe_error: a kind for each */
  PE_LOG_KINDS = PE_LOG_REFUSED + PE_ERROR_COUNT
} pe_log_kind;

/* What the log was told of a spool. */
typedef struct pe_lua_told_spool {
  pe_spool_state state;
  uint64_t failures, damaged, newer, barred, elsewhere, unreadable;
} pe_lua_told_spool;

typedef struct pe_lua_self {
  pe_client *client; /* NULL only while it is made, and when it is collected */
  bool closed;
  /* of now: client:set_common and client:set_mode change them */
  pe_client_mode mode;
  bool has_sent; /* it was "live": something may be under way in every mode */
  bool has_common;
  bool has_prepare; /* a function: event -> completed copy, or nil (before_send's word); it applies `common` itself */
  /* immutable after new */
  const void *magic; /* of lua_self.c: the userdata is a client */
  pe_lua_call *call; /* what a call works with; kept alive by PE_KEEP_CALL */
  bool has_log;
  bool logs_first_trouble; /* of the spool, and nothing else */
  bool spools;             /* events go to disk: spool.max_age counts */
  bool relays;             /* events go to a stream of Redis: there is no post */
  bool is_guarded;         /* a function that raises where its caller must not wait: in a request of nginx */
  bool waits_for_room;     /* track may, with queue.overflow = "wait" */
  bool waits_for_disk;     /* track does, with spool.wait */
  bool has_announce;       /* a function that wants to know when events are tracked: client:_announce */
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
  pe_state told_state; /* the last one that the log was told */
  uint64_t told_lost;  /* how many events had come to no good then */
  pe_lua_told_spool told_spool;
  uint64_t invalid_sent; /* with validation = "warn" */
  size_t results_left;   /* of the loop over results that runs */
} pe_lua_self;

/* Pushes an empty one, which its class's __gc may meet: all is zero, and the class is set. */
pe_lua_self *pe_lua_self_new(lua_State *L);

/* The client at index 1, NULL where there is none. */
pe_lua_self *pe_lua_self_test(lua_State *L);

/* The client at index 1; raises where there is none. */
pe_lua_self *pe_lua_self_check(lua_State *L);

/* Pushes one of the values that the client at `index` keeps. */
void pe_lua_self_push_kept(lua_State *L, int index, int slot);

/* Calls f(L, data), in which the client is at index 1, and lets no error through: not even Lua's memory error, since it
 * allocates nothing before. Returns 0, and the `results` values are on top; or lua_pcall's status, and the error is.
 * For what must be told although memory is out, and for who holds something in C. */
int pe_lua_self_try(lua_State *L, int (*f)(lua_State *L, void *data), void *data, int results);

/* What PE_KEEP_TRY holds. */
int pe_lua_self_run_try(lua_State *L);

/* Raises where the method of that name would make a worker of nginx wait, in a client that ever was "live". May be
 * called with anything on the stack. */
void pe_lua_self_check_may_wait(lua_State *L, const pe_lua_self *self, const char *method);

#endif
