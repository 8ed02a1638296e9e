#include "event/date.h"

#include <string.h>

/* A format, one letter a field:
 *   Y yyyy   y yy   M MM   D dd   N MMM (Apr)   F MMMM (April)   W EEE (Thu)
 *   h HH   m mm   s ss   t s (one or two digits)   f S (one to three digits)   X XXX   Z z
 * and any other character for itself. The most usual come first. */
static const char *const formats[] = {
    "Y-M-D h:m:s", "Y-M-D", "Y-M-DTh:m:sX", "Y-M-DTh:m:s", "Y-M-DTh:m:t.f",   "Y-D-M h:m:s",
    "D-M-Y h:m:s", "D-M-Y", "M/D/Y h:m:s",  "M/D/Y",       "Y/M/D h:m:s",     "Y/M/D",
    "YMD h:m:s",   "D-N-y", "F,D,Y",        "F,D",         "W N D h:m:s Z Y",
};

static const char *const months[] = {"january", "february", "march",     "april",   "may",      "june",
                                     "july",    "august",   "september", "october", "november", "december"};
static const char *const days[] = {"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};

enum { NO_WEEKDAY = -1 };

typedef struct cursor {
  const char *at;
  const char *end;
} cursor;

typedef struct date {
  int year, month, day, weekday, hour, minute, second;
} date;

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
static bool is_capital(char c) {
  return c >= 'A' && c <= 'Z';
}

/* Reads `least` to `most` digits, as many as there are. */
static bool read_digits(cursor *in, int least, int most, int *value) {
  int count = 0;
  *value = 0;
  while (count < most && in->at < in->end && is_digit(*in->at)) {
    *value = *value * 10 + (*in->at++ - '0');
    count++;
  }
  return count >= least;
}

static bool read_literal(cursor *in, char c) {
  if (in->at == in->end || *in->at != c) return false;
  in->at++;
  return true;
}

/* Whether `size` characters of the name are next, without regard to case. */
static bool matches(const cursor *in, const char *name, size_t size) {
  if ((size_t)(in->end - in->at) < size) return false;
  for (size_t i = 0; i < size; i++)
    if ((in->at[i] | 0x20) != name[i]) return false;
  return true;
}

/* Reads one of the names, whole or its first three letters; sets *index. */
static bool read_name(cursor *in, const char *const *names, int count, bool whole, int *index) {
  for (int i = 0; i < count; i++) {
    size_t size = whole ? strlen(names[i]) : 3;
    if (!matches(in, names[i], size)) continue;
    in->at += size;
    *index = i;
    return true;
  }
  return false;
}

/* [+-]hh:mm; hours of one digit where `short_hour`. */
static bool read_offset(cursor *in, bool short_hour) {
  int hours, minutes;
  if (!read_literal(in, '+') && !read_literal(in, '-')) return false;
  return read_digits(in, short_hour ? 1 : 2, 2, &hours) && hours <= 23 && read_literal(in, ':') &&
         read_digits(in, 2, 2, &minutes) && minutes <= 59;
}

/* Two to five capitals (IST, CEST), or GMT with an offset. */
static bool read_zone(cursor *in) {
  const char *start = in->at;
  while (in->at < in->end && is_capital(*in->at))
    in->at++;
  if (in->at - start == 3 && memcmp(start, "GMT", 3) == 0 && in->at < in->end && *in->at != ' ')
    return read_offset(in, true);
  return in->at - start >= 2 && in->at - start <= 5;
}

static bool read_field(cursor *in, char field, date *out) {
  int ignored;
  bool found;
  switch (field) {
  case 'Y': return read_digits(in, 4, 4, &out->year);
  case 'y':
    found = read_digits(in, 2, 2, &out->year);
    out->year += 2000; /* the century matters to no check: of 1900 and 2000 Java's sliding window means the latter */
    return found;
  case 'M': return read_digits(in, 2, 2, &out->month);
  case 'D': return read_digits(in, 2, 2, &out->day);
  case 'N':
  case 'F':
    found = read_name(in, months, 12, field == 'F', &out->month);
    out->month++;
    return found;
  case 'W': return read_name(in, days, 7, false, &out->weekday);
  case 'h': return read_digits(in, 2, 2, &out->hour);
  case 'm': return read_digits(in, 2, 2, &out->minute);
  case 's': return read_digits(in, 2, 2, &out->second);
  case 't': return read_digits(in, 1, 2, &out->second);
  case 'f': return read_digits(in, 1, 3, &ignored);
  case 'X': return read_literal(in, 'Z') || read_offset(in, false);
  case 'Z': return read_zone(in);
  default: return read_literal(in, field);
  }
}

static bool is_leap(int year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in(int year, int month) {
  static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : lengths[month - 1];
}

/* The day of the week, 0 for Sunday, of a day of the Gregorian calendar (Sakamoto's method). */
static int weekday_of(int year, int month, int day) {
  static const int offsets[] = {0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4};
  int y = month < 3 ? year - 1 : year;
  return (y + y / 4 - y / 100 + y / 400 + offsets[month - 1] + day) % 7;
}

static bool is_in_calendar(const date *in) {
  if (in->year < 1 || in->month < 1 || in->month > 12) return false;
  if (in->day < 1 || in->day > days_in(in->year, in->month)) return false;
  if (in->hour > 23 || in->minute > 59 || in->second > 59) return false;
  return in->weekday == NO_WEEKDAY || in->weekday == weekday_of(in->year, in->month, in->day);
}

static bool fits(const char *format, const char *text, size_t size) {
  date read = {.year = 1970, .weekday = NO_WEEKDAY}; /* "April,11" is a day of 1970 to Java */
  cursor in = {text, text + size};
  for (; *format != '\0'; format++)
    if (!read_field(&in, *format, &read)) return false;
  return in.at == in.end && is_in_calendar(&read);
}

/* Two digits as a number; 100 or more when they are none. */
static int pair(const char *text) {
  unsigned tens = (unsigned char)text[0] - (unsigned)'0', ones = (unsigned char)text[1] - (unsigned)'0';
  return tens < 10 && ones < 10 ? (int)(tens * 10 + ones) : 100;
}

/* "yyyy-MM-dd HH:mm:ss", which is what nearly every event has, without the table. */
static bool is_usual(const char *text, size_t size) {
  date read = {.weekday = NO_WEEKDAY};
  if (size != PE_DATE_SIZE || text[4] != '-' || text[7] != '-' || text[10] != ' ' || text[13] != ':' || text[16] != ':')
    return false;
  if (pair(text) > 99 || pair(text + 2) > 99) return false;
  read.year = pair(text) * 100 + pair(text + 2);
  read.month = pair(text + 5);
  read.day = pair(text + 8);
  read.hour = pair(text + 11);
  read.minute = pair(text + 14);
  read.second = pair(text + 17);
  return is_in_calendar(&read);
}

bool pe_date_check(const char *text, size_t size) {
  if (is_usual(text, size)) return true;
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (fits(formats[i], text, size)) return true;
  return false;
}

/* Writes two digits. */
static void write_pair(char *text, int value) {
  text[0] = (char)('0' + value / 10);
  text[1] = (char)('0' + value % 10);
}

/* The day of the Gregorian calendar, from a count of days since the first of March of the year 0. Years that begin in
 * March have their leap day last, and months of 31, 30, 31, 30, 31 days twice and a half. */
static date day_of(int64_t count) {
  int64_t era = count / 146097; /* 400 years */
  int day_of_era = (int)(count % 146097);
  int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int month = (5 * day_of_year + 2) / 153; /* 0: March */
  date made = {.day = day_of_year - (153 * month + 2) / 5 + 1, .month = month < 10 ? month + 3 : month - 9};
  made.year = (int)era * 400 + year_of_era + (made.month <= 2 ? 1 : 0);
  return made;
}

/* Not by gmtime_r: the C library takes its lock of the time zone for it, which a fork may leave locked in the child,
 * and a time_t of 32 bits ends in 2038. */
bool pe_date_write(char text[PE_DATE_SIZE + 1], int64_t seconds) {
  static const int64_t first = INT64_C(-62135596800), last = INT64_C(253402300799); /* the years 0001 and 9999 */
  static const int64_t march_of_year_0 = INT64_C(-62162035200), day = 86400;
  int second;
  date utc;

  if (seconds < first || seconds > last) return false;
  second = (int)((seconds - first) % day);
  utc = day_of((seconds - march_of_year_0) / day);
  memcpy(text, "0000-00-00 00:00:00", PE_DATE_SIZE + 1);
  write_pair(text, utc.year / 100);
  write_pair(text + 2, utc.year % 100);
  write_pair(text + 5, utc.month);
  write_pair(text + 8, utc.day);
  write_pair(text + 11, second / 3600);
  write_pair(text + 14, second / 60 % 60);
  write_pair(text + 17, second % 60);
  return true;
}
