/* The rooms of the libev suite, one group of tests each; main.c lists them. */
#ifndef CONFORMANCE_EV_GROUPS_H
#define CONFORMANCE_EV_GROUPS_H

#include "conformance/ev/suite.h"

extern const struct harness_group loop_group;
extern const struct harness_group run_group;
extern const struct harness_group loop_control_group;
extern const struct harness_group io_group;
extern const struct harness_group io_identity_group;
extern const struct harness_group timer_group;
extern const struct harness_group periodic_group;
extern const struct harness_group clock_group;
extern const struct harness_group signal_group;
extern const struct harness_group child_group;
extern const struct harness_group stat_group;
extern const struct harness_group phase_group;
extern const struct harness_group embed_group;
extern const struct harness_group async_group;
extern const struct harness_group pending_group;
extern const struct harness_group order_group;
extern const struct harness_group fork_group;
extern const struct harness_group input_group;
extern const struct harness_group memory_group;
extern const struct harness_group event_layer_group;

#endif
