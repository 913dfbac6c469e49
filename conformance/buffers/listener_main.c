/* Entry of the listener suite: every public function of listener.h. */
#include "conformance/harness/harness.h"

extern const struct CMUnitTest listener_tests[], listener_trouble_tests[];
extern const size_t listener_test_count, listener_trouble_test_count;

int main(int argc, char** argv) {
  const struct harness_group groups[] = {
      {"listener", listener_tests, listener_test_count},
      {"listener_trouble", listener_trouble_tests, listener_trouble_test_count},
  };
  return harness_main_groups(argc, argv, groups, sizeof groups / sizeof groups[0]);
}
