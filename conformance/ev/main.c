/* The libev suite: one binary for the distribution's libev and for ours. The backend under test is
 * LIBEV_FLAGS. */
#include "conformance/ev/groups.h"

int main(int argc, char** argv) {
  const struct harness_group groups[] = {
      loop_group,  run_group,      loop_control_group, io_group,     io_identity_group,
      timer_group, periodic_group, clock_group,        signal_group, child_group,
      stat_group,  phase_group,    embed_group,        async_group,  pending_group,
      order_group, fork_group,     input_group,        memory_group, event_layer_group,
  };
  return harness_main_groups(argc, argv, groups, sizeof groups / sizeof groups[0]);
}
