#include "redis/redis_link.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/descriptor.h"
#include "redis/redis_command.h"
#include "redis/redis_lookup.h"
#include "redis/redis_wire.h"

enum { OUT_CEILING = 64 << 20, READ_SIZE = 16 << 10, READS = 64 };

typedef enum step { OFF, LOOKING, CONNECTING, SECURING, GREETING, READY } step;

struct pe_redis_link {
  pe_redis_link_config config;
  step step;
  pe_redis_wire wire;
  pe_redis_lookup *lookup;
  pe_redis_addresses addresses;
  size_t address;     /* the one that is being tried */
  int64_t connect_by; /* monotonic */
  int64_t moved_at;   /* the last byte came then, or the first reply was due */
  bool was_heard;     /* something was read */
  bool is_broken;     /* what was read before is still to be taken out; `trouble` says why */
  size_t due;         /* replies */
  size_t greetings;   /* of these, to what we said at the beginning */
  bool greets_auth;   /* the first of them is AUTH's */
  pe_buffer out;
  size_t sent; /* of it */
  uint64_t sent_ever;
  pe_redis_reader *reader;
  pe_redis_trouble trouble;
};

pe_error pe_redis_link_new(const pe_redis_link_config *config, pe_redis_link **link) {
  pe_redis_link *made = calloc(1, sizeof *made);
  if (!made) return PE_NO_MEMORY;
  made->config = *config;
  made->wire.socket = -1;
  pe_buffer_init(&made->out, OUT_CEILING);
  *link = made;
  return PE_OK;
}

void pe_redis_link_free(pe_redis_link *link) {
  if (!link) return;
  pe_redis_link_close(link, NULL);
  pe_buffer_cleanup(&link->out);
  free(link);
}

/* ---- how it ends ---- */

void pe_redis_link_close(pe_redis_link *link, const pe_redis_trouble *trouble) {
  pe_redis_wire_close(&link->wire);
  pe_redis_lookup_leave(link->lookup);
  pe_redis_reader_free(link->reader);
  link->lookup = NULL;
  link->reader = NULL;
  link->step = OFF;
  link->due = link->greetings = link->sent = link->out.size = 0;
  link->was_heard = link->is_broken = false;
  if (trouble && trouble != &link->trouble) link->trouble = *trouble;
}

void pe_redis_link_abandon(pe_redis_link *link) {
  link->lookup = NULL; /* its thread is the parent's */
  pe_redis_link_close(link, NULL);
}

static void fail(pe_redis_link *link, pe_error error, const char *why) {
  pe_redis_trouble_set(&link->trouble, &link->config.url, error, why);
  pe_redis_link_close(link, &link->trouble);
}

static void fail_to_connect(pe_redis_link *link, int number) {
  char why[160];
  const char *text = pe_descriptor_was_missing(number) ? PE_NO_DESCRIPTORS : strerror(number);
  (void)snprintf(why, sizeof why, "cannot connect: %s", text);
  fail(link, PE_UNREACHABLE, why);
}

/* Why a connection broke: `number` is an errno; 0: it was closed. */
static const char *reason(const pe_redis_link *link, int number) {
  if (number == EPROTO && link->wire.tls) return pe_redis_tls_why(link->wire.tls);
  if (number != 0 && number != ECONNRESET) return strerror(number);
  if (!link->was_heard && !link->wire.tls && link->config.url.path[0] == '\0')
    return "it said no word; where it speaks TLS, the url begins with rediss://";
  return number != 0 ? strerror(number) : "it was closed";
}

/* With TLS 1.3 a server that refuses our certificate says so behind the handshake, and has read nothing. */
static bool is_refused(const pe_redis_link *link, int number) {
  return number == EPROTO && link->wire.tls && !link->was_heard;
}

/* The connection is over, but for the replies that came before. */
static void break_off(pe_redis_link *link, int number) {
  bool refused = is_refused(link, number);
  char why[300];
  (void)snprintf(why, sizeof why, "%s%s", refused ? "" : "the connection broke: ", reason(link, number));
  pe_redis_trouble_set(&link->trouble, &link->config.url, refused ? PE_TLS : PE_INTERRUPTED, why);
  link->is_broken = true;
}

/* ---- connecting ---- */

/* Tries the addresses from the current one on. */
static void try_addresses(pe_redis_link *link, int number) {
  for (; link->address < link->addresses.count; link->address++) {
    const struct pe_redis_address *each = &link->addresses.each[link->address];
    number = pe_redis_wire_connect(&link->wire, (const struct sockaddr *)&each->address, each->size);
    if (number == 0) {
      link->step = CONNECTING;
      return;
    }
  }
  fail_to_connect(link, number);
}

static void connect_socket(pe_redis_link *link) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int number;
  (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", link->config.url.path);
  number = pe_redis_wire_connect(&link->wire, (const struct sockaddr *)&address, sizeof address);
  link->step = CONNECTING;
  if (number != 0) {
    link->step = OFF;
    fail_to_connect(link, number);
  }
}

