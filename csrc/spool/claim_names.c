/* The part of claim.h that knows the names of files: which of a directory are whose, and in which order they were made.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/claim.h"

#define LOCK ".lock"
#define LOG  "-wal"

enum { ENDPOINT_DIGITS = 16 };

/* FNV-1a; two endpoints of one hash are told apart when the file is opened. */
void pe_claim_prefix(const char *endpoint, char prefix[18]) {
  uint64_t hash = UINT64_C(14695981039346656037);
  for (; *endpoint != '\0'; endpoint++)
    hash = (hash ^ (unsigned char)*endpoint) * UINT64_C(1099511628211);
  (void)snprintf(prefix, 18, "%016" PRIx64 "-", hash);
}

bool pe_claim_tells_endpoint(const char *name) {
  return strspn(name, "0123456789abcdef") == ENDPOINT_DIGITS && name[ENDPOINT_DIGITS] == '-';
}

static bool is_spool(const char *name, const char *prefix, const char *suffix) {
  size_t length = strlen(name), tail = strlen(suffix);
  bool is_meant =
      strncmp(name, prefix, strlen(prefix)) == 0 || (pe_claim_tells_endpoint(prefix) && !pe_claim_tells_endpoint(name));
  return is_meant && length > tail && strcmp(name + length - tail, suffix) == 0;
}

/* What tells the order: behind the endpoint's digits stands the time. */
static const char *order_of(const char *name) {
  const char *time = strchr(name, '-');
  return time ? time : name;
}

static int compare(const char *a, const char *b) {
  int order = strcmp(order_of(a), order_of(b));
  return order != 0 ? order : strcmp(a, b);
}

/* A log tells of its file, too: which may be gone, and then the log is what there is of it. */
static void strip_log(char *name) {
  static const char tail[] = PE_CLAIM_SUFFIX LOG;
  size_t length = strlen(name);
  if (length >= sizeof tail && strcmp(name + length - (sizeof tail - 1), tail) == 0)
    name[length - (sizeof LOG - 1)] = '\0';
}

static char *find_next(const char *directory, const char *prefix, const char *suffix, const char *after) {
  DIR *open_directory = opendir(directory);
  const struct dirent *entry;
  char best[256] = "", name[256];

  if (!open_directory) return NULL;
  while ((entry = readdir(open_directory))) {
    if ((size_t)snprintf(name, sizeof name, "%s", entry->d_name) >= sizeof name) continue;
    strip_log(name);
    if (!is_spool(name, prefix, suffix) || (after && compare(name, after) <= 0)) continue;
    if (best[0] == '\0' || compare(name, best) < 0) (void)snprintf(best, sizeof best, "%s", name);
  }
  (void)closedir(open_directory);
  return best[0] != '\0' ? strdup(best) : NULL;
}

char *pe_claim_next(const char *directory, const char *prefix, const char *after) {
  return find_next(directory, prefix, PE_CLAIM_SUFFIX, after);
}

char *pe_claim_next_damaged(const char *directory, const char *after) {
  return find_next(directory, "", PE_CLAIM_DAMAGED, after);
}

/* The lock of a file that is not there. */
static void sweep_lock(const char *directory, const char *lock_name) {
  char *name = strdup(lock_name);
  char message[PE_CLAIM_MESSAGE];
  pe_claim *claim = NULL;

  if (!name) return;
  name[strlen(name) - (sizeof LOCK - 1)] = '\0';
  claim = pe_claim_take(directory, name, message);
  free(name);
  if (claim && pe_claim_has_nothing(claim))
    pe_claim_remove(claim);
  else
    pe_claim_free(claim);
}

void pe_claim_sweep(const char *directory, const char *prefix) {
  char *name = find_next(directory, prefix, PE_CLAIM_SUFFIX LOCK, NULL);
  while (name) {
    char *next = find_next(directory, prefix, PE_CLAIM_SUFFIX LOCK, name);
    sweep_lock(directory, name);
    free(name);
    name = next;
  }
}
