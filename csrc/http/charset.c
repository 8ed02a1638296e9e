#include "http/charset.h"

enum { WINDOWS_FIRST = 0x80, WINDOWS_COUNT = 32 };

/* Where Windows-1252 differs from Latin-1. Five bytes have no character there, and are taken for Latin-1's. */
static const unsigned short WINDOWS[WINDOWS_COUNT] = {0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                                      0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008D, 0x017D, 0x008F,
                                                      0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                                      0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

long pe_charset_of_latin1(unsigned char byte) {
  return byte;
}

long pe_charset_of_windows(unsigned char byte) {
  return byte >= WINDOWS_FIRST && byte < WINDOWS_FIRST + WINDOWS_COUNT ? WINDOWS[byte - WINDOWS_FIRST] : byte;
}

long pe_charset_to_byte(long character) {
  if (character <= 0xFF) return character;
  for (long i = 0; i < WINDOWS_COUNT; i++)
    if (WINDOWS[i] == character) return WINDOWS_FIRST + i;
  return -1;
}

/* Six bits of it, as a byte that follows. */
static unsigned char following(long character, int shift) {
  return (unsigned char)(0x80 | (character >> shift & 63));
}

/* Letters without accent and in small, of U+0100 to U+017F. */
static const char EXTENDED_A[] = "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllllll"
                                 "lnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

/* And of the bytes from 0x80 on; ".": it is none, or has no accent. */
static const char UPPER_HALF[] = "..........s.o.z...........s.o.zy................................"
                                 "aaaaaa.ceeeeiiii.nooooo.ouuuuy..aaaaaa.ceeeeiiii.nooooo.ouuuuy.y";

/* The first that a character is in counts. */
static const struct {
  unsigned short first, last, plain;
} PLAIN[] = {{0x0391, 0x03A9, 0x03B1}, /* Greek */
             {0x03C2, 0x03C2, 0x03C3}, /* the sigma at the end of a word */
             {0x0401, 0x0401, 0x0435}, /* Cyrillic */
             {0x0451, 0x0451, 0x0435}, {0x0419, 0x0419, 0x0438}, {0x0439, 0x0439, 0x0438},
             {0x0410, 0x042F, 0x0430}, {0x0400, 0x040F, 0x0450}};

long pe_charset_plain(long character) {
  if (character >= 0x0300 && character <= 0x036F) return 0;
  if (character >= 0x0100 && character <= 0x017F) return EXTENDED_A[character - 0x0100];
  for (size_t i = 0; i < sizeof PLAIN / sizeof *PLAIN; i++)
    if (character >= PLAIN[i].first && character <= PLAIN[i].last) return PLAIN[i].plain + (character - PLAIN[i].first);
  return character;
}

unsigned char pe_charset_plain_byte(unsigned char byte) {
  unsigned char small = (byte >= 'A' && byte <= 'Z') || byte >= 0xC0 ? byte | 0x20 : byte;
  char letter = byte >= 0x80 ? UPPER_HALF[byte - 0x80] : '.';
  return letter != '.' ? (unsigned char)letter : small;
}

size_t pe_charset_write(long character, unsigned char out[PE_UTF8_LONGEST]) {
  size_t count = character <= 0x7F ? 1 : character <= 0x7FF ? 2 : character <= 0xFFFF ? 3 : 4;
  static const unsigned char first[] = {0, 0, 0xC0, 0xE0, 0xF0};

  out[0] = (unsigned char)(first[count] | character >> 6 * (count - 1));
  for (size_t i = 1; i < count; i++)
    out[i] = following(character, (int)(6 * (count - 1 - i)));
  return count;
}

size_t pe_charset_read(const unsigned char *bytes, size_t size, long *character) {
  size_t count = bytes[0] >= 0xE0 ? 3 : 2;

  if (bytes[0] < 0xC2 || bytes[0] > 0xEF || size < count) return 0;
  *character = bytes[0] & (count == 3 ? 0x0F : 0x1F);
  for (size_t i = 1; i < count; i++) {
    if ((bytes[i] & 0xC0) != 0x80) return 0;
    *character = *character << 6 | (bytes[i] & 63);
  }
  return count;
}
