/* Entry of the evbuffer suite: every public function of buffer.h and buffer_compat.h. */
#include "conformance/buffers/support.h"

#define GROUPS(X) \
  X(append)       \
  X(take) X(space) X(search) X(lines) X(share) X(file) X(transfer) X(notify) X(locking) X(memory)
#define DECLARE(name)                            \
  extern const struct CMUnitTest name##_tests[]; \
  extern const size_t name##_test_count;
GROUPS(DECLARE)

int main(int argc, char** argv) {
#define GROUP(name) {#name, name##_tests, name##_test_count},
  const struct harness_group groups[] = {GROUPS(GROUP)};
  return harness_main_groups(argc, argv, groups, COUNT_OF(groups));
}
