/* What the JSON writer writes, jansson reads back as the same; what it refuses, jansson refuses too. The input: a byte
 * that says what the rest is (a text, the bits of a double, an integer, or a number in decimal). */
#include "event/json_writer.h"

#include <jansson.h>
#include <math.h>

#include "fuzz.h"

static json_t *read_back(const pe_buffer *out) {
  json_t *value = json_loadb(out->data, out->size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
  CLAIM(value);
  return value;
}

/* The same again, with room for all of it and with a byte less. */
static void check_ceiling(const char *text, size_t size, size_t written) {
  pe_buffer small;
  pe_buffer_init(&small, written);
  CLAIM(pe_json_write_string(&small, text, size) == PE_OK && small.size == written);
  pe_buffer_cleanup(&small);
  pe_buffer_init(&small, written - 1);
  CLAIM(pe_json_write_string(&small, text, size) == PE_TOO_LARGE);
  pe_buffer_cleanup(&small);
}

static void check_string(const uint8_t *data, size_t size) {
  char *text = fuzz_copy(data, size);
  json_t *value = json_stringn(text, size); /* NULL where it is not UTF-8 */
  pe_buffer out;
  pe_error error;

  pe_buffer_init(&out, 1 << 20);
  error = pe_json_write_string(&out, text, size);
  CLAIM(error == (value ? PE_OK : PE_INVALID_EVENT));
  if (value) {
    json_t *read = read_back(&out);
    CLAIM(json_equal(read, value));
    check_ceiling(text, size, out.size);
    json_decref(read);
  }
  json_decref(value);
  pe_buffer_cleanup(&out);
  free(text);
}

static void check_number(double number) {
  pe_buffer out;
  json_t *read;

  pe_buffer_init(&out, 64);
  if (!isfinite(number)) {
    CLAIM(pe_json_write_number(&out, number) == PE_INVALID_EVENT);
    return;
  }
  CLAIM(pe_json_write_number(&out, number) == PE_OK);
  CLAIM(out.size <= 24);
  read = read_back(&out);
  CLAIM(json_number_value(read) == number);
  json_decref(read);
  pe_buffer_cleanup(&out);
}

static void check_integer(int64_t integer) {
  pe_buffer out;
  json_t *read;

  pe_buffer_init(&out, 64);
  CLAIM(pe_json_write_integer(&out, integer) == PE_OK);
  read = read_back(&out);
  CLAIM(json_is_integer(read) && json_integer_value(read) == integer);
  json_decref(read);
  pe_buffer_cleanup(&out);
}

static void check_decimal(const uint8_t *data, size_t size) {
  char text[64] = "";
  memcpy(text, data, size < sizeof text ? size : sizeof text - 1);
  check_number(strtod(text, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint64_t bits = 0;
  double number;

  if (size == 0) return 0;
  memcpy(&bits, data + 1, size - 1 < sizeof bits ? size - 1 : sizeof bits);
  memcpy(&number, &bits, sizeof number);
  switch (data[0]) {
  case 'b': check_number(number); break;
  case 'i': check_integer((int64_t)bits); break;
  case 'd': check_decimal(data + 1, size - 1); break;
  default: check_string(data + 1, size - 1);
  }
  return 0;
}
