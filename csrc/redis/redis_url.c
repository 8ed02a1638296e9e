#include "redis/redis_url.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"

enum { DEFAULT_PORT = 6379 };

/* A part of the text that is being read. */
typedef struct span {
  const char *from, *to;
} span;

static const char *find(span in, char wanted) {
  for (const char *each = in.from; each < in.to; each++)
    if (*each == wanted) return each;
  return NULL;
}

/* Percent-decoded. Returns false where it does not fit, or is no such text: NUL included. */
static bool decode(span in, char *out, size_t size) {
  size_t count = 0;
  for (const char *each = in.from; each < in.to; each++) {
    char c = *each;
    if (c == '%') {
      if (in.to - each < 3 || pe_ascii_hex(each[1]) < 0 || pe_ascii_hex(each[2]) < 0) return false;
      c = (char)(pe_ascii_hex(each[1]) * 16 + pe_ascii_hex(each[2]));
      each += 2;
    }
    if (c == '\0' || count + 1 >= size) return false;
    out[count++] = c;
  }
  out[count] = '\0';
  return true;
}

/* Returns -1 where it is no number up to `most`. */
static int number_of(span in, int most) {
  int value = 0;
  if (in.from == in.to || in.to - in.from > 5) return -1;
  for (const char *each = in.from; each < in.to; each++) {
    if (!pe_ascii_is_digit(*each)) return -1;
    value = value * 10 + (*each - '0');
  }
  return value <= most ? value : -1;
}

static const char *read_user(span in, pe_redis_url *url) {
  const char *colon = find(in, ':');
  if (!colon) return "must have a password behind the user: redis://user:password@host";
  url->has_password = true;
  if (!decode((span){in.from, colon}, url->user, sizeof url->user) ||
      !decode((span){colon + 1, in.to}, url->password, sizeof url->password))
    return "must hold the user and the password percent-encoded, in a usual length";
  return url->password[0] == '\0' ? "must not hold an empty password" : NULL;
}

static bool is_loopback(const char *host) {
  unsigned char address[16];
  static const unsigned char own[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  if (pe_ascii_is_same(host, "localhost")) return true;
  if (inet_pton(AF_INET, host, address) == 1) return address[0] == 127;
  return inet_pton(AF_INET6, host, address) == 1 && memcmp(address, own, sizeof own) == 0;
}

/* What a host may be called; an address in brackets has colons, too. */
static bool is_host(const char *host, bool is_address) {
  static const char usual[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
  size_t length = strlen(host);
  if (is_address) return length > 0 && strspn(host, "0123456789abcdefABCDEF:.") == length;
  return length > 0 && strspn(host, usual) == length;
}

/* host, host:port, [address]:port */
static const char *read_host(span in, pe_redis_url *url) {
  const char *close = in.from < in.to && *in.from == '[' ? find(in, ']') : NULL;
  span host = close ? (span){in.from + 1, close} : in;
  const char *colon = find((span){close ? close : in.from, in.to}, ':');

  url->port = DEFAULT_PORT;
  if (colon) url->port = number_of((span){colon + 1, in.to}, 65535);
  if (colon && !close) host.to = colon;
  if (url->port <= 0) return "must have a port from 1 to 65535 behind the colon";
  if (close && close + 1 != in.to && close + 1 != colon) return "must have nothing but a port behind the address";
  if (!decode(host, url->host, sizeof url->host) || !is_host(url->host, close != NULL)) return "must name a host";
  url->loopback = is_loopback(url->host);
  (void)snprintf(url->text, sizeof url->text, close ? "[%s]:%d" : "%s:%d", url->host, url->port);
  return NULL;
}

static const char *read_database(span in, pe_redis_url *url) {
  if (in.from == in.to) return NULL;
  url->database = number_of(in, 65535);
  return url->database < 0 ? "must have the number of a database behind the host, or nothing" : NULL;
}

/* user:password@host:port/database */
static const char *read_network(span in, pe_redis_url *url) {
  const char *slash = find(in, '/');
  span authority = {in.from, slash ? slash : in.to};
  const char *at = NULL;
  const char *why = NULL;

  for (const char *each = authority.from; each < authority.to; each++)
    if (*each == '@') at = each;
  if (at) why = read_user((span){authority.from, at}, url);
  if (!why) why = read_host((span){at ? at + 1 : authority.from, authority.to}, url);
  if (!why && slash) why = read_database((span){slash + 1, in.to}, url);
  return why;
}

/* user:password@/path?db=number */
static const char *read_socket(span in, pe_redis_url *url) {
  const char *slash = find(in, '/');
  const char *query = find(in, '?');
  span path = {slash ? slash : in.to, query ? query : in.to};
  const char *why = NULL;

  url->loopback = true;
  if (slash && slash > in.from) {
    if (slash[-1] != '@') return "must have three slashes before the path of the socket";
    why = read_user((span){in.from, slash - 1}, url);
  }
  if (why) return why;
  if (!decode(path, url->path, sizeof url->path) || url->path[0] == '\0')
    return "must name a socket of at most 107 bytes";
  (void)snprintf(url->text, sizeof url->text, "%s", url->path);
  if (!query) return NULL;
  if (strncmp(query, "?db=", 4) != 0) return "must have ?db= and a number behind the socket, or nothing";
  return read_database((span){query + 4, in.to}, url);
}

static const char *skip(const char *text, const char *scheme) {
  size_t size = strlen(scheme);
  return pe_ascii_begins(text, scheme, size) ? text + size : NULL;
}

static const char *check_bytes(const char *text) {
  for (; *text != '\0'; text++)
    if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f)
      return "must be ASCII without blanks: percent-encode what is not";
  return NULL;
}

const char *pe_redis_url_read(const char *text, pe_redis_url *url) {
  const char *end = text + strlen(text);
  const char *why = check_bytes(text);
  const char *rest;

  memset(url, 0, sizeof *url);
  if (why) return why;
  if ((rest = skip(text, "redis://"))) return read_network((span){rest, end}, url);
  if ((rest = skip(text, "unix://"))) return read_socket((span){rest, end}, url);
  rest = skip(text, "rediss://");
  url->tls = rest != NULL;
  return rest ? read_network((span){rest, end}, url) : "must begin with redis:// or unix://";
}
