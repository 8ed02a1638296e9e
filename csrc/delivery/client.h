/* A client: wires the parts together and owns their life cycle. Belongs to one thread, the owner's. After a fork the
 * child's client is empty and shares nothing with the parent's: every function sees to that first. */
#ifndef PE_CLIENT_H
#define PE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "delivery/relay_command.h"
#include "delivery/results.h"
#include "delivery/submission.h"
#include "http/http.h"
#include "http/http_trace.h"
#include "policy/post_policy.h"
#include "queue/queue.h"
#include "spool/spool.h"

typedef struct pe_client pe_client;

/* What the reply says of an event that was only recorded. */
#define PE_RECORDED "recorded, not sent (mode = \"record\")"

typedef struct pe_client_config {
  bool can_send;       /* false: it never does; `http`, `relay` and `credentials` are not read */
  bool sends;          /* false: neither posts nor starts a sender, until pe_client_set_mode */
  pe_http_config http; /* its arrays and strings are copied, as are all below */
  pe_http_credentials credentials;
  pe_post_policy post;  /* its timeout is also one attempt's of a tracked event */
  size_t max_posts;     /* submissions that are posted at once */
  bool retry_ambiguous; /* tracked events that may have arrived are sent again */
  pe_queue_config queue;
  size_t results;  /* how many are kept */
  bool last_words; /* the program is told at its end what was lost, unless pe_client_asked was called */
  double rate_per_second, rate_burst;
  pe_relay_config relay; /* events go there, and nothing is posted; no stream: none */
  pe_spool_config spool; /* no directory: none; queue.spools says the same */
  const void *group;     /* the Lua state: whose threads end with it */
} pe_client_config;

/* What the process needs before its first client, or its first reader. Returns false when memory is out. */
bool pe_client_prepare(void);

/* Makes a client; opens no connection and starts no thread. Returns PE_OK and sets *client; or PE_NO_MEMORY or PE_TLS,
 * with *why as pe_http_plan_new and pe_http_new. */
pe_error pe_client_new(const pe_client_config *config, pe_client **client, const char **why);

/* Ends a client without waiting: what is pending has a second, behind the caller's back, to be delivered. The client is
 * not the caller's any more. NULL is legal. */
void pe_client_leave(pe_client *client);

/* The credentials (copied) of every later request; a held queue probes at once. Returns PE_OK; or PE_NO_MEMORY, and the
 * old ones stay. */
pe_error pe_client_set_credentials(pe_client *client, pe_http_credentials credentials);

/* What becomes of the events that are pending: they stay, and none is sent until this is called anew; they are
 * delivered; or they are dropped, but for those that are in flight, which end with this attempt. */
typedef enum pe_pending { PE_PENDING_KEEP, PE_PENDING_SEND, PE_PENDING_DROP } pe_pending;

/* Whether the client sends from now on (it must be able to), and what becomes of what is pending; one that does not
 * takes over nothing of a spool. Dropped is what other processes have left there, too: for that the sender's thread
 * starts; where it `may_start` not, pe_client_start does it later, in a child say. Returns PE_OK; or PE_CLOSED or
 * PE_NO_MEMORY, and nothing has changed. */
pe_error pe_client_set_mode(pe_client *client, bool sends, pe_pending pending, bool may_start);

/* Posts `body` and waits for the outcome; tries again where that is safe: nothing was sent, or the platform asked to
 * come back. Always fills *result. */
void pe_client_post(pe_client *client, const char *body, size_t size, pe_post_result *result);

/* Where what posts send and receive is written down from the first call on, which comes before the first post:
 * credentials hidden, the client's own. Where the caller makes it a rehearsal, each post ends PE_INTERRUPTED. NULL: out
 * of memory, or the client sends nothing, or is NULL itself. */
pe_http_trace *pe_client_trace(pe_client *client);

/* The same without waiting: hands a copy of `body` to the sender's thread, which is started at need; `waker` gets the
 * submission of that number, answered, whatever happens. Not for a client that sends nothing. Returns PE_OK; or
 * PE_CLOSED, PE_QUEUE_FULL (as many have no answer yet as the queue may have events) or PE_NO_MEMORY: none is sent. */
pe_error pe_client_submit(pe_client *client, pe_waker *waker, uint64_t number, const char *body, size_t size);

/* Starts the sender's thread unless it runs, or the client sends nothing and has nothing to drop. Returns PE_OK,
 * PE_CLOSED or PE_NO_MEMORY (the system has no thread or descriptor to give, too). */
pe_error pe_client_start(pe_client *client);

/* Accepts a copy of `event` for delivery, and starts the sender at need; a client that sends nothing counts it as
 * delivered. Counts the call. Returns PE_OK and sets *ticket; or what pe_queue_push or pe_client_start return. */
pe_error pe_client_track(pe_client *client, const pe_event *event, uint64_t *ticket);

/* Counts a call of track that ended before. */
void pe_client_refuse(pe_client *client, pe_error error);

/* Waits, at most `timeout` nanoseconds, until every event accepted so far has its outcome. Returns how many do not. */
uint64_t pe_client_flush(pe_client *client, int64_t timeout);

/* The first half of closing: nothing is accepted any more, and what was is flushed. Returns as pe_client_flush. */
uint64_t pe_client_close(pe_client *client, int64_t timeout);

/* The second half: ends the thread and closes the connections, within a moment. Returns how many events have no
 * outcome. Results and counters can still be read. */
uint64_t pe_client_stop(pe_client *client);

/* Closes without waiting: nothing is accepted any more, and the thread goes on by itself for `patience` nanoseconds at
 * most, to deliver what was. */
void pe_client_finish(pe_client *client, int64_t patience);

/* Whether a client that is to finish has: its thread and its connections are gone, its counters are final. Waits for it
 * `patience` nanoseconds at most (0: not at all). */
bool pe_client_has_ended(pe_client *client, int64_t patience);

/* The oldest result that was not read yet, which the caller frees with free(). NULL: there is none. */
pe_result *pe_client_take_result(pe_client *client);

/* Gives it back: it is the next to be taken. */
void pe_client_return_result(pe_client *client, pe_result *result);

/* Who is told of each result by the sender's thread, before it can be read; once, and before anything else is called.
 * Its `release` is called when that thread is no more, or here and now where false is returned: the client is at work
 * already. A forked child's client has none. */
bool pe_client_set_witness(pe_client *client, pe_witness witness);

/* How many results wait to be read, and how many gave way unread. */
size_t pe_client_results(pe_client *client, uint64_t *lost);

/* As pe_sender_allow and pe_sender_silence; before the sender runs they do nothing. */
int64_t pe_client_allow(pe_client *client, int64_t attempts);
void pe_client_silence(pe_client *client, bool silent);

/* For how long yet, in nanoseconds, the platform has asked for silence; 0: it has not. */
int64_t pe_client_gate(pe_client *client, int64_t now);

/* As pe_results_await and pe_results_attend. */
int pe_client_await_results(pe_client *client);
void pe_client_attend_results(pe_client *client);

/* As pe_queue_has_news and pe_queue_take_news. */
bool pe_client_has_news(const pe_client *client);
void pe_client_take_news(pe_client *client);

/* The program asks what became of its events, and is told. */
void pe_client_asked(pe_client *client);

void pe_client_snapshot(pe_client *client, pe_counters *counters);

#endif
