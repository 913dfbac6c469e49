#include "conformance/unit/core_tests.h"

int main(int argc, char** argv) {
  using namespace netpoll::test;
  const harness_group groups[] = {gate_group(),
                                  poll_cache_group(),
                                  fd_table_group(),
                                  fd_table_edge_group(),
                                  fd_table_wait_group(),
                                  fd_table_return_group(),
                                  fd_table_policy_group(),
                                  deadline_group(),
                                  timer_heap_group(),
                                  timer_run_group(),
                                  run_queue_group(),
                                  wake_group(),
                                  signal_table_group()};
  return harness_main_groups(argc, argv, groups, sizeof groups / sizeof groups[0]);
}
