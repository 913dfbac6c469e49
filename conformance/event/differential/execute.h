/* Carries a program out on the library this process has loaded, under the virtual clock. */
#ifndef CONFORMANCE_EVENT_DIFFERENTIAL_EXECUTE_H
#define CONFORMANCE_EVENT_DIFFERENTIAL_EXECUTE_H

#include "conformance/event/differential/program.h"

/* Once for the process. */
void execute_prepare(void);
/* From now on one slot's timeouts claim to be readable too: what a self-test must find. */
void execute_with_a_difference(void);
/* Leaves its trace in trace.h. */
void execute(const struct program* chosen, const uint8_t* left_out);

/* Whether the last program waited over and over without a callback, a timer or an end. */
int execute_was_spinning(void);

#endif
