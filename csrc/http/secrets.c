#include "http/secrets.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LEAST = 3, MOST_SECRETS = 24 };

struct pe_secrets {
  size_t count;
  struct secret {
    char *bytes; /* owned */
    size_t size;
  } list[MOST_SECRETS];
  bool out_of_memory;
};

/* ---- base64 (RFC 4648, 4) ---- */

static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Without padding. `out` has room for 4 bytes for each 3, and 4 more. */
static size_t encode(const char *bytes, size_t size, char *out) {
  size_t written = 0;
  unsigned held = 0, bits = 0;

  for (size_t i = 0; i < size; i++) {
    held = held << 8 | (unsigned char)bytes[i];
    for (bits += 8; bits >= 6; bits -= 6)
      out[written++] = DIGITS[held >> (bits - 6) & 63];
  }
  if (bits > 0) out[written++] = DIGITS[held << (6 - bits) & 63];
  return written;
}

/* Up to what is no digit. `out` has room for `size` bytes. */
static size_t decode(const char *text, size_t size, char *out) {
  size_t written = 0;
  unsigned held = 0, bits = 0;

  for (size_t i = 0; i < size && text[i] != '\0'; i++) {
    const char *digit = strchr(DIGITS, text[i]);
    if (!digit) break;
    held = held << 6 | (unsigned)(digit - DIGITS);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out[written++] = (char)(held >> bits & 255);
  }
  return written;
}

/* ---- the list: the longest first, so that what stands in another is hidden with it ---- */

static void add_one(pe_secrets *secrets, const char *bytes, size_t size) {
  size_t place = secrets->count;
  char *copy;

  for (size_t i = 0; i < secrets->count; i++)
    if (secrets->list[i].size == size && memcmp(secrets->list[i].bytes, bytes, size) == 0) return;
  if (size < LEAST || secrets->count == MOST_SECRETS) return;
  copy = malloc(size);
  if (!copy) {
    secrets->out_of_memory = true;
    return;
  }
  memcpy(copy, bytes, size);
  for (; place > 0 && secrets->list[place - 1].size < size; place--)
    secrets->list[place] = secrets->list[place - 1];
  secrets->list[place] = (struct secret){copy, size};
  secrets->count++;
}

/* The bytes, and their base64. */
static void add(pe_secrets *secrets, const char *bytes, size_t size) {
  char *encoded = malloc(size / 3 * 4 + 8);

  if (encoded)
    add_one(secrets, encoded, encode(bytes, size, encoded));
  else
    secrets->out_of_memory = true;
  free(encoded);
  add_one(secrets, bytes, size);
}

/* "user:password", and its parts. */
static void add_pair(pe_secrets *secrets, const char *pair, size_t size) {
  const char *colon = size > 0 ? memchr(pair, ':', size) : NULL;

  add(secrets, pair, size);
  if (!colon) return;
  add(secrets, pair, (size_t)(colon - pair));
  add(secrets, colon + 1, size - (size_t)(colon - pair) - 1);
}

/* The header's value: "Basic dGVzdDp4", and what is in it (RFC 7617, 2). */
static void add_header(pe_secrets *secrets, const char *value) {
  const char *token = strrchr(value, ' ');
  size_t size = token ? strlen(token + 1) : 0;
  char *pair;

  add(secrets, value, strlen(value));
  if (!token) return;
  add(secrets, token + 1, size);
  if (strncasecmp(value, "Basic ", 6) != 0) return;
  pair = malloc(size + 1);
  if (pair)
    add_pair(secrets, pair, decode(token + 1, size, pair));
  else
    secrets->out_of_memory = true;
  free(pair);
}

/* What libcurl makes of the two: the header, and what is in it. */
static void add_user(pe_secrets *secrets, const char *user, const char *password) {
  static const char SCHEME[] = "Basic ";
  size_t size = strlen(user) + strlen(password) + 1;
  char *pair = malloc(size + 1);
  char *header = malloc(sizeof SCHEME + size / 3 * 4 + 8);

  if (pair && header) {
    (void)snprintf(pair, size + 1, "%s:%s", user, password);
    memcpy(header, SCHEME, sizeof SCHEME);
    header[sizeof SCHEME - 1 + encode(pair, size, header + sizeof SCHEME - 1)] = '\0';
    add_header(secrets, header);
  } else {
    secrets->out_of_memory = true;
  }
  free(pair);
  free(header);
}

static void add_part(pe_secrets *secrets, CURLU *url, CURLUPart part) {
  char *text = NULL;
  if (curl_url_get(url, part, &text, CURLU_URLDECODE) == CURLUE_OK) add(secrets, text, strlen(text));
  curl_free(text);
}

