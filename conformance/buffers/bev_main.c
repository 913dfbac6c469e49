/* Entry of the bufferevent suite: all of bufferevent.h and bufferevent_compat.h. */
#include "conformance/buffers/stream.h"

#define GROUPS(X)                                                                      \
  X(bev_socket)                                                                        \
  X(bev_marks)                                                                         \
  X(bev_pair)                                                                          \
  X(bev_filter) X(bev_limit) X(bev_limit_edges) X(bev_connect) X(bev_free) X(bev_edge) \
      X(bev_threads)
#define DECLARE(name)                            \
  extern const struct CMUnitTest name##_tests[]; \
  extern const size_t name##_test_count;
GROUPS(DECLARE)

int main(int argc, char** argv) {
#define GROUP(name) {#name, name##_tests, name##_test_count},
  const struct harness_group groups[] = {GROUPS(GROUP)};
  return harness_main_groups(argc, argv, groups, COUNT_OF(groups));
}
