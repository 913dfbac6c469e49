/* Entry of the TLS suite: all of bufferevent_ssl.h. */
#include "conformance/tls/world.h"

#define GROUPS(X) X(handshake) X(bytes) X(closing) X(freeing) X(settings) X(trouble)
#define DECLARE(name)                            \
  extern const struct CMUnitTest name##_tests[]; \
  extern const size_t name##_test_count;
GROUPS(DECLARE)

int main(int argc, char** argv) {
#define GROUP(name) {#name, name##_tests, name##_test_count},
  const struct harness_group groups[] = {GROUPS(GROUP)};
  return harness_main_groups(argc, argv, groups, COUNT_OF(groups));
}
