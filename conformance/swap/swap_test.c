/*
 * The suite of the `pollshim` command: its groups, and what they share. Specimens are made by
 * specimens.sh.
 */
#include "conformance/swap/swap_test.h"

#include <stdio.h>
#include <stdlib.h>

const char* text(const char* format, ...) {
  char* made = NULL;
  va_list arguments;
  va_start(arguments, format);
  assert_true(vasprintf(&made, format, arguments) >= 0);
  va_end(arguments);
  return made; /* a test is a process: it ends, and so does this */
}

const char* specimen(const char* name) {
  return text("%s/%s", built("specimens"), name);
}

const char* our_libraries(void) {
  const char* elsewhere = getenv("POLLSHIM_LIBRARIES");
  return elsewhere != NULL ? realpath(elsewhere, NULL) : built("lib/pollshim");
}

const char* ours(const char* soname) {
  return text("%s/%s", our_libraries(), soname);
}

int main(int argc, char** argv) {
  const struct harness_group groups[] = {
      {"check", check_tests, check_test_count},
      {"run", run_tests, run_test_count},
      {"doctor", doctor_tests, doctor_test_count},
      {"top", top_tests, top_test_count},
  };
  return harness_main_groups(argc, argv, groups, sizeof groups / sizeof groups[0]);
}
