#include "redis/redis_lookup.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bell.h"
#include "base/thread.h"

/* Shared by two, of whom the last one frees it. */
struct pe_redis_lookup {
  /* immutable */
  char host[256], port[8];
  pe_bell bell;
  /* guarded by lock */
  pe_mutex lock;
  int users;
  bool done;
  pe_redis_addresses found;
};

static void fill(pe_redis_addresses *found, const struct addrinfo *list) {
  for (; list && found->count < PE_REDIS_ADDRESSES; list = list->ai_next) {
    struct pe_redis_address *each = &found->each[found->count];
    if (list->ai_addrlen > sizeof each->address) continue;
    memcpy(&each->address, list->ai_addr, list->ai_addrlen);
    each->size = list->ai_addrlen;
    found->count++;
  }
}

static void look(const pe_redis_lookup *lookup, int flags, pe_redis_addresses *found) {
  const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags};
  struct addrinfo *list = NULL;

  memset(found, 0, sizeof *found);
  found->failure = getaddrinfo(lookup->host, lookup->port, &hints, &list);
  if (found->failure != 0) return;
  fill(found, list);
  freeaddrinfo(list);
}

static void finish(pe_redis_lookup *lookup, const pe_redis_addresses *found) {
  pe_mutex_lock(&lookup->lock);
  lookup->found = *found;
  lookup->done = true;
  pe_mutex_unlock(&lookup->lock);
  pe_bell_ring(&lookup->bell);
}

static void *run(void *user) {
  pe_redis_addresses found;
  pe_thread_set_name("pe-lookup");
  look(user, 0, &found);
  finish(user, &found);
  pe_redis_lookup_leave(user);
  return NULL;
}

/* Returns false when the system has no memory, or no thread, to give. */
static bool begin(pe_redis_lookup *lookup) {
  pe_redis_addresses found;
  pe_thread thread;

  look(lookup, AI_NUMERICHOST, &found);
  if (found.count > 0) {
    finish(lookup, &found);
    return true;
  }
  if (found.failure == EAI_MEMORY) return false;
  lookup->users = 2;
  if (!pe_thread_start(&thread, run, lookup)) {
    lookup->users = 1;
    return false;
  }
  pe_thread_detach(thread);
  return true;
}

pe_error pe_redis_lookup_new(const char *host, int port, pe_redis_lookup **lookup) {
  pe_redis_lookup *made = calloc(1, sizeof *made);

  if (!made) return PE_NO_MEMORY;
  made->users = 1;
  (void)snprintf(made->host, sizeof made->host, "%s", host);
  (void)snprintf(made->port, sizeof made->port, "%d", port);
  if (!pe_mutex_init(&made->lock)) {
    free(made);
    return PE_NO_MEMORY;
  }
  if (!pe_bell_init(&made->bell) || !begin(made)) {
    pe_redis_lookup_leave(made);
    return PE_NO_MEMORY;
  }
  *lookup = made;
  return PE_OK;
}

int pe_redis_lookup_descriptor(const pe_redis_lookup *lookup) {
  return pe_bell_descriptor(&lookup->bell);
}

bool pe_redis_lookup_done(pe_redis_lookup *lookup, pe_redis_addresses *addresses) {
  bool done;
  pe_mutex_lock(&lookup->lock);
  done = lookup->done;
  if (done) *addresses = lookup->found;
  pe_mutex_unlock(&lookup->lock);
  return done;
}

void pe_redis_lookup_leave(pe_redis_lookup *lookup) {
  bool is_last;
  if (!lookup) return;
  pe_mutex_lock(&lookup->lock);
  is_last = --lookup->users == 0;
  pe_mutex_unlock(&lookup->lock);
  if (!is_last) return;
  pe_bell_cleanup(&lookup->bell);
  pe_mutex_destroy(&lookup->lock);
  free(lookup);
}