void pe_redis_link_open(pe_redis_link *link, int64_t now) {
  const pe_redis_url *url = &link->config.url;
  link->connect_by = now + link->config.connect_timeout;
  link->addresses.count = link->address = 0;
  link->reader = pe_redis_reader_new();
  if (!link->reader) {
    fail(link, PE_NO_MEMORY, pe_error_text(PE_NO_MEMORY));
  } else if (url->path[0] != '\0') {
    connect_socket(link);
  } else if (pe_redis_lookup_new(url->host, url->port, &link->lookup) == PE_OK) {
    link->step = LOOKING;
  } else {
    fail(link, PE_NO_MEMORY, pe_descriptors_are_scarce() ? PE_NO_DESCRIPTORS : pe_error_text(PE_NO_MEMORY));
  }
}

static void run_lookup(pe_redis_link *link) {
  if (!pe_redis_lookup_done(link->lookup, &link->addresses)) return;
  pe_redis_lookup_leave(link->lookup);
  link->lookup = NULL;
  if (link->addresses.count > 0)
    try_addresses(link, 0);
  else
    fail(link, PE_UNREACHABLE, gai_strerror(link->addresses.failure));
}

static pe_error greet(pe_redis_link *link) {
  const pe_redis_url *url = &link->config.url;
  const char *const named[] = {"AUTH", url->user, url->password};
  const char *const nameless[] = {"AUTH", url->password};
  char number[16];
  const char *const select[] = {"SELECT", number};
  pe_error error = PE_OK;

  (void)snprintf(number, sizeof number, "%d", url->database);
  link->greets_auth = url->has_password;
  if (url->has_password && url->user[0] != '\0') error = pe_redis_command(&link->out, named, 3);
  if (url->has_password && url->user[0] == '\0') error = pe_redis_command(&link->out, nameless, 2);
  if (error == PE_OK && url->database > 0) error = pe_redis_command(&link->out, select, 2);
  link->greetings = (size_t)url->has_password + (url->database > 0);
  return error;
}

static void begin_greeting(pe_redis_link *link, int64_t now) {
  if (greet(link) != PE_OK) {
    fail(link, PE_NO_MEMORY, pe_error_text(PE_NO_MEMORY));
    return;
  }
  link->step = link->greetings > 0 ? GREETING : READY;
  pe_redis_link_expect(link, link->greetings, now);
}

static void begin_tls(pe_redis_link *link) {
  const char *why;
  pe_error error = pe_redis_wire_secure(&link->wire, &link->config.tls, link->config.url.host, &why);
  link->step = SECURING;
  if (error != PE_OK) fail(link, error, why);
}

static void run_tls(pe_redis_link *link, int64_t now) {
  pe_redis_hello hello = pe_redis_tls_greet(link->wire.tls);
  if (hello == PE_REDIS_HELLO_DONE) begin_greeting(link, now);
  if (hello == PE_REDIS_HELLO_FAILED) fail(link, PE_TLS, pe_redis_tls_why(link->wire.tls));
}

static void run_connect(pe_redis_link *link, int64_t now) {
  int number;

  if (!pe_redis_wire_is_decided(&link->wire, &number)) return;
  if (number != 0) {
    link->address++;
    try_addresses(link, number);
  } else if (link->config.url.tls) {
    begin_tls(link);
  } else {
    begin_greeting(link, now);
  }
}

/* ---- sending and reading ---- */

static void send_some(pe_redis_link *link) {
  while (link->sent < link->out.size) {
    ssize_t count = pe_redis_wire_send(&link->wire, link->out.data + link->sent, link->out.size - link->sent);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (count < 0) {
      break_off(link, errno);
      return;
    }
    link->sent += (size_t)count;
    link->sent_ever += (uint64_t)count;
  }
  link->sent = link->out.size = 0;
}

/* Returns whether there may be more. */
static bool read_some(pe_redis_link *link, int64_t now) {
  char bytes[READ_SIZE];
  ssize_t count = pe_redis_wire_receive(&link->wire, bytes, sizeof bytes);

  if (count < 0 && errno == EINTR) return true;
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
  if (count < 0) {
    break_off(link, errno);
  } else if (count == 0) {
    break_off(link, 0);
  } else if (pe_redis_reader_feed(link->reader, bytes, (size_t)count) != PE_OK) {
    fail(link, PE_NO_MEMORY, pe_error_text(PE_NO_MEMORY));
  } else {
    link->moved_at = now;
    link->was_heard = true;
    return (size_t)count == sizeof bytes || link->wire.tls; /* TLS gives out a record at a time */
  }
  return false;
}

static void move_bytes(pe_redis_link *link, int64_t now) {
  send_some(link);
  for (int i = 0; i < READS && link->step >= GREETING && !link->is_broken; i++)
    if (!read_some(link, now)) break;
}

/* Of one that is broken there is nothing more to take out. */
static void end_broken(pe_redis_link *link) {
  if (link->is_broken) pe_redis_link_close(link, &link->trouble);
}

