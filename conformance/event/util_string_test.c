/* Strings and numbers: comparison without case, snprintf, strtoll, and the integer limits and
 * offset macros of util.h. */
#include "conformance/event/suite.h"

#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static int sign(int value) {
  return (value > 0) - (value < 0);
}

static void case_is_ignored_for_ascii_letters(void** state) {
  (void)state;
  assert_int_equal(evutil_ascii_strcasecmp("aBcXyZ09", "AbCxYz09"), 0);
  assert_int_equal(sign(evutil_ascii_strcasecmp("a", "B")), -1);
  assert_int_equal(sign(evutil_ascii_strcasecmp("B", "a")), 1);
  assert_int_equal(sign(evutil_ascii_strcasecmp("abc", "abcd")), -1);
  assert_int_equal(sign(evutil_ascii_strcasecmp("abcd", "abc")), 1);
  assert_int_equal(evutil_ascii_strcasecmp("", ""), 0);
  assert_int_equal(sign(evutil_ascii_strcasecmp("", "a")), -1);
}

static void characters_between_the_cases_are_not_confused(void** state) {
  (void)state;
  assert_int_not_equal(evutil_ascii_strcasecmp("@", "`"), 0);
  assert_int_not_equal(evutil_ascii_strcasecmp("[", "{"), 0);
  assert_int_not_equal(evutil_ascii_strcasecmp("\\", "|"), 0);
}

static void no_locale_changes_the_comparison(void** state) {
  (void)state;
  setlocale(LC_ALL, "tr_TR.UTF-8");
  assert_int_equal(evutil_ascii_strcasecmp("CONTENT-LENGTH", "content-length"), 0);
  assert_int_not_equal(evutil_ascii_strcasecmp("\xc4", "\xe4"), 0);
  setlocale(LC_ALL, "C");
}

static void a_length_limits_the_comparison(void** state) {
  (void)state;
  assert_int_equal(evutil_ascii_strncasecmp("abX", "ABy", 2), 0);
  assert_int_equal(sign(evutil_ascii_strncasecmp("abX", "ABy", 3)), -1);
  assert_int_equal(evutil_ascii_strncasecmp("abc", "ABC", 100), 0);
  assert_int_equal(evutil_ascii_strncasecmp("x", "y", 0), 0);
  assert_int_equal(sign(evutil_ascii_strncasecmp("ab", "abc", 3)), -1);
}

static int through_vsnprintf(char* buffer, size_t size, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int count = evutil_vsnprintf(buffer, size, format, arguments);
  va_end(arguments);
  return count;
}

static void snprintf_tells_the_length_it_needed_and_always_ends_the_string(void** state) {
  (void)state;
  char buffer[8];
  assert_int_equal(evutil_snprintf(buffer, sizeof buffer, "%s", "hello world"), 11);
  assert_string_equal(buffer, "hello w");
  assert_int_equal(evutil_snprintf(buffer, sizeof buffer, "%d-%s", 42, "x"), 4);
  assert_string_equal(buffer, "42-x");
  assert_int_equal(through_vsnprintf(buffer, sizeof buffer, "%s", "hello world"), 11);
  assert_string_equal(buffer, "hello w");
  assert_int_equal(through_vsnprintf(buffer, 1, "%s", "hello"), 5);
  assert_string_equal(buffer, "");
}

static void no_room_at_all_gives_nothing_and_touches_nothing(void** state) {
  (void)state;
  char byte = '#';
  assert_int_equal(evutil_snprintf(&byte, 0, "%s", "x"), 0);
  assert_int_equal(through_vsnprintf(&byte, 0, "%s", "x"), 0);
  assert_int_equal(byte, '#');
}

static void numbers_of_64_bits_are_read_with_their_rest(void** state) {
  (void)state;
  static const struct {
    const char* text;
    int base;
    ev_int64_t value;
    const char* rest;
  } table[] = {
      {"12", 10, 12, ""},
      {"  +7", 10, 7, ""},
      {"-1", 10, -1, ""},
      {"12abc", 10, 12, "abc"},
      {"abc", 10, 0, "abc"},
      {"", 10, 0, ""},
      {"0x1F", 16, 31, ""},
      {"0x1F", 0, 31, ""},
      {"077", 0, 63, ""},
      {"zz", 36, 1295, ""},
      {"9223372036854775807", 10, EV_INT64_MAX, ""},
      {"-9223372036854775808", 10, EV_INT64_MIN, ""},
      {"9223372036854775808", 10, EV_INT64_MAX, ""},
      {"-9223372036854775809", 10, EV_INT64_MIN, ""},
  };
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    char* rest = NULL;
    assert_true(evutil_strtoll(table[i].text, &rest, table[i].base) == table[i].value);
    assert_string_equal(rest, table[i].rest);
    assert_true(evutil_strtoll(table[i].text, NULL, table[i].base) == table[i].value);
  }
}

static void limits_and_offsets_are_those_of_the_types(void** state) {
  (void)state;
  struct sample {
    char first;
    ev_uint64_t second;
  };
  assert_int_equal(evutil_offsetof(struct sample, second), offsetof(struct sample, second));
  assert_true(EV_UINT64_MAX == UINT64_MAX);
  assert_true(EV_INT32_MIN == INT32_MIN);
  assert_true(EV_UINT16_MAX == UINT16_MAX);
  assert_true(EV_SIZE_MAX == SIZE_MAX);
  assert_true(EV_SSIZE_MAX == INT64_MAX);
  assert_true(EV_SSIZE_MIN == INT64_MIN);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(case_is_ignored_for_ascii_letters),
    cmocka_unit_test(characters_between_the_cases_are_not_confused),
    cmocka_unit_test(no_locale_changes_the_comparison),
    cmocka_unit_test(a_length_limits_the_comparison),
    cmocka_unit_test(snprintf_tells_the_length_it_needed_and_always_ends_the_string),
    cmocka_unit_test(no_room_at_all_gives_nothing_and_touches_nothing),
    cmocka_unit_test(numbers_of_64_bits_are_read_with_their_rest),
    cmocka_unit_test(limits_and_offsets_are_those_of_the_types),
};
DEFINE_GROUP(util_string, tests);
