/* The life of threads in a process that is not ours: started at need, joined within a bounded time, forgotten in a
 * forked child, and ended before exit() takes away what they use. Owns the list of all of them, and the process's two
 * handlers (pthread_atfork, atexit). Any thread may call.
 *
 * A fork waits until every worker is at rest, and no other thread is on a visit: what a thread holds in a library at
 * that moment (the locks of OpenSSL) would stay locked in the child for ever, and the child's first TLS handshake would
 * never end. */
#ifndef PE_WORKER_H
#define PE_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/thread.h"

typedef struct pe_worker pe_worker;

/* Embedded in what the thread works with. Filled by pe_worker_start. */
struct pe_worker {
  /* immutable after start */
  const void *group;            /* whose: a Lua state's */
  void (*run)(pe_worker *self); /* the thread; it returns when it is done */
  /* Asks it to be done by `deadline` (monotonic); an earlier wish stays. Any thread; does not wait. */
  void (*finish)(pe_worker *self, int64_t deadline);
  pe_thread thread;
  pe_mutex at_work; /* held by the thread but for its rests; by a fork */
  /* guarded by the list's lock */
  pe_worker *next;
  bool ended;                       /* `run` returned: joining takes no time */
  bool joined;                      /* by a fork, or at exit; its owner may still come */
  void (*dispose)(pe_worker *self); /* frees it all, once joined; NULL while somebody owns it */
};

/* What the process needs before the first thread, or the first connection that a fork could share. `begin` is called
 * once in the process, unless it returns false; it prepares the libraries. No fork falls into it: what they had locked
 * by then would stay locked in the child. What is registered at exit comes after it, and so runs before what they have
 * registered. Returns false when memory is out, or `begin` failed; the next call tries again. */
bool pe_worker_prepare(bool (*begin)(void));

/* How many forks lie between the process's start and now. A handle made at another count is the parent's: not to be
 * used, not to be cleaned up, its locks not to be taken. Costs a read. */
unsigned pe_worker_generation(void);

/* A thread of the program's goes where a fork must not fall into, and comes out: none can happen between the two, so
 * there is to be no wait. The caller is no worker and holds no lock. */
void pe_worker_visit(void);
void pe_worker_depart(void);

/* The same, into a library that the end of the process takes away: OpenSSL, for one, cleans up at exit. Returns false
 * once another thread exits: nothing of that library's is to be called any more. Exit waits for those who are in. */
bool pe_worker_try_visit(void);

/* Whether a fork, or the end of the process, has waited for long for those who are at work or on a visit. For loops in
 * which a library asks whether to go on. Costs a read. */
bool pe_worker_is_awaited(int64_t now);

/* Starts the thread, which is at work. Returns false when the system has none to give, and once the process exits. */
bool pe_worker_start(pe_worker *worker);

/* The thread is about to sleep, and has slept: a fork can happen between the two, and no other time. The worker's
 * thread, which holds no lock. */
void pe_worker_rest(pe_worker *worker);
void pe_worker_resume(pe_worker *worker);

/* Waits for the end of a thread that was asked to finish, until `deadline` (monotonic). Returns true when it is over
 * and joined; false when it still runs: it is not to be freed. */
bool pe_worker_join(pe_worker *worker, int64_t deadline);

/* Leaves a worker to the list: asks it to finish within `patience` nanoseconds and disposes of it when it has. Does not
 * wait. */
void pe_worker_leave(pe_worker *worker, int64_t patience, void (*dispose)(pe_worker *self));

/* Joins and disposes of what a group (NULL: all) has left and of what has ended; asks the rest of the group to finish.
 * Takes at most `patience` nanoseconds in all, and a little to cancel what then still runs. */
void pe_worker_end_all(const void *group, int64_t patience);

#endif
