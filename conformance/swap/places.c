/*
 * Where the suites of the command find things. Specimens are made by specimens.sh.
 */
#include <stdio.h>
#include <stdlib.h>

#include "conformance/swap/swap_test.h"

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
