/* Many posts at once, on one thread: libcurl's multi interface. Owns the pool of connections. Everything but
 * pe_http_multi_wake and pe_http_multi_finish_by belongs to that thread. */
#ifndef PE_HTTP_MULTI_H
#define PE_HTTP_MULTI_H

#include "http/http.h"

typedef struct pe_http_multi pe_http_multi;

/* Makes a pool that keeps up to `width` connections alive; opens none. Returns PE_OK and sets *multi, which the caller
 * frees; or PE_NO_MEMORY, also when there is no descriptor left to wake it with. */
pe_error pe_http_multi_new(size_t width, pe_http_multi **multi);

/* Closes the connections. Nothing is in flight any more; the handles that joined are not used again. NULL is legal. */
void pe_http_multi_free(pe_http_multi *multi);

/* From now on the handle posts through `multi` alone. `user` is what pe_http_user returns. Returns PE_OK or
 * PE_NO_MEMORY. */
pe_error pe_http_multi_join(pe_http_multi *multi, pe_http *http, void *user);

void *pe_http_user(const pe_http *http);

/* Begins to post `body`, which is borrowed as *result is until the handle is done or cancelled. Returns PE_OK; or the
 * post failed at once, *result is filled and says so, and nothing is in flight. */
pe_error pe_http_multi_begin(pe_http *http, const char *body, size_t size, int64_t timeout, pe_http_result *result);

/* Moves all transfers on as far as they go without waiting. */
void pe_http_multi_run(pe_http_multi *multi);

/* The next handle that is done, its result filled; NULL: none. */
pe_http *pe_http_multi_done(pe_http_multi *multi);

/* Gives a post up. Returns whether its event may have been sent. */
pe_sent pe_http_multi_cancel(pe_http *http);

/* Sleeps until there is something to do for a transfer, or pe_http_multi_wake is called, or at most `nanoseconds`. */
void pe_http_multi_wait(pe_http_multi *multi, int64_t nanoseconds);

/* From that time on (monotonic) no post that was not sent yet keeps the thread in pe_http_multi_run. Any thread. */
void pe_http_multi_finish_by(pe_http_multi *multi, int64_t time);

/* Ends the sleep, or the next one. Any thread. */
void pe_http_multi_wake(pe_http_multi *multi);

#endif
