/* The part of store.h that tells whether what is open is still there: somebody may remove the file or what SQLite has
 * beside it, put others in their place, or cut them off. What is written then is lost without a word. */
#include "spool/store.h"

#include <stdio.h>
#include <sys/stat.h>

#include "spool/store_private.h"

static const char *const suffixes[PE_STORE_PLACES] = {"", "-wal", "-shm"};

static bool find(const pe_store *store, int place, struct stat *found) {
  char path[4096];
  int length = snprintf(path, sizeof path, "%s%s", store->path, suffixes[place]);
  return length > 0 && (size_t)length < sizeof path && lstat(path, found) == 0 && S_ISREG(found->st_mode);
}

bool pe_store_remember(pe_store *store, int place) {
  struct stat found;
  if (!find(store, place, &found)) return false;
  store->places[place] = (pe_store_place){found.st_dev, found.st_ino};
  return true;
}

bool pe_store_is_there(const pe_store *store) {
  struct stat found;
  for (int i = 0; i < PE_STORE_PLACES; i++) {
    const pe_store_place *place = &store->places[i];
    if (place->inode == 0) continue;
    if (!find(store, i, &found) || found.st_dev != place->device || found.st_ino != place->inode) return false;
  }
  return true;
}

/* What was written back is in the file; nobody misses it in the log. */
bool pe_store_log_is_cut(const pe_store *store) {
  int64_t pages = pe_database_log_pages(store->database);
  if (pages == store->tidy_pages) return false;
  return !pe_database_log_is_whole(store->database, pages, store->page_size);
}
