/* The 17 date formats of the platform (platform.md, Standard attributes): check one, write one. Read strictly: every
 * field in its range, a day that the calendar has, nothing before or behind. Where Java's SimpleDateFormat would take
 * more (one digit for a month, an offset of 25 hours), this does not, on purpose. Pure; any thread. */
#ifndef PE_DATE_H
#define PE_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PE_DATE_SIZE = 19 }; /* of "yyyy-MM-dd HH:mm:ss" */

/* Whether the text is a date in one of the formats. */
bool pe_date_check(const char *text, size_t size);

/* Writes seconds since 1970 as "yyyy-MM-dd HH:mm:ss" in UTC, and a NUL. Returns false, and writes nothing, for a year
 * before 0001 or after 9999: milliseconds that were given for seconds. */
bool pe_date_write(char text[PE_DATE_SIZE + 1], int64_t seconds);

#endif
