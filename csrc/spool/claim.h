/* Whose file is whose. In a spool's directory each file has a sibling NAME.lock, and a process that has locked that
 * owns the file: taken before the file is made, free again when the process is no more, however it ended. A lock is a
 * process's, so a list in the process tells its own clients apart. Nothing here opens a file that is locked by us: to
 * close it again would drop the lock. A forked child has no part in its parent's claims, and never takes the files.
 * Any thread; a claim belongs to one. */
#ifndef PE_CLAIM_H
#define PE_CLAIM_H

#include <stdbool.h>
#include <stddef.h>

/* What says why in `message` says it in errno, too: 0 where it is nothing of the system's. */
enum { PE_CLAIM_MESSAGE = 200, PE_CLAIM_NO_LOCK = -2 };

/* What the names of files end with; and, behind that, of those that were set aside. */
#define PE_CLAIM_SUFFIX  ".spool"
#define PE_CLAIM_DAMAGED ".damaged"

typedef struct pe_claim pe_claim;

/* The name that the files of that endpoint begin with: 16 digits and a hyphen. */
void pe_claim_prefix(const char *endpoint, char prefix[18]);

/* Whether the name begins with such digits, as all that we give do. */
bool pe_claim_tells_endpoint(const char *name);

/* Makes the directory (not those above it), 0700, where nothing is. False, and why in `message`. */
bool pe_claim_make(const char *directory, char message[PE_CLAIM_MESSAGE]);

/* The directory's real path, for all functions here: it may be a link, or lie behind one, but no file in it. The caller
 * frees it. NULL, and why in `message`. */
char *pe_claim_resolve(const char *directory, char message[PE_CLAIM_MESSAGE]);

/* Makes the directory (not those above it), 0700, where it is not. False, and why in `message`: it cannot be made, is a
 * link or no directory, or is somebody else's to write to. */
bool pe_claim_directory(const char *directory, char message[PE_CLAIM_MESSAGE]);

/* Claims a name that nobody has. NULL, and why: no disk, no right, no locks, no memory. */
pe_claim *pe_claim_new(const char *directory, const char *endpoint, char message[PE_CLAIM_MESSAGE]);

/* Claims a file that is there, by the name that pe_claim_next gave. NULL, and why: a live process holds it (message:
 * empty), or as above. */
pe_claim *pe_claim_take(const char *directory, const char *name, char message[PE_CLAIM_MESSAGE]);

/* The file is there, and what is accepted will be in it: noted in the lock, so that one which is empty later on is not
 * taken for one that was never finished. */
void pe_claim_note_made(pe_claim *claim);

/* Whether that was noted; or the name is none that we give. */
bool pe_claim_was_made(const pe_claim *claim);

/* The same of a file that is not claimed: by its name. */
bool pe_claim_is_made(const char *directory, const char *name);

/* Whether there is neither the file nor its log. */
bool pe_claim_has_nothing(const pe_claim *claim);

/* Keeps some of the disk in reserve, in the lock's file, where there is none yet and room for much more: on a disk that
 * others have filled to the last byte, to note what has ended takes some. What fails leaves none. */
void pe_claim_reserve(pe_claim *claim);

/* Gives the reserve back to the disk. Returns whether there was one. NULL is legal. */
bool pe_claim_spend(pe_claim *claim);

/* The path of the file. Valid as long as the claim. */
const char *pe_claim_path(const pe_claim *claim);

/* Gives it up: others may take it. NULL is legal. */
void pe_claim_free(pe_claim *claim);

/* Removes the file, its log and its lock, and gives it up. */
void pe_claim_remove(pe_claim *claim);

/* Moves the file aside as NAME.damaged, with its log, or what there is of the two, and gives it up. Returns whether
 * anything was moved. */
bool pe_claim_set_aside(pe_claim *claim);

/* Whether there is a directory of that name that may be read; else why not, in `message`. */
bool pe_claim_readable(const char *directory, char message[PE_CLAIM_MESSAGE]);

/* Whether it is ours to put in order: what we make there, its owner must be able to open. Else why not. */
bool pe_claim_writable(const char *directory, char message[PE_CLAIM_MESSAGE]);

/* Which process holds the file of that name; 0: none. What the system says, not the file. -1: one that has no number
 * here (another container's), or the lock cannot be looked at. PE_CLAIM_NO_LOCK: what has its name is no plain file,
 * and nobody can take the file. */
long pe_claim_owner(const char *directory, const char *name);

/* The first name behind `after` (NULL: the first of all) in the order of their making, of the files that begin with
 * `prefix` ("": every spool); beside an endpoint's also of those whose names tell none, at which nobody else looks.
 * Of some there is the log alone. NULL: there is none, or the directory cannot be read. The caller frees it. */
char *pe_claim_next(const char *directory, const char *prefix, const char *after);

/* The same of all files that were set aside. */
char *pe_claim_next_damaged(const char *directory, const char *after);

/* Removes what a process has left that was killed before it had made its file, or after it had removed it: locks that
 * nobody holds, of files that begin with `prefix` and are not there, and neither are their logs. */
void pe_claim_sweep(const char *directory, const char *prefix);

#endif
