#include "http/http_multi.h"

#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#if defined(__linux__)
#include <sys/eventfd.h>
#endif
#include <unistd.h>

#include "base/clock.h"
#include "http/http_handle.h"

/* Each time it moves transfers on, libcurl asks the system about the socket of every one of them. So where many run and
 * few are ready, it is worth waiting for some more: as long as a reply over loopback takes. */
enum { MANY_RUNNING = 16, FEW = 8 /* one in so many */ };
static const int64_t GATHER = PE_MILLISECOND / 50;

/* A connection of the pool. libcurl tells a transfer its connection's local port and nothing more, so that is its
 * name. */
typedef struct connection {
  curl_socket_t socket;
  int local_port;      /* 0: not known yet */
  bool is_http_1;      /* a reply in HTTP/1 came over it */
  int64_t answered_at; /* monotonic; the last whole reply. 0: none yet */
} connection;

struct pe_http_multi {
  CURLM *multi;
  connection *connections; /* owned */
  size_t count, capacity;
  int running; /* transfers, as libcurl last said */
  int bell[2]; /* what is written to [1] can be read from [0], which wakes; an eventfd is both */
};

/* ---- the pool's sockets ---- */

/* Without memory the socket is not remembered, and its connection is not looked at before it is used again. */
void pe_http_multi_opened(pe_http_multi *multi, curl_socket_t socket) {
  if (multi->count == multi->capacity) {
    size_t capacity = multi->capacity * 2 + 8;
    connection *connections = realloc(multi->connections, capacity * sizeof *connections);
    if (!connections) return;
    multi->connections = connections;
    multi->capacity = capacity;
  }
  multi->connections[multi->count++] = (connection){.socket = socket};
}

static int on_close(void *user, curl_socket_t socket) {
  pe_http_multi *multi = user;
  for (size_t i = 0; i < multi->count; i++) {
    if (multi->connections[i].socket != socket) continue;
    multi->connections[i] = multi->connections[--multi->count];
    break;
  }
  return close(socket);
}

static int port_of(curl_socket_t socket) {
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } address;
  socklen_t size = sizeof address;

  if (getsockname(socket, &address.any, &size) != 0) return 0;
  if (address.any.sa_family == AF_INET) return ntohs(address.v4.sin_port);
  return address.any.sa_family == AF_INET6 ? ntohs(address.v6.sin6_port) : 0;
}

static connection *find_connection(pe_http_multi *multi, int local_port) {
  for (size_t i = 0; i < multi->count; i++) {
    connection *candidate = &multi->connections[i];
    if (candidate->local_port == 0) candidate->local_port = port_of(candidate->socket);
    if (candidate->local_port == local_port) return candidate;
  }
  return NULL;
}

bool pe_http_multi_is_stale(const pe_http *http, int local_port) {
  const connection *reused;
  long opened = 0;

  /* On a new connection a TLS 1.3 server's session tickets may wait. Over HTTP/2 frames may come at any time. */
  if (curl_easy_getinfo(http->easy, CURLINFO_NUM_CONNECTS, &opened) != CURLE_OK || opened > 0) return false;
  reused = find_connection(http->multi, local_port);
  return reused && reused->is_http_1 && pe_http_has_input(reused->socket);
}

/* ---- the bell: libcurl's own is a pair of sockets, which cost the caller more ---- */

