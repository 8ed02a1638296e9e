/* The buffer never passes its ceiling, and an error leaves it as it was. */
#include "base/buffer.h"

#include "test.h"

static void holds_what_was_appended(void **state) {
  pe_buffer buffer;
  (void)state;
  pe_buffer_init(&buffer, 1 << 20);
  for (int i = 0; i < 5000; i++)
    assert_int_equal(pe_buffer_append(&buffer, "abc", 3), PE_OK);
  assert_int_equal(buffer.size, 15000);
  assert_memory_equal(buffer.data + 14997, "abc", 3);
  pe_buffer_cleanup(&buffer);
  assert_int_equal(buffer.size, 0);
  assert_int_equal(pe_buffer_append_byte(&buffer, 'x'), PE_OK); /* usable again */
  pe_buffer_cleanup(&buffer);
}

static void stops_at_the_ceiling(void **state) {
  pe_buffer buffer;
  (void)state;
  for (size_t ceiling = 0; ceiling < 1200; ceiling += 7) {
    pe_buffer_init(&buffer, ceiling);
    for (size_t i = 0; i < ceiling; i++)
      assert_int_equal(pe_buffer_append_byte(&buffer, 'x'), PE_OK);
    assert_int_equal(pe_buffer_append_byte(&buffer, 'x'), PE_TOO_LARGE);
    assert_int_equal(buffer.size, ceiling);
    assert_true(buffer.capacity <= ceiling);
    assert_int_equal(pe_buffer_append(&buffer, "yz", 2), PE_TOO_LARGE);
    assert_int_equal(buffer.size, ceiling);
    assert_int_equal(pe_buffer_append(&buffer, NULL, 0), PE_OK);
    pe_buffer_cleanup(&buffer);
  }
}

static void refuses_sizes_that_overflow(void **state) {
  pe_buffer buffer;
  (void)state;
  pe_buffer_init(&buffer, 100);
  assert_int_equal(pe_buffer_append(&buffer, "abc", 3), PE_OK);
  assert_int_equal(pe_buffer_reserve(&buffer, SIZE_MAX), PE_TOO_LARGE);
  assert_int_equal(pe_buffer_reserve(&buffer, SIZE_MAX - 2), PE_TOO_LARGE);
  assert_int_equal(buffer.size, 3);
  pe_buffer_cleanup(&buffer);
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(holds_what_was_appended), TEST(stops_at_the_ceiling),
                                     TEST(refuses_sizes_that_overflow)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