static void add_proxy(pe_secrets *secrets, const char *proxy) {
  CURLU *url = curl_url();
  if (url && curl_url_set(url, CURLUPART_URL, proxy, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK) {
    add_part(secrets, url, CURLUPART_USER);
    add_part(secrets, url, CURLUPART_PASSWORD);
  }
  secrets->out_of_memory = secrets->out_of_memory || !url;
  curl_url_cleanup(url);
}

pe_secrets *pe_secrets_new(pe_http_credentials credentials, const char *proxy) {
  pe_secrets *made = calloc(1, sizeof *made);

  if (!made) return NULL;
  if (credentials.authorization) add_header(made, credentials.authorization);
  if (credentials.user) add_user(made, credentials.user, credentials.password ? credentials.password : "");
  if (proxy && proxy[0] != '\0') add_proxy(made, proxy);
  if (!made->out_of_memory) return made;
  pe_secrets_free(made);
  return NULL;
}

void pe_secrets_free(pe_secrets *secrets) {
  if (!secrets) return;
  for (size_t i = 0; i < secrets->count; i++)
    free(secrets->list[i].bytes);
  free(secrets);
}

/* ---- finding them: one byte of a secret may be written in several ways ---- */

typedef struct text {
  const char *bytes;
  size_t size;
} text;

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static unsigned char lower(unsigned char c) {
  return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

/* Reads so many hexadecimal digits; -1: they are not there. */
static long read_hex(text in, size_t digits) {
  long value = 0;
  if (in.size < digits) return -1;
  for (size_t i = 0; i < digits; i++) {
    if (hex_digit(in.bytes[i]) < 0) return -1;
    value = value * 16 + hex_digit(in.bytes[i]);
  }
  return value;
}

static text after(text in, size_t count) {
  return (text){in.bytes + count, in.size - count};
}

/* An escape that begins with a backslash, at `in`: \x41, \u0041, \n, or the character itself. */
static size_t read_backslash(text in, long *value) {
  static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";
  const char *letter;

  if (in.size < 2) return 0;
  if (in.bytes[1] == 'x' && (*value = read_hex(after(in, 2), 2)) >= 0) return 4;
  if (in.bytes[1] == 'u' && (*value = read_hex(after(in, 2), 4)) >= 0) return 6;
  letter = strchr(letters, in.bytes[1]);
  *value = letter && *letter ? meant[letter - letters] : (unsigned char)in.bytes[1];
  return 2;
}

/* A character reference of HTML: &#65; &#x41; &amp; */
static size_t read_reference(text in, long *value) {
  static const struct {
    const char *name;
    char meant;
  } names[] = {{"&quot;", '"'}, {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&apos;", '\''}};
  bool is_hex = in.size > 2 && (in.bytes[2] == 'x' || in.bytes[2] == 'X');
  size_t at = is_hex ? 3 : 2;

  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    size_t size = strlen(names[i].name);
    *value = names[i].meant;
    if (in.size >= size && memcmp(in.bytes, names[i].name, size) == 0) return size;
  }
  if (in.size < 4 || in.bytes[1] != '#') return 0;
  for (*value = 0; at < in.size && at < 12 && hex_digit(in.bytes[at]) >= 0; at++)
    *value = *value * (is_hex ? 16 : 10) + hex_digit(in.bytes[at]);
  return at < in.size && in.bytes[at] == ';' ? at + 1 : 0;
}

/* How many bytes at `in` an escape takes; 0: there is none. Sets *value then. */
static size_t read_escape(text in, long *value) {
  switch (in.bytes[0]) {
  case '%': return (*value = read_hex(after(in, 1), 2)) >= 0 ? 3 : 0;
  case '\\': return read_backslash(in, value);
  case '&': return read_reference(in, value);
  case '+': *value = ' '; return 1;
  default: return 0;
  }
}

/* How many bytes at `in` stand for that byte; 0: they do not. */
static size_t match_byte(text in, unsigned char wanted) {
  long value = -1;
  size_t taken;

  if (in.size == 0) return 0;
  taken = read_escape(in, &value); /* first: a "&amp;" begins with what it stands for */
  if (taken > 0 && value >= 0 && value <= 255 && lower((unsigned char)value) == lower(wanted)) return taken;
  return lower((unsigned char)in.bytes[0]) == lower(wanted) ? 1 : 0;
}

/* Two digits for each byte. */
static size_t match_hex(text in, const struct secret *secret) {
  for (size_t i = 0; i < secret->size; i++)
    if (in.size < 2 * i + 2 || read_hex(after(in, 2 * i), 2) != (unsigned char)secret->bytes[i]) return 0;
  return 2 * secret->size;
}

static size_t match(text in, const struct secret *secret) {
  size_t at = 0;
  for (size_t i = 0; i < secret->size; i++) {
    size_t taken = match_byte(after(in, at), (unsigned char)secret->bytes[i]);
    if (taken == 0) return match_hex(in, secret);
    at += taken;
  }
  return at;
}

size_t pe_secrets_hide(const pe_secrets *secrets, char *bytes, size_t size) {
  size_t out = 0;

  for (size_t in = 0; secrets && in < size;) {
    size_t taken = 0;
    for (size_t i = 0; i < secrets->count && taken == 0; i++)
      taken = match((text){bytes + in, size - in}, &secrets->list[i]);
    if (taken > 0) memcpy(bytes + out, "***", LEAST);
    if (taken == 0) bytes[out] = bytes[in];
    out += taken > 0 ? LEAST : 1;
    in += taken > 0 ? taken : 1;
  }
  return secrets ? out : size;
}
