#include "redis/redis_trouble.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  QUOTED = 120,            /* bytes of Redis's own words */
  QUOTED_FROM = 16 * 1024, /* bytes of them that are read for that: what is hidden becomes shorter */
};

typedef struct meaning {
  const char *text; /* how Redis's own begins */
  pe_error error;
  bool holds, reconnects;
  const char *words;
} meaning;

/* The first that fits counts. */
static const meaning meanings[] = {
    {"OOM", PE_UNAVAILABLE, false, false, "it has no memory left (maxmemory)"},
    {"READONLY", PE_UNAVAILABLE, false, true, "it is a replica, which takes nothing: the url must lead to the primary"},
    {"LOADING", PE_UNAVAILABLE, false, false, "it is reading its data from disk"},
    {"MASTERDOWN", PE_UNAVAILABLE, false, true, "it is a replica whose primary is away"},
    {"NOREPLICAS", PE_UNAVAILABLE, false, false, "it has too few replicas (min-replicas-to-write)"},
    {"MISCONF", PE_UNAVAILABLE, false, false, "it cannot write to its disk"},
    {"BUSY", PE_UNAVAILABLE, false, false, "it is busy with a script"},
    {"CLUSTERDOWN", PE_UNAVAILABLE, false, true, "the cluster is down"},
    {"TRYAGAIN", PE_UNAVAILABLE, false, false, "the cluster is moving the stream"},
    {"ERR max number of clients", PE_UNAVAILABLE, false, true, "it has too many clients (maxclients)"},
    {"MOVED", PE_ENDPOINT, true, true,
     "it is a node of a cluster, and the key lies on another: name that one; the stream's name needs a hash tag there, "
     "as {postevent}"},
    {"ASK", PE_ENDPOINT, true, true, "it is a node of a cluster, and the stream is moving to another: name that one"},
    {"CROSSSLOT", PE_ENDPOINT, true, false, "in a cluster the stream's name needs a hash tag: {postevent}"},
    {"WRONGTYPE", PE_ENDPOINT, true, false, "the key of that name is no stream"},
    {"WRONGPASS", PE_UNAUTHORIZED, true, true, "it did not accept the user and the password"},
    {"NOAUTH", PE_UNAUTHORIZED, true, true, "it wants a password, and the url has none"},
    {"ERR Protocol error: unauthenticated", PE_UNAUTHORIZED, true, true, "it wants a password, and the url has none"},
    {"NOPERM", PE_UNAUTHORIZED, true, true, "the user lacks a right (ACL)"},
    {"DENIED", PE_UNAUTHORIZED, true, true, "it is in protected mode, and takes this machine's own programs alone"},
    {"ERR invalid password", PE_UNAUTHORIZED, true, true, "it did not accept the password"},
    {"ERR AUTH <password> called", PE_UNAUTHORIZED, true, true, "it has no password, and the url has one"},
    {"ERR Client sent AUTH", PE_UNAUTHORIZED, true, true, "it has no password, and the url has one"},
    {"ERR DB index", PE_ENDPOINT, true, true, "it has no database of that number"},
    {"ERR unknown command", PE_ENDPOINT, true, false, "it does not know the command: Redis 6.2 or newer is needed"},
};

static const meaning other = {"", PE_ENDPOINT, true, false, "it refused the command"};

static const meaning *meaning_of(const char *text, size_t size) {
  for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
    size_t length = strlen(meanings[i].text);
    if (size >= length && memcmp(text, meanings[i].text, length) == 0) return &meanings[i];
  }
  return &other;
}

/* Whether Redis's own words are worth showing: those of an unknown command, and of AUTH, quote what we sent. */
static bool is_quotable(const meaning *found, const char *command) {
  return strcmp(command, "AUTH") != 0 && strncmp(found->text, "ERR unknown", 11) != 0;
}

/* Fills `words` with the beginning of the text. All is hidden before a part of it is taken: that may end within the
 * password, of which the beginning would show. */
static void quote(char words[QUOTED + 1], pe_redis_hide hide, const char *text, size_t size) {
  size_t left = size < QUOTED_FROM ? size : QUOTED_FROM;
  char *copy = malloc(left + 1);

  words[0] = '\0';
  if (!copy) return;
  memcpy(copy, text, left);
  if (hide.hide) left = hide.hide(hide.secrets, copy, left);
  copy[left] = '\0';
  (void)snprintf(words, QUOTED + 1, "%s", copy);
  free(copy);
}

/* What a stranger's server says reaches logs and terminals as text. */
static void make_printable(char *text) {
  for (; *text != '\0'; text++)
    if ((unsigned char)*text < ' ' || (unsigned char)*text >= 0x7f) *text = '?';
}

/* Redis 6 wraps what a command of a script was told: "ERR Error running script (call to f_...): ...: -OOM ...". */
static const char *unwrap(const char *text, size_t *size) {
  static const char wrapper[] = "ERR Error running script";
  if (*size < sizeof wrapper - 1 || memcmp(text, wrapper, sizeof wrapper - 1) != 0) return text;
  for (size_t i = sizeof wrapper - 1; i + 3 < *size; i++) {
    if (memcmp(text + i, ": -", 3) != 0) continue;
    *size -= i + 3;
    return text + i + 3;
  }
  return text;
}

void pe_redis_trouble_read(pe_redis_trouble *trouble, const pe_redis_url *url, pe_redis_hide hide, const char *command,
                           const char *text, size_t size) {
  const char *own = unwrap(text, &size);
  const meaning *found = meaning_of(own, size);
  char words[QUOTED + 1] = "";

  if (is_quotable(found, command)) quote(words, hide, own, size);
  trouble->error = found->error;
  trouble->holds = found->holds;
  trouble->reconnects = found->reconnects;
  (void)snprintf(trouble->message, sizeof trouble->message, "Redis at %.100s, %s: %s%s%s%s", url->text, command,
                 found->words, words[0] != '\0' ? " (" : "", words, words[0] != '\0' ? ")" : "");
  make_printable(trouble->message);
}

void pe_redis_trouble_set(pe_redis_trouble *trouble, const pe_redis_url *url, pe_error error, const char *why) {
  trouble->error = error;
  trouble->holds = false;
  trouble->reconnects = true;
  (void)snprintf(trouble->message, sizeof trouble->message, "Redis at %.100s: %s", url->text, why);
}
