/*
 * Where the suites of the command find things. Specimens are made by specimens.sh.
 */
#include <stdlib.h>

#include "conformance/swap/swap_test.h"

const char* specimen(const char* name) {
  return text("%s/%s", built("specimens"), name);
}

const char* our_libraries(void) {
  const char* elsewhere = getenv("POLLSHIM_LIBRARIES");
  return elsewhere != NULL ? real_path(elsewhere) : built("lib/pollshim");
}

const char* ours(const char* soname) {
  return text("%s/%s", our_libraries(), soname);
}