void pe_redis_link_explain(const pe_redis_link *link, const char *command, const char *text, size_t size,
                           pe_redis_trouble *trouble) {
  pe_redis_trouble_read(trouble, &link->config.url, link->config.hide, command, text, size);
}

/* An error among the replies to what we said at the beginning ends it. */
static void run_greeting(pe_redis_link *link, int64_t now) {
  while (link->step == GREETING && link->greetings > 0) {
    const char *command = link->greets_auth ? "AUTH" : "SELECT";
    pe_redis_reply *reply = pe_redis_link_next(link, now);
    if (!reply) return;
    link->greetings--;
    link->greets_auth = false;
    if (pe_redis_reply_kind(reply) == PE_REDIS_ERROR) {
      size_t size;
      const char *text = pe_redis_reply_text(reply, &size);
      pe_redis_link_explain(link, command, text, size, &link->trouble);
      pe_redis_link_close(link, &link->trouble);
    }
    pe_redis_reply_free(reply);
  }
  if (link->step == GREETING) link->step = READY;
}

static void check_time(pe_redis_link *link, int64_t now) {
  bool connects = link->step != OFF && link->step != READY;
  if (connects && now >= link->connect_by)
    fail(link, PE_TIMEOUT,
         link->step == SECURING ? "no answer to TLS within connect_timeout: this port may speak none"
                                : "no connection within connect_timeout");
  if (link->step == READY && link->due > 0 && now >= link->moved_at + link->config.timeout)
    fail(link, PE_TIMEOUT, "no answer within timeout");
}

void pe_redis_link_run(pe_redis_link *link, int64_t now) {
  if (link->step == LOOKING) run_lookup(link);
  if (link->step == CONNECTING) run_connect(link, now);
  if (link->step == SECURING) run_tls(link, now);
  if (link->step >= GREETING && !link->is_broken) move_bytes(link, now);
  if (link->step == GREETING) run_greeting(link, now);
  if (link->due == 0) end_broken(link);
  check_time(link, now);
}

/* ---- what its user sees ---- */

pe_redis_state pe_redis_link_state(const pe_redis_link *link) {
  if (link->step == OFF) return PE_REDIS_OFF;
  return link->step == READY ? PE_REDIS_READY : PE_REDIS_BUSY;
}

static bool wants_to_write(const pe_redis_link *link) {
  if (link->step == CONNECTING) return true;
  if (link->wire.tls && pe_redis_tls_writes(link->wire.tls)) return true;
  return link->sent < link->out.size;
}

pe_redis_interest pe_redis_link_interest(const pe_redis_link *link) {
  pe_redis_interest interest = {link->wire.socket, link->step != CONNECTING, wants_to_write(link), INT64_MAX};
  if (link->step == LOOKING) interest.descriptor = pe_redis_lookup_descriptor(link->lookup);
  if (link->step != OFF && link->step != READY) interest.by = link->connect_by;
  if (link->step == READY && link->due > 0) interest.by = link->moved_at + link->config.timeout;
  return interest;
}

const pe_redis_trouble *pe_redis_link_trouble(const pe_redis_link *link) {
  return &link->trouble;
}

pe_buffer *pe_redis_link_out(pe_redis_link *link) {
  return &link->out;
}

void pe_redis_link_expect(pe_redis_link *link, size_t commands, int64_t now) {
  if (link->due == 0) link->moved_at = now;
  link->due += commands;
}

size_t pe_redis_link_unsent(const pe_redis_link *link) {
  return link->out.size - link->sent;
}

uint64_t pe_redis_link_sent(const pe_redis_link *link) {
  return link->sent_ever;
}

size_t pe_redis_link_due(const pe_redis_link *link) {
  return link->due;
}

pe_redis_reply *pe_redis_link_next(pe_redis_link *link, int64_t now) {
  pe_redis_reply *reply = NULL;
  if (!link->reader || link->due == 0) return NULL;
  if (pe_redis_reader_next(link->reader, &reply) != PE_OK) {
    fail(link, PE_BAD_REPLY, "what answers is no Redis");
    return NULL;
  }
  if (!reply) {
    end_broken(link);
    return NULL;
  }
  link->due--;
  link->moved_at = now;
  return reply;
}

bool pe_redis_link_wait(const pe_redis_link *link, int bell, int64_t nanoseconds) {
  pe_redis_interest interest = pe_redis_link_interest(link);
  int64_t left = interest.by != INT64_MAX ? interest.by - pe_clock_monotonic() : nanoseconds;
  int64_t timeout = left < nanoseconds ? left : nanoseconds;
  struct pollfd both[] = {
      {.fd = bell, .events = POLLIN},
      {.fd = interest.descriptor, .events = (short)((interest.reads ? POLLIN : 0) | (interest.writes ? POLLOUT : 0))}};
  timeout = timeout > 0 ? timeout / PE_MILLISECOND + (timeout % PE_MILLISECOND > 0) : 0;
  (void)poll(both, 2, timeout < INT_MAX ? (int)timeout : INT_MAX); /* what fails is looked at again */
  return (both[0].revents & POLLIN) != 0;
}
