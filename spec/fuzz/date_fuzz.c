/* The date reader against a slow one that reads the platform's own notation and leaves the calendar to libc; and what
 * pe_date_write writes, pe_date_check accepts and libc reads as the same second. The input is a text. */
#include "event/date.h"

#include <ctype.h>
#include <time.h>

#include "fuzz.h"

/* platform.md, Standard attributes, as they stand there; a blank field S is up to three digits. */
static const char *const formats[] = {"yyyy-MM-dd'T'HH:mm:ssXXX",
                                      "yyyy-MM-dd'T'HH:mm:s.S",
                                      "yyyy-MM-dd HH:mm:ss",
                                      "yyyy-MM-dd",
                                      "dd-MM-yyyy HH:mm:ss",
                                      "MM/dd/yyyy HH:mm:ss",
                                      "yyyy/MM/dd HH:mm:ss",
                                      "yyyy/MM/dd",
                                      "dd-MM-yyyy",
                                      "MM/dd/yyyy",
                                      "yyyyMMdd HH:mm:ss",
                                      "dd-MMM-yy",
                                      "yyyy-MM-dd'T'HH:mm:ss",
                                      "EEE MMM dd HH:mm:ss z yyyy",
                                      "MMMM,dd,yyyy",
                                      "MMMM,dd",
                                      "yyyy-dd-MM HH:mm:ss"};

static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};
static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

/* ---- the oracle: each function returns how many characters it took, or -1; `text` ends in a NUL ---- */

static int number(const char *text, int least, int most, int *value) {
  int count = 0;
  for (*value = 0; count < most && isdigit((unsigned char)text[count]); count++)
    *value = *value * 10 + text[count] - '0';
  return count >= least ? count : -1;
}

static int name(const char *text, const char *const *names, int count, size_t size, int *index) {
  for (*index = 0; *index < count; ++*index) {
    size_t length = size > 0 ? size : strlen(names[*index]);
    bool same = strlen(text) >= length;
    for (size_t i = 0; same && i < length; i++)
      same = tolower((unsigned char)text[i]) == tolower((unsigned char)names[*index][i]);
    if (same) return (int)length;
  }
  return -1;
}

/* +hh:mm, or with h for hours where `least` is 1. */
static int offset(const char *text, int least) {
  int hours, minutes, count;
  if (*text != '+' && *text != '-') return -1;
  count = number(text + 1, least, 2, &hours);
  if (count < 0 || hours > 23 || text[1 + count] != ':') return -1;
  if (number(text + count + 2, 2, 2, &minutes) < 0 || minutes > 59) return -1;
  return count + 4;
}

static int zone(const char *text) {
  int capitals = 0;
  while (text[capitals] >= 'A' && text[capitals] <= 'Z')
    capitals++;
  if (strncmp(text, "GMT", 3) == 0 && capitals == 3 && text[3] != '\0' && text[3] != ' ') {
    int count = offset(text + 3, 1);
    return count < 0 ? -1 : count + 3;
  }
  return capitals >= 2 && capitals <= 5 ? capitals : -1;
}

/* One field: `run` times the letter. */
static int field(const char *text, char letter, int run, struct tm *tm) {
  int value = 0, count = -1;
  switch (letter) {
  case 'y':
    count = number(text, run, run, &value);
    tm->tm_year = run == 4 ? value - 1900 : value + 100;
    return count;
  case 'M':
    if (run == 2) count = number(text, 2, 2, &tm->tm_mon), tm->tm_mon--;
    if (run > 2) count = name(text, months, 12, run == 3 ? 3 : 0, &tm->tm_mon);
    return count;
  case 'd': return number(text, 2, 2, &tm->tm_mday);
  case 'H': return number(text, 2, 2, &tm->tm_hour);
  case 'm': return number(text, 2, 2, &tm->tm_min);
  case 's': return number(text, run, 2, &tm->tm_sec);
  case 'S': return number(text, 1, 3, &value);
  case 'E': return name(text, days, 7, 3, &tm->tm_wday);
  case 'X': return *text == 'Z' ? 1 : offset(text, 2);
  case 'z': return zone(text);
  default: return -1;
  }
}

/* Whether libc, asked for the second, answers with the same fields. */
static bool is_in_calendar(const struct tm *tm) {
  struct tm normal = *tm;
  time_t seconds = timegm(&normal);
  if (tm->tm_year < -1899 || !gmtime_r(&seconds, &normal)) return false;
  return normal.tm_year == tm->tm_year && normal.tm_mon == tm->tm_mon && normal.tm_mday == tm->tm_mday &&
         normal.tm_hour == tm->tm_hour && normal.tm_min == tm->tm_min && normal.tm_sec == tm->tm_sec &&
         (tm->tm_wday < 0 || normal.tm_wday == tm->tm_wday);
}

static bool fits(const char *format, const char *text) {
  struct tm tm = {.tm_year = 70, .tm_mday = 1, .tm_wday = -1};
  while (*format != '\0') {
    int run = 1, count;
    if (*format == '\'') { /* 'T' */
      if (*text++ != format[1]) return false;
      format += 3;
      continue;
    }
    if (!isalpha((unsigned char)*format)) {
      if (*text++ != *format++) return false;
      continue;
    }
    while (format[run] == *format)
      run++;
    count = field(text, *format, run, &tm);
    if (count < 0) return false;
    text += count;
    format += run;
  }
  return *text == '\0' && is_in_calendar(&tm);
}

static bool is_date(const char *text) {
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (fits(formats[i], text)) return true;
  return false;
}

/* ---- the claims ---- */

static void check_reader(const uint8_t *data, size_t size) {
  char *exact = fuzz_copy(data, size);
  char *text = malloc(size + 1);

  if (!text) abort();
  if (size > 0) memcpy(text, data, size);
  text[size] = '\0';
  CLAIM(pe_date_check(exact, size) == (strlen(text) == size && is_date(text)));
  free(text);
  free(exact);
}

static void check_writer(int64_t seconds) {
  char text[PE_DATE_SIZE + 1];
  struct tm tm = {0};

  if (!pe_date_write(text, seconds)) {
    CLAIM(seconds < INT64_C(-62135596800) || seconds > INT64_C(253402300799));
    return;
  }
  CLAIM(strlen(text) == PE_DATE_SIZE);
  CLAIM(pe_date_check(text, PE_DATE_SIZE));
  CLAIM(sscanf(text, "%4d-%2d-%2d %2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
               &tm.tm_sec) == 6);
  tm.tm_year -= 1900;
  tm.tm_mon--;
  CLAIM(timegm(&tm) == seconds);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint64_t bits = 0;

  check_reader(data, size);
  memcpy(&bits, data, size < sizeof bits ? size : sizeof bits);
  check_writer((int64_t)bits);
  check_writer((int64_t)(bits % UINT64_C(315537897600)) - INT64_C(62135596800)); /* a second of the years 1 to 9999 */
  return 0;
}
