#include "base/worker.h"

#include <stdlib.h>

#include "base/clock.h"

/* From the time by which threads are to be done to the time by which we stop waiting for one. */
static const int64_t GRACE = 500 * PE_MILLISECOND;
static const int64_t EXIT_PATIENCE = 900 * PE_MILLISECOND; /* design.md: one second in all */

static const int64_t A_WHILE = PE_SECOND; /* of a wait that a broadcast ends */

/* So long a thread may let a fork or an exit wait, where it could come out: it is in good time for EXIT_PATIENCE. */
static const int64_t LONG_WAIT = 500 * PE_MILLISECOND;

static struct {
  pe_mutex lock;
  pe_cond ended;
  /* guarded by lock */
  pe_worker *first;
  int visitors;     /* threads between pe_worker_visit and pe_worker_depart */
  bool begun;       /* what pe_worker_prepare was given is done */
  bool prepared;    /* and the rest of it */
  bool exiting;     /* no thread is started any more */
  bool is_leaving;  /* this process exits: visits are its thread's alone */
  pe_thread leaver; /* who calls exit, where it does */
} all = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Written when the library is loaded. */
static bool watched;

/* Forks that wait for the workers to rest. Atomic. */
static int forks;

/* Since when a fork, or who exits, waits (monotonic); 0: nobody. Atomic. */
static int64_t awaited_since;

/* Written in a forked child only, which has one thread then. */
static unsigned generation;

/* ---- fork and exit ---- */

/* Waits for the end of a thread that has ended, as far as we are concerned: what the libraries have registered for it,
 * they do on it afterwards, and OpenSSL takes locks for that. With the list's lock held, so that no fork falls into it.
 */
static void join(pe_worker *worker) {
  if (!worker->joined) pe_thread_join(worker->thread);
  worker->joined = true;
}

static void set_awaited(bool awaited) {
  __atomic_store_n(&awaited_since, awaited ? pe_clock_monotonic() : 0, __ATOMIC_RELAXED);
}

/* The locks are held across a fork, so that the child finds the list whole, and no worker inside a library. */
static void before_fork(void) {
  if (__atomic_add_fetch(&forks, 1, __ATOMIC_RELAXED) == 1) set_awaited(true);
  pe_mutex_lock(&all.lock);
  while (all.visitors > 0)
    (void)pe_cond_wait(&all.ended, &all.lock, A_WHILE);
  for (pe_worker *worker = all.first; worker; worker = worker->next)
    if (worker->ended) join(worker);
  for (pe_worker *worker = all.first; worker; worker = worker->next)
    pe_mutex_lock(&worker->at_work);
}

static void after_fork_in_parent(void) {
  for (pe_worker *worker = all.first; worker; worker = worker->next)
    pe_mutex_unlock(&worker->at_work);
  set_awaited(__atomic_sub_fetch(&forks, 1, __ATOMIC_RELAXED) > 0 || all.is_leaving);
  pe_cond_broadcast(&all.ended); /* visitors wait for it */
  pe_mutex_unlock(&all.lock);
}

/* The parent's threads are not here. What they had is left alone: its memory is the price of a fork. */
static void after_fork_in_child(void) {
  generation++;
  forks = 0;
  set_awaited(false);
  all.first = NULL;
  all.visitors = 0;
  all.is_leaving = false;
  (void)pe_mutex_init(&all.lock);
  (void)pe_cond_init(&all.ended);
}

/* Those on a visit come out of a library that is about to go away, and none goes in any more. Who exits on a visit, by
 * a signal, waits for itself, and not for ever. */
static void see_visitors_out(int64_t deadline) {
  pe_mutex_lock(&all.lock);
  for (int64_t left = deadline - pe_clock_monotonic(); all.visitors > 0 && left > 0;
       left = deadline - pe_clock_monotonic())
    (void)pe_cond_wait(&all.ended, &all.lock, left);
  pe_mutex_unlock(&all.lock);
}

static void at_exit(void) {
  int64_t deadline = pe_clock_monotonic() + EXIT_PATIENCE;
  pe_mutex_lock(&all.lock);
  all.exiting = all.is_leaving = true;
  all.leaver = pe_thread_self();
  set_awaited(true);
  pe_mutex_unlock(&all.lock);
  pe_worker_end_all(NULL, EXIT_PATIENCE);
  see_visitors_out(deadline);
}

/* The handlers are there before anything of ours can hold a lock, and without one: a fork that begins while they are
 * registered runs none of them. */
__attribute__((constructor)) static void watch_forks(void) {
  watched = pe_cond_init(&all.ended) && pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0;
}

/* Under the lock, which a fork takes: it waits until `begin` is through. Each step once. */
bool pe_worker_prepare(bool (*begin)(void)) {
  bool prepared;
  pe_mutex_lock(&all.lock);
  if (watched && !all.begun) all.begun = begin();
  if (all.begun && !all.prepared) all.prepared = atexit(at_exit) == 0;
  prepared = all.prepared;
  pe_mutex_unlock(&all.lock);
  return prepared;
}

/* A fork goes first: threads that come and go would let it have no turn. With the lock held. */
static void visit(void) {
  while (__atomic_load_n(&forks, __ATOMIC_RELAXED) > 0)
    (void)pe_cond_wait(&all.ended, &all.lock, A_WHILE);
  all.visitors++;
}

void pe_worker_visit(void) {
  pe_mutex_lock(&all.lock);
  visit();
  pe_mutex_unlock(&all.lock);
}

