/* The entry of a suite of several files: GROUPS(X) lists them, and each defines its tests as
 * NAME_tests and their number as NAME_test_count. */
#ifndef CONFORMANCE_BUFFERS_GROUPS_H
#define CONFORMANCE_BUFFERS_GROUPS_H

#include "conformance/harness/harness.h"

#define DECLARE_GROUP(name)                      \
  extern const struct CMUnitTest name##_tests[]; \
  extern const size_t name##_test_count;
#define LIST_GROUP(name) {#name, name##_tests, name##_test_count},

#define SUITE_OF(GROUPS)                                                              \
  GROUPS(DECLARE_GROUP)                                                               \
  int main(int argc, char** argv) {                                                   \
    const struct harness_group groups[] = {GROUPS(LIST_GROUP)};                       \
    return harness_main_groups(argc, argv, groups, sizeof groups / sizeof groups[0]); \
  }

#endif
