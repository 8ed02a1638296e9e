/* The part of spool.h for events that have ended: they leave their file with the next commit, for the dead letters
 * where they were refused or have expired. Until then each is remembered: what was not committed is taken back when the
 * disk fails, and done again when it is back. */
#include "spool/spool.h"

#include <stdlib.h>
#include <string.h>

#include "spool/spool_private.h"

static const int64_t FULL_PATIENCE = 100 * PE_MILLISECOND; /* after an end, which makes room on a full disk */

enum {
  MOST_LETTERS = 10000,             /* in memory */
  MOST_WORDS = 1 << 20,             /* bytes of their messages and replies: of more letters there is the reason alone */
  FEW = 128,                        /* rows in one commit, where the log of more may find no room */
  FEW_BYTES = PE_STORE_TOGETHER / 2 /* of events that become letters, the same */
};

struct pe_spool_letter {
  pe_outcome outcome;
  pe_error code;
  long http_status;
  int64_t ended_at;
  bool is_settled;                 /* by the transaction that lasts: there is nothing more to do */
  bool is_written;                 /* then: the event was there to be buried */
  size_t size;                     /* of the event */
  size_t message_size, reply_size; /* 0: none; the message's has its NUL */
  char words[];                    /* the message, then the reply */
};

/* ---- letters ---- */

/* NULL: there is no memory for it, or they are too many. */
static pe_spool_letter *new_letter(pe_spool *spool, size_t size, const pe_spool_end *end) {
  size_t message_size = end->message ? strlen(end->message) + 1 : 0;
  size_t reply_size = end->reply ? end->reply_size : 0;
  pe_spool_letter *letter;

  if (spool->letter_count == MOST_LETTERS) return NULL;
  if (spool->letter_bytes + message_size + reply_size > MOST_WORDS) message_size = reply_size = 0;
  letter = malloc(sizeof *letter + message_size + reply_size);
  if (!letter) return NULL;
  *letter = (pe_spool_letter){.outcome = end->outcome,
                              .code = end->code,
                              .http_status = end->http_status,
                              .ended_at = pe_clock_wall(),
                              .size = size,
                              .message_size = message_size,
                              .reply_size = reply_size};
  if (message_size > 0) memcpy(letter->words, end->message, message_size);
  if (reply_size > 0) memcpy(letter->words + message_size, end->reply, reply_size);
  spool->letter_count++;
  spool->letter_bytes += message_size + reply_size;
  return letter;
}

static void drop_letter(pe_spool *spool, pe_spool_letter *letter) {
  if (!letter) return;
  spool->letter_count--;
  spool->letter_bytes -= letter->message_size + letter->reply_size;
  free(letter);
}

static pe_db_status write_letter(pe_store *store, int64_t row, pe_spool_letter *letter) {
  pe_db_status status;
  const char *reply = letter->reply_size > 0 ? letter->words + letter->message_size : NULL;
  const pe_dead dead = {.outcome = pe_outcome_name(letter->outcome),
                        .code = letter->code == PE_OK ? NULL : pe_error_name(letter->code),
                        .message = letter->message_size > 0 ? letter->words : NULL,
                        .http_status = letter->http_status,
                        .ended_at = letter->ended_at,
                        .reply = {reply, letter->reply_size}};
  status = pe_store_bury(store, row, &dead, &letter->is_written);
  letter->is_settled = status == PE_DB_OK;
  return status;
}

/* ---- what ends ---- */

static void hurry(pe_spool *spool) {
  int64_t at = pe_clock_monotonic() + FULL_PATIENCE;
  if (at < spool->retry_at) spool->retry_at = at;
}

/* Returns false when memory is out: then the event may be sent again, after a failure of the disk. */
static bool remember(pe_spool *spool, const pe_spool_ended *ended) {
  int64_t *to = &spool->ended_to[ended->restored ? 1 : 0];
  if (spool->ended_count == spool->ended_capacity) {
    size_t capacity = spool->ended_capacity > 0 ? spool->ended_capacity * 2 : PE_SPOOL_BATCH;
    pe_spool_ended *grown = realloc(spool->ended, capacity * sizeof *grown);
    if (!grown) return false;
    spool->ended = grown;
    spool->ended_capacity = capacity;
  }
  spool->ended[spool->ended_count++] = *ended;
  if (ended->row > *to) *to = ended->row;
  return true;
}

/* Rows are read in their order: seldom one is not behind all that have ended. */
bool pe_spool_has_ended(const pe_spool *spool, int64_t row, bool restored) {
  size_t i = row > spool->ended_to[restored ? 1 : 0] ? spool->ended_count : 0;
  while (i < spool->ended_count && (spool->ended[i].row != row || spool->ended[i].restored != restored))
    i++;
  return i < spool->ended_count;
}

static pe_db_status take_out(pe_store *store, const pe_spool_ended *ended) {
  return ended->letter ? write_letter(store, ended->row, ended->letter) : pe_store_finish(store, ended->row);
}

static bool is_dead(const pe_spool_end *end) {
  return end->outcome == PE_REJECTED_BY_PLATFORM || end->outcome == PE_EXPIRED;
}

