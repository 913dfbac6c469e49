/* The mark between preparation and what is counted: a call that no library makes. */
#ifndef CONFORMANCE_EVENT_KERNEL_CALLS_H
#define CONFORMANCE_EVENT_KERNEL_CALLS_H

#include <unistd.h>

enum { kernel_calls_marker = 0x7a57e2 };

static inline void kernel_calls_mark(void) {
  (void)!getpgid(kernel_calls_marker);
}

#endif
