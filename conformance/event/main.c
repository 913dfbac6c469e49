/* The one binary of the event-core suite: every group, in the order of the documentation.
 * It is linked with Debian's libevent and run on it and on ours; it knows of neither. */
#include "conformance/event/suite.h"

int main(int argc, char** argv) {
  const struct harness_group groups[] = {
      base_group,
      config_group,
      loop_group,
      loop_exit_group,
      priority_group,
      event_object_group,
      io_group,
      edge_group,
      crowd_group,
      timer_group,
      common_timeout_group,
      clock_group,
      signal_group,
      active_group,
      once_group,
      finalize_group,
      introspect_group,
      dump_group,
      bad_input_group,
      bad_argument_group,
      debug_mode_group,
      memory_group,
      log_group,
      shutdown_group,
      fork_group,
      thread_group,
      lock_group,
      condition_group,
      hazard_group,
      zombie_group,
      compat_group,
      util_socket_group,
      util_address_group,
      util_getaddrinfo_group,
      util_string_group,
      util_time_group,
      util_random_group,
  };
  return harness_main_groups(argc, argv, groups, sizeof groups / sizeof groups[0]);
}
