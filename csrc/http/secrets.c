#include "http/secrets.h"

#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "http/base64.h"
#include "http/disguise.h"
#include "http/http_curl.h"
#include "http/redact.h"
#include "http/view.h"

enum {
  PIECE = 12, /* so much of a token, between dots, is a secret of its own: a JWT's signature */
  OPAQUE = 16 /* so much without a blank is nothing that a person wrote */
};

struct pe_secrets {
  pe_disguises all;
};

/* ---- what of a value is secret ---- */

typedef struct piece {
  const char *bytes;
  size_t size;
} piece;

static bool is_name(piece name, const char *wanted) {
  return strlen(wanted) == name.size && pe_ascii_begins(name.bytes, wanted, name.size);
}

/* Parameters of credentials that everybody may know (RFC 7616, RFC 7617, Amazon's SigV4, cookies). */
static bool is_public(piece name) {
  static const char *const names[] = {"realm",    "algorithm",     "qop",     "nc",      "uri",      "charset",
                                      "userhash", "version",       "stale",   "max-age", "path",     "domain",
                                      "expires",  "signedheaders", "headers", "created", "samesite", "type"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (is_name(name, names[i])) return true;
  return false;
}

/* A password, a token: also where its beginning was cut off. */
static void add_whole(pe_secrets *secrets, piece whole) {
  pe_disguises_add(&secrets->all, whole.bytes, whole.size);
  pe_disguises_add_pieces(&secrets->all, whole.bytes, whole.size);
}

/* The part, and what it consists of: "user:password", "header.payload.signature". */
static void add_part(pe_secrets *secrets, piece part) {
  const char *colon = part.size > 0 ? memchr(part.bytes, ':', part.size) : NULL;
  size_t end = 0;

  if (colon) {
    size_t user = (size_t)(colon - part.bytes);
    pe_disguises_add(&secrets->all, part.bytes, part.size);
    pe_disguises_add(&secrets->all, part.bytes, user);
    add_whole(secrets, (piece){colon + 1, part.size - user - 1});
  } else {
    add_whole(secrets, part);
  }
  for (size_t first = 0; first < part.size; first = end + 1) {
    for (end = first; end < part.size && !strchr("./", part.bytes[end]);)
      end++;
    if (end - first >= PIECE) pe_disguises_add(&secrets->all, part.bytes + first, end - first);
  }
}

/* How many bytes come before the next of `ends`. */
static size_t span(piece in, const char *ends) {
  size_t size = 0;
  while (size < in.size && !strchr(ends, in.bytes[size]))
    size++;
  return size;
}

static piece after(piece in, size_t count) {
  return count < in.size ? (piece){in.bytes + count, in.size - count} : (piece){in.bytes + in.size, 0};
}

/* Whether `in`, behind a name, is "=" and a value; at the end of base64 there are more of them, or nothing. */
static bool has_value(piece in) {
  return in.size > 1 && in.bytes[0] == '=' && !strchr("= ,;", in.bytes[1]);
}

/* Takes what stands in quotes, or up to a separator; moves *in on. */
static piece take_value(piece *in) {
  bool is_quoted = in->size > 0 && in->bytes[0] == '"';
  piece value;
  if (is_quoted) *in = after(*in, 1);
  value = (piece){in->bytes, span(*in, is_quoted ? "\"" : " ,;")};
  *in = after(*in, value.size + 1);
  return value;
}

/* Takes a word, which goes on to a separator or to the "=" of a value. */
static piece take_word(piece *in) {
  size_t size = 0;
  piece word;

  while (size < in->size && !strchr(" ,;\"", in->bytes[size]) && !has_value(after(*in, size)))
    size++;
  word = (piece){in->bytes, size};
  *in = after(*in, size);
  return word;
}

static void add_parameter(pe_secrets *secrets, piece name, piece value) {
  if (!is_public(name)) add_part(secrets, value);
}

/* "Basic dXNlcjp4", "Bearer abc", "Digest username="u", response="..."", "session=abc; lang=en", "abc": all but the
 * name of the scheme and those of the parameters. */
static void add_value(pe_secrets *secrets, piece value) {
  piece left = value;

  while (left.size > 0) {
    piece word = take_word(&left);
    bool is_scheme = word.bytes == value.bytes && left.size > 0 && left.bytes[0] == ' ';
    if (has_value(left)) {
      left = after(left, 1);
      add_parameter(secrets, word, take_value(&left));
    } else if (left.size > 0 && left.bytes[0] == '"') {
      add_part(secrets, take_value(&left));
    } else {
      if (!is_scheme) add_part(secrets, word);
      left = after(left, 1);
    }
  }
}

/* ---- credentials ---- */

/* What is in a "Basic dGVzdDp4" (RFC 7617, 2). */
static void add_basic(pe_secrets *secrets, const char *token) {
  size_t size = strlen(token);
  char *pair = malloc(size + 1);

  if (pair)
    add_part(secrets, (piece){pair, pe_base64_decode(token, size, pair)});
  else
    secrets->all.exact.out_of_memory = true;
  free(pair);
}

/* What stands behind the name of a scheme: a token may have "=" in it, and is no parameter for that. Behind "Bearer"
 * it is one whatever it has in it; elsewhere, what looks like parameters is hidden as it is. */
static void add_token(pe_secrets *secrets, piece value) {
  piece scheme = {value.bytes, span(value, " ")}, token = after(value, scheme.size + 1);
  while (token.size > 0 && token.bytes[0] == ' ')
    token = after(token, 1);
  if (is_name(scheme, "Bearer") || span(token, " ,;\"") == token.size)
    add_part(secrets, token);
  else
    pe_disguises_add_plain(&secrets->all, token.bytes, token.size);
}

static void add_header(pe_secrets *secrets, const char *value) {
  piece all = {value, strlen(value)};
  pe_disguises_add_plain(&secrets->all, all.bytes, all.size);
  add_value(secrets, all);
  add_token(secrets, all);
  if (!memchr(value, ' ', all.size)) add_part(secrets, all);
  if (pe_ascii_begins(value, "Basic ", 6)) add_basic(secrets, value + 6 + strspn(value + 6, " "));
}

/* The two, and the header that libcurl makes of them. */
static void add_user(pe_secrets *secrets, const char *user, const char *password) {
  static const char SCHEME[] = "Basic ";
  size_t user_size = strlen(user), password_size = strlen(password), size = user_size + 1 + password_size;
  char *pair = malloc(size);
  char *header = malloc(sizeof SCHEME + size / 3 * 4 + 8);

  if (pair && header) {
    memcpy(pair, user, user_size);
    pair[user_size] = ':';
    memcpy(pair + user_size + 1, password, password_size);
    memcpy(header, SCHEME, sizeof SCHEME);
    header[sizeof SCHEME - 1 + pe_base64_encode(pair, size, header + sizeof SCHEME - 1)] = '\0';
    add_header(secrets, header);
    pe_disguises_add(&secrets->all, user, user_size); /* a user may have a colon */
    add_whole(secrets, (piece){password, password_size});
  } else {
    secrets->all.exact.out_of_memory = true;
  }
  free(pair);
  free(header);
}

static char *part_of(CURLU *url, CURLUPart part, unsigned flags) {
  char *found = NULL;
  return curl_url_get(url, part, &found, flags) == CURLUE_OK ? found : NULL;
}

static void add_proxy(pe_secrets *secrets, CURLU *url) {
  char *user = part_of(url, CURLUPART_USER, CURLU_URLDECODE);
  char *password = part_of(url, CURLUPART_PASSWORD, CURLU_URLDECODE);
  if (user || password) add_user(secrets, user ? user : "", password ? password : "");
  curl_free(user);
  curl_free(password);
}

/* ---- what is sent with every request ---- */

/* Whether a header or a parameter of that name has a secret for its value. */
static bool tells_of_secret(piece name) {
  static const char *const parts[] = {"auth", "key",  "token",   "secret", "cookie", "pass",
                                      "cred", "sign", "session", "bearer", "jwt",    "sig"};
  for (size_t at = 0; at < name.size; at++)
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
      if (strlen(parts[i]) <= name.size - at && pe_ascii_begins(name.bytes + at, parts[i], strlen(parts[i])))
        return true;
  return false;
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* Whether no person wrote it: so long, of a token's characters alone (RFC 9110, 11.2), with a letter and a digit. */
static bool is_opaque(const char *value) {
  bool letter = false, digit = false;
  size_t size = 0;
  for (; value[size] != '\0'; size++) {
    bool solid = pe_view_is_solid((unsigned char)value[size]);
    digit = digit || is_digit(value[size]);
    letter = letter || (solid && !is_digit(value[size]));
    if (!solid && !strchr("-._~+/=", value[size])) return false;
  }
  return size >= OPAQUE && letter && digit;
}

static void add_line(pe_secrets *secrets, const char *line) {
  size_t name = strcspn(line, ":");
  const char *value = line + name + (line[name] == ':');
  value += strspn(value, " \t");
  if (tells_of_secret((piece){line, name}) || is_opaque(value)) add_header(secrets, value);
}

static void add_query(pe_secrets *secrets, CURLU *url) {
  char *query = part_of(url, CURLUPART_QUERY, 0);
  piece left = {query, query ? strlen(query) : 0};
  while (left.size > 0) {
    piece parameter = {left.bytes, span(left, "&")};
    piece name = {parameter.bytes, span(parameter, "=")};
    if (tells_of_secret(name)) add_part(secrets, after(parameter, name.size + 1));
    left = after(left, parameter.size + 1);
  }
  curl_free(query);
}

static void add_url(pe_secrets *secrets, const char *url, void (*add)(pe_secrets *, CURLU *)) {
  CURLU *parsed = curl_url();
  if (!parsed)
    secrets->all.exact.out_of_memory = true;
  else if (curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK)
    add(secrets, parsed);
  curl_url_cleanup(parsed);
}

/* ---- life cycle ---- */

static pe_secrets *make(const pe_secrets *others) {
  pe_secrets *made = malloc(sizeof *made);
  if (!made) return NULL;
  pe_disguises_init(&made->all);
  pe_secrets_follow(made, others);
  return made;
}

/* NULL where something is missing. */
static pe_secrets *checked(pe_secrets *made) {
  if (!pe_disguises_failed(&made->all)) return made;
  pe_secrets_free(made);
  return NULL;
}

pe_secrets *pe_secrets_new(pe_http_credentials credentials, const pe_secrets *others) {
  pe_secrets *made = make(others);
  if (!made) return NULL;
  if (credentials.authorization) add_header(made, credentials.authorization);
  if (credentials.user) add_user(made, credentials.user, credentials.password ? credentials.password : "");
  return checked(made);
}

pe_secrets *pe_secrets_new_of_plan(const char *const *headers, size_t count, const char *proxy, const char *url) {
  pe_secrets *made = make(NULL);
  if (!made) return NULL;
  for (size_t i = 0; i < count; i++)
    add_line(made, headers[i]);
  if (proxy && proxy[0] != '\0') add_url(made, proxy, add_proxy);
  if (url) add_url(made, url, add_query);
  return checked(made);
}

void pe_secrets_follow(pe_secrets *secrets, const pe_secrets *others) {
  secrets->all.others = others ? &others->all : NULL;
}

void pe_secrets_free(pe_secrets *secrets) {
  if (!secrets) return;
  pe_disguises_cleanup(&secrets->all);
  free(secrets);
}

size_t pe_secrets_hide(const pe_secrets *secrets, char *text, size_t size) {
  return secrets && size > 0 ? pe_redact(&secrets->all, text, size) : size;
}