static void end_row(pe_spool *spool, int64_t row, bool restored, size_t size, const pe_spool_end *end) {
  pe_spool_letter *letter = is_dead(end) ? new_letter(spool, size, end) : NULL;
  pe_spool_ended ended = {.row = row, .letter = letter, .restored = restored};
  pe_spool_file *file = pe_spool_file_of(spool, restored);
  pe_db_status status;

  if (!spool->works && spool->gauges.state == PE_SPOOL_FULL) hurry(spool);
  if (!remember(spool, &ended)) {
    drop_letter(spool, ended.letter);
    ended.letter = NULL;
  }
  if (is_dead(end) && !ended.letter) spool->gauges.dead_lost++;
  if (!spool->works || !file->store) return;
  status = take_out(file->store, &ended);
  if (status != PE_DB_OK) pe_spool_fail_file(spool, file, status, pe_clock_monotonic());
}

/* Where a commit failed that may have been made, or a file was copied into another one, an event is there though nobody
 * knows it. */
static bool may_be_there(const pe_spool *spool, const pe_record *record) {
  return record->ticket > 0 && (record->row == PE_ROW_COMING || record->ticket <= spool->rewrite_to);
}

void pe_spool_end_event(pe_spool *spool, const pe_record *record, const pe_spool_end *end) {
  if (pe_record_is_on_disk(record))
    end_row(spool, record->row, record->ticket == 0, record->body_size, end);
  else if (may_be_there(spool, record))
    end_row(spool, (int64_t)record->ticket, false, record->body_size, end);
  else if (is_dead(end))
    spool->gauges.dead_lost++; /* it goes with its record */
}

void pe_spool_drop_row(pe_spool *spool, int64_t row, const pe_spool_end *dropped) {
  end_row(spool, row, false, 0, dropped);
}

/* ---- commits ---- */

static void let_go(pe_spool *spool, pe_spool_ended *ended) {
  drop_letter(spool, ended->letter);
  ended->letter = NULL;
}

/* What was taken out of that file is committed. A letter is lost whose event was not in it. */
static void settle(pe_spool *spool, const pe_spool_file *file) {
  for (size_t i = 0; i < spool->ended_count && spool->letter_count > 0; i++) {
    pe_spool_ended *ended = &spool->ended[i];
    if (pe_spool_file_of(spool, ended->restored) != file || !ended->letter || !ended->letter->is_settled) continue;
    if (!ended->letter->is_written) spool->gauges.dead_lost++;
    let_go(spool, ended);
  }
}

bool pe_spool_commit_file(pe_spool *spool, pe_spool_file *file, int64_t now) {
  pe_db_status status = file->store ? pe_store_commit(file->store) : PE_DB_OK;
  if (status == PE_DB_OK)
    settle(spool, file);
  else
    pe_spool_fail_file(spool, file, status, now);
  return status == PE_DB_OK;
}

static bool commit_both(pe_spool *spool, int64_t now) {
  return pe_spool_commit_file(spool, &spool->own, now) && pe_spool_commit_file(spool, &spool->adopted, now);
}

/* All are committed but letters for which there is no file any more. */
static void clear(pe_spool *spool) {
  spool->gauges.dead_lost += (uint64_t)spool->letter_count;
  for (size_t i = 0; i < spool->ended_count && spool->letter_count > 0; i++)
    let_go(spool, &spool->ended[i]);
  spool->ended_count = 0;
  spool->ended_to[0] = spool->ended_to[1] = 0;
}

bool pe_spool_commit(pe_spool *spool, int64_t now) {
  bool is_done = commit_both(spool, now);
  if (is_done) clear(spool);
  return is_done;
}

/* ---- once more ---- */

static bool end_again(pe_spool *spool, const pe_spool_ended *ended, int64_t now) {
  pe_spool_file *file = pe_spool_file_of(spool, ended->restored);
  pe_db_status status = file->store ? take_out(file->store, ended) : PE_DB_OK;
  if (status != PE_DB_OK) pe_spool_fail_file(spool, file, status, now);
  return status == PE_DB_OK;
}

/* Commits, and writes the log back, so that the next commit takes its place. */
static bool commit_few(pe_spool *spool, int64_t now) {
  if (!commit_both(spool, now)) return false;
  pe_spool_write_back(spool);
  return true;
}

/* Those with a letter, which is written a second time, or those without. */
static bool end_some(pe_spool *spool, bool with_letter, bool by_few, int64_t now) {
  unsigned count = 0;
  size_t bytes = 0;
  for (size_t i = 0; i < spool->ended_count; i++) {
    const pe_spool_ended *ended = &spool->ended[i];
    if ((ended->letter != NULL) != with_letter) continue;
    if (ended->letter) bytes += ended->letter->size + ended->letter->reply_size;
    if (!end_again(spool, ended, now)) return false;
    if (!by_few || (++count < FEW && bytes < FEW_BYTES)) continue;
    if (!commit_few(spool, now)) return false;
    count = 0;
    bytes = 0;
  }
  return commit_both(spool, now);
}

bool pe_spool_end_again(pe_spool *spool, bool by_few, int64_t now) {
  spool->is_undone = false;
  for (size_t i = 0; i < spool->ended_count; i++)
    if (spool->ended[i].letter) spool->ended[i].letter->is_settled = false;
  if (!end_some(spool, false, by_few, now) || !end_some(spool, true, by_few, now)) return false;
  clear(spool);
  return true;
}

void pe_spool_forget(pe_spool *spool) {
  for (size_t i = 0; i < spool->ended_count; i++)
    drop_letter(spool, spool->ended[i].letter);
  free(spool->ended);
}
