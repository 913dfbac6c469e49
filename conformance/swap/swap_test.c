/*
 * The suite of the `pollshim` command: its groups.
 */
#include "conformance/swap/swap_test.h"

int main(int argc, char** argv) {
  const struct harness_group groups[] = {
      {"check", check_tests, check_test_count},
      {"run", run_tests, run_test_count},
      {"doctor", doctor_tests, doctor_test_count},
      {"top", top_tests, top_test_count},
  };
  return harness_main_groups(argc, argv, groups, sizeof groups / sizeof groups[0]);
}