/* Refused, and not kept waiting: who exits may wait for that thread afterwards. */
bool pe_worker_try_visit(void) {
  bool may;
  pe_mutex_lock(&all.lock);
  may = !all.is_leaving || pe_thread_is_self(all.leaver);
  if (may) visit();
  pe_mutex_unlock(&all.lock);
  return may;
}

void pe_worker_depart(void) {
  pe_mutex_lock(&all.lock);
  if (--all.visitors == 0) pe_cond_broadcast(&all.ended);
  pe_mutex_unlock(&all.lock);
}

bool pe_worker_is_awaited(int64_t now) {
  int64_t since = __atomic_load_n(&awaited_since, __ATOMIC_RELAXED);
  return since > 0 && now - since > LONG_WAIT;
}

unsigned pe_worker_generation(void) {
  return generation;
}

void pe_worker_rest(pe_worker *worker) {
  pe_mutex_unlock(&worker->at_work);
}

void pe_worker_resume(pe_worker *worker) {
  if (__atomic_load_n(&forks, __ATOMIC_RELAXED) > 0) { /* lets the fork go first: a busy worker would take all turns */
    pe_mutex_lock(&all.lock);
    pe_mutex_unlock(&all.lock);
  }
  pe_mutex_lock(&worker->at_work);
}

/* ---- the list ---- */

static void *run(void *user) {
  pe_worker *worker = user;
  pe_thread_set_name("postevent");
  pe_worker_resume(worker);
  worker->run(worker);
  pe_worker_rest(worker);
  pe_mutex_lock(&all.lock);
  worker->ended = true;
  pe_cond_broadcast(&all.ended);
  pe_mutex_unlock(&all.lock);
  return NULL;
}

/* Takes one that has ended from the list: nothing is left of its thread. With the lock held. */
static void unlist(pe_worker *worker) {
  pe_worker **link = &all.first;
  while (*link != worker)
    link = &(*link)->next;
  *link = worker->next;
  join(worker);
  pe_mutex_destroy(&worker->at_work);
}

/* Takes a worker out that was left and has ended; NULL: none. With the lock held. */
static pe_worker *take_ended(void) {
  for (pe_worker *worker = all.first; worker; worker = worker->next) {
    if (!worker->ended || !worker->dispose) continue;
    unlist(worker);
    return worker;
  }
  return NULL;
}

/* Frees what has ended since. */
static void reap(void) {
  pe_worker *worker;
  do {
    pe_mutex_lock(&all.lock);
    worker = take_ended();
    pe_mutex_unlock(&all.lock);
    if (!worker) break;
    worker->dispose(worker);
  } while (true);
}

bool pe_worker_start(pe_worker *worker) {
  bool started;
  reap();
  if (!pe_mutex_init(&worker->at_work)) return false;
  worker->ended = worker->joined = false;
  worker->dispose = NULL;
  /* Under the lock: a thread that ends at once finds itself on the list, and a fork finds both or neither. */
  pe_mutex_lock(&all.lock);
  started = !all.exiting && pe_thread_start(&worker->thread, run, worker);
  if (started) {
    worker->next = all.first;
    all.first = worker;
  }
  pe_mutex_unlock(&all.lock);
  if (!started) pe_mutex_destroy(&worker->at_work);
  return started;
}

bool pe_worker_join(pe_worker *worker, int64_t deadline) {
  bool ended;
  pe_mutex_lock(&all.lock);
  for (int64_t left = deadline - pe_clock_monotonic(); !worker->ended && left > 0;
       left = deadline - pe_clock_monotonic())
    (void)pe_cond_wait(&all.ended, &all.lock, left);
  ended = worker->ended;
  if (ended) unlist(worker);
  pe_mutex_unlock(&all.lock);
  return ended;
}

void pe_worker_leave(pe_worker *worker, int64_t patience, void (*dispose)(pe_worker *self)) {
  worker->finish(worker, pe_clock_monotonic() + patience);
  pe_mutex_lock(&all.lock);
  worker->dispose = dispose;
  pe_mutex_unlock(&all.lock);
  reap();
}

/* Asks all of the group to finish. With the lock held: none of them can be disposed of meanwhile. */
static void ask(const void *group, int64_t deadline) {
  for (pe_worker *worker = all.first; worker; worker = worker->next)
    if (!group || worker->group == group) worker->finish(worker, deadline);
}

/* Whether one of the group still runs. With the lock held. */
static bool is_running(const void *group) {
  for (const pe_worker *worker = all.first; worker; worker = worker->next)
    if (!worker->ended && (!group || worker->group == group)) return true;
  return false;
}

/* Joins those that have ended and still belong to somebody, who is not there to do it any more: at exit. */
static void join_owned(void) {
  pe_mutex_lock(&all.lock);
  for (pe_worker *worker = all.first; worker; worker = worker->next)
    if (worker->ended && !worker->dispose) join(worker);
  pe_mutex_unlock(&all.lock);
}

void pe_worker_end_all(const void *group, int64_t patience) {
  int64_t deadline = pe_clock_monotonic() + patience;
  int64_t left = patience;

  pe_mutex_lock(&all.lock);
  ask(group, deadline);
  while (is_running(group) && left + GRACE > 0) {
    (void)pe_cond_wait(&all.ended, &all.lock, left + GRACE);
    left = deadline - pe_clock_monotonic();
  }
  pe_mutex_unlock(&all.lock);
  reap();
  if (!group) join_owned();
}
