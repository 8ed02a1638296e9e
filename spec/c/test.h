/* What every C test includes: cmocka, in the order that it wants. */
#ifndef PE_TEST_H
#define PE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TEST(function) cmocka_unit_test(function)

#endif
