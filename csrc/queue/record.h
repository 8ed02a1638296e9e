/* One accepted event, in one block of memory, until it has its outcome. A plain struct; who may touch which field when
 * is said beside it. */
#ifndef PE_RECORD_H
#define PE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum pe_record_state {
  PE_RECORD_QUEUED,    /* not tried yet */
  PE_RECORD_IN_FLIGHT, /* the sender has it */
  PE_RECORD_WAITING,   /* for another attempt */
  PE_RECORD_DRAWN      /* the same, of one that drew a hold in the last */
} pe_record_state;

/* No rows: the sender has had the record in hand to write it, and may have it still, or has copied the file that had
 * it; and it was dropped after that. */
enum { PE_ROW_COMING = -1, PE_ROW_GONE = -2 };

/* 80 bytes and the texts: memory decides how long an outage can be waited out. */
typedef struct pe_record {
  /* guarded by the queue's lock */
  struct pe_record *older, *newer; /* in the order of acceptance */
  uint64_t order;                  /* above that of all older ones */
  int64_t row;                     /* on disk; 0: it is not there (yet); or one of these two */
  uint32_t place;                  /* among those that wait */
  uint8_t state;
  /* the sender's, while in flight; attempts and draws stop at their largest value */
  uint8_t
      draws; /* in a row: the first hold that it drew, and one more each time that others were delivered meanwhile */
  uint16_t attempts;
  uint32_t drawn_by; /* the number of the transfer that drew the last of these, or of one soon after */
  /* immutable once accepted */
  uint32_t body_size;
  uint64_t ticket;       /* 0: restored, another process accepted it */
  int64_t accepted_at;   /* monotonic nanoseconds */
  int64_t paused_before; /* nanoseconds that the client had been held or gated until then */
  uint32_t id_size, name_size;
  char data[]; /* body, id, name; not NUL-terminated */
} pe_record;

/* Transfers are numbered as they begin, modulo 2^32. Whether `a` began after `b`, by less than half of all numbers. */
static inline bool pe_transfer_is_later(uint32_t a, uint32_t b) {
  return (int32_t)(a - b) > 0;
}

static inline bool pe_record_waits(const pe_record *record) {
  return record->state == PE_RECORD_WAITING || record->state == PE_RECORD_DRAWN;
}

/* Whether it drew a hold both before and after others were delivered. */
static inline bool pe_record_is_suspect(const pe_record *record) {
  return record->draws > 1;
}

static inline bool pe_record_is_on_disk(const pe_record *record) {
  return record->row > 0;
}

static inline const char *pe_record_body(const pe_record *record) {
  return record->data;
}

static inline const char *pe_record_id(const pe_record *record) {
  return record->data + record->body_size;
}

static inline const char *pe_record_name(const pe_record *record) {
  return record->data + record->body_size + record->id_size;
}

static inline size_t pe_record_text_bytes(const pe_record *record) {
  return (size_t)record->body_size + record->id_size + record->name_size;
}

/* How old it is, for what is paused until `now` in all (pe_queue_paused). Nanoseconds. */
static inline int64_t pe_record_age(const pe_record *record, int64_t paused, int64_t now) {
  return now - record->accepted_at - (paused - record->paused_before);
}

/* The memory that it takes, as far as we know. */
static inline size_t pe_record_bytes(const pe_record *record) {
  return offsetof(pe_record, data) + pe_record_text_bytes(record);
}

#endif