#if defined(__linux__)
static bool make_bell(int bell[2]) {
  bell[0] = bell[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return bell[0] >= 0;
}
#else
/* Neither inherited over exec nor waited for. */
static bool prepare_descriptor(int descriptor) {
  int flags = fcntl(descriptor, F_GETFL);
  return flags >= 0 && fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 &&
         fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0;
}

static bool make_bell(int bell[2]) {
  return pipe(bell) == 0 && prepare_descriptor(bell[0]) && prepare_descriptor(bell[1]);
}
#endif

static void ring(const int bell[2]) {
  const uint64_t once = 1; /* the size that an eventfd wants */
  (void)!write(bell[1], &once, sizeof once);
}

static void silence(const int bell[2]) {
  uint64_t bytes[8];
  (void)!read(bell[0], bytes, sizeof bytes); /* what a pipe may hold beyond that ends the next sleep */
}

static void close_bell(const int bell[2]) {
  if (bell[0] >= 0) (void)close(bell[0]);
  if (bell[1] >= 0 && bell[1] != bell[0]) (void)close(bell[1]);
}

/* ---- life cycle ---- */

pe_error pe_http_multi_new(size_t width, pe_http_multi **multi) {
  pe_http_multi *made = calloc(1, sizeof *made);

  if (!made) return PE_NO_MEMORY;
  made->bell[0] = made->bell[1] = -1;
  made->multi = curl_multi_init();
  if (!made->multi || !make_bell(made->bell) ||
      curl_multi_setopt(made->multi, CURLMOPT_MAXCONNECTS, (long)width) != CURLM_OK) {
    pe_http_multi_free(made);
    return PE_NO_MEMORY;
  }
  *multi = made;
  return PE_OK;
}

void pe_http_multi_free(pe_http_multi *multi) {
  if (!multi) return;
  (void)curl_multi_cleanup(multi->multi); /* fails for a handle that is none */
  close_bell(multi->bell);
  free(multi->connections);
  free(multi);
}

pe_error pe_http_multi_join(pe_http_multi *multi, pe_http *http, void *user) {
  CURL *easy = http->easy;
  CURLcode result = CURLE_OK;

  SET(CURLOPT_PRIVATE, http);
  SET(CURLOPT_CLOSESOCKETFUNCTION, on_close);
  SET(CURLOPT_CLOSESOCKETDATA, multi);
  SET(CURLOPT_PIPEWAIT, http->uses_http_2 ? 1L : 0L); /* rather a stream of the connection there is than one more */
  if (result != CURLE_OK) return PE_NO_MEMORY;
  http->multi = multi;
  http->user = user;
  return PE_OK;
}

void *pe_http_user(const pe_http *http) {
  return http->user;
}

/* ---- transfers ---- */

static CURLcode add(pe_http *http) {
  CURLMcode result = curl_multi_add_handle(http->multi->multi, http->easy);
  return result == CURLM_OK ? CURLE_OK : CURLE_OUT_OF_MEMORY;
}

pe_error pe_http_multi_begin(pe_http *http, const char *body, size_t size, int64_t timeout, pe_http_result *out) {
  CURLcode result = pe_http_begin(http, body, size, timeout, false, out);
  if (result == CURLE_OK) result = add(http);
  if (result == CURLE_OK) return PE_OK;
  pe_http_end(http, result);
  return out->error;
}

void pe_http_multi_run(pe_http_multi *multi) {
  (void)curl_multi_perform(multi->multi, &multi->running); /* what goes wrong is told with the transfer that it ends */
}

/* The transfer met a connection with something to read: the same once more, over a new one. Nothing was sent. */
static bool begin_afresh(pe_http *http) {
  CURL *easy = http->easy;
  CURLcode result = CURLE_OK;

  http->stale = false;
  http->detail[0] = '\0';
  SET(CURLOPT_FRESH_CONNECT, 1L);
  if (result == CURLE_OK) result = add(http);
  return result == CURLE_OK;
}

/* What the end of a transfer says of its connection. HTTP/1 closes one on which time ran out. HTTP/2 keeps it for its
 * other streams; where no answer came for as long as the transfer lasted it is dead, and would be for all that follow.
 */
static void note_connection(const pe_http *http, CURLcode result) {
  connection *used = NULL;
  long local_port = 0;
  long version = 0;

  (void)curl_easy_getinfo(http->easy, CURLINFO_LOCAL_PORT, &local_port);
  (void)curl_easy_getinfo(http->easy, CURLINFO_HTTP_VERSION, &version);
  if (local_port > 0) used = find_connection(http->multi, (int)local_port);
  if (!used) return;
  if (result == CURLE_OK) {
    used->is_http_1 = version == CURL_HTTP_VERSION_1_0 || version == CURL_HTTP_VERSION_1_1;
    used->answered_at = pe_clock_monotonic();
  } else if (result == CURLE_OPERATION_TIMEDOUT && used->answered_at < http->begun_at) {
    (void)shutdown(used->socket, SHUT_RDWR); /* libcurl closes it: it is not ours */
  }
}

pe_http *pe_http_multi_done(pe_http_multi *multi) {
  CURLMsg *message;
  int left;

  while ((message = curl_multi_info_read(multi->multi, &left))) {
    CURLcode result = message->data.result;
    CURL *easy = message->easy_handle;
    pe_http *http = NULL;
    if (message->msg != CURLMSG_DONE) continue;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &http); /* `message` is gone after the next call */
    (void)curl_multi_remove_handle(multi->multi, easy);
    if (http->stale && begin_afresh(http)) continue;
    note_connection(http, result);
    pe_http_end(http, result);
    return http;
  }
  return NULL;
}

pe_sent pe_http_multi_cancel(pe_http *http) {
  (void)curl_multi_remove_handle(http->multi->multi, http->easy);
  return http->requests > 0 ? PE_SENT_MAYBE : PE_SENT_NO;
}

void pe_http_multi_wait(pe_http_multi *multi, int64_t nanoseconds) {
  /* Rounded up: to wake before the time only to sleep again costs more. */
  int64_t timeout = nanoseconds / PE_MILLISECOND + (nanoseconds % PE_MILLISECOND > 0);
  struct curl_waitfd bell = {.fd = multi->bell[0], .events = CURL_WAIT_POLLIN};
  int ready = 0;
  CURLMcode result = curl_multi_poll(multi->multi, &bell, 1, timeout < INT_MAX ? (int)timeout : INT_MAX, &ready);
  if (bell.revents != 0) silence(multi->bell);
  if (result != CURLM_OK)
    pe_clock_sleep(PE_MILLISECOND); /* out of memory: it did not wait, and we must not spin */
  else if (multi->running >= MANY_RUNNING && ready * FEW < multi->running)
    pe_clock_sleep(GATHER);
}

void pe_http_multi_wake(pe_http_multi *multi) {
  ring(multi->bell);
}
