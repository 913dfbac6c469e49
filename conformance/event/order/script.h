/* The small language of the order scenarios (scenarios.txt explains it).  A script is carried out
 * on the library this process has loaded, under the virtual clock, and leaves a trace of its
 * callbacks. */
#ifndef CONFORMANCE_EVENT_ORDER_SCRIPT_H
#define CONFORMANCE_EVENT_ORDER_SCRIPT_H

#include <stddef.h>

void script_prepare(void);
/* Ends the process on a script that does not parse: scenarios are part of the program. */
void script_run(const char* script, char* out, size_t size);

#endif
