/* The file of a journal: one that is only added to, by one process at a time. Owns its descriptor, the lock on it, and
 * where its content ends; knows nothing of what stands in it, but that no byte of it is 0.
 *
 * Room is made before it is needed: a record that there is room for can be written though the disk be full. The room is
 * zeros behind the content, and they stay there where the process is killed; whoever reads stops at the first.
 *
 * Two threads add to it: the owner's, and the one that hears the answers, which writes each down before it goes on. A
 * lock is around every call, and held while the disk is written to: both have nothing else to do. What goes wrong is
 * told in `errno`'s terms: 0 is success. */
#ifndef PE_JOURNAL_H
#define PE_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

typedef struct pe_journal pe_journal;

/* What became of an event. */
typedef struct pe_journal_answer {
  uint64_t ticket;
  const char *outcome;
  const char *id; /* not NUL-terminated */
  size_t id_size;
} pe_journal_answer;

/* Opens the file, or makes it (0600), and locks it: what is at `path` then is what was locked, though another process
 * may have discarded its own meanwhile. A symbolic link is refused (ELOOP), and what is no file (EINVAL). EAGAIN:
 * another process has it, and *holder is its number, or 0 where that is not known. *journal is NULL unless 0 is
 * returned. This process must open the file in no other way: to close that again would drop the lock. */
int pe_journal_open(const char *path, pe_journal **journal, long *holder);

/* Gives the spare room back, and the file up; every other call then does nothing, and fails with EBADF. */
void pe_journal_close(pe_journal *journal);

/* Removes the file at `path`, which was opened, where nothing was ever written into it. */
void pe_journal_discard(pe_journal *journal, const char *path);

/* One more that holds it, until it calls pe_journal_release. */
void pe_journal_hold(pe_journal *journal);

/* With the last that holds it, whoever opened it being the first, it is closed and freed. NULL is legal. */
void pe_journal_release(pe_journal *journal);

/* Reads what stands at `from`, `size` bytes or what there is of them, up to the first 0. Sets *got; 0: the end. */
int pe_journal_read(pe_journal *journal, int64_t from, void *bytes, size_t size, size_t *got);

/* Says where the content ends: what stands behind is overwritten. Nothing is added before this was called. */
int pe_journal_end_at(pe_journal *journal, int64_t end);

/* Makes room for so many bytes behind the end. An error leaves content and end as they were. */
int pe_journal_reserve(pe_journal *journal, size_t size);

/* Adds the bytes at the end, all of them or, with an error, none. Sets *at: where they are. */
int pe_journal_append(pe_journal *journal, const void *bytes, size_t size, int64_t *at);

/* The event that will have this ticket is that of the record of this number. At most PE_JOURNAL_EXPECTED tickets may be
 * without an answer. */
enum { PE_JOURNAL_EXPECTED = 8192 };
void pe_journal_expect(pe_journal *journal, uint64_t ticket, int64_t number);

/* Adds the line of an answer: "NUMBER TAB OUTCOME TAB ID", "-" being an id that is none, longer than PE_JOURNAL_ID or
 * has other characters than those that are seen, or a %. An error is kept for pe_journal_trouble. */
enum { PE_JOURNAL_ID = 200 };
void pe_journal_answer_is(pe_journal *journal, const pe_journal_answer *answer);

/* The first error of pe_journal_answer_is; 0: there was none. */
int pe_journal_trouble(pe_journal *journal);

/* What was added survives a power cut from here on. */
int pe_journal_sync(pe_journal *journal);

#endif
