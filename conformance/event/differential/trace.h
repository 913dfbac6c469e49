/* What a program did, as text: one line for each call and callback.  Two traces are equal or not; a
 * hash stands for the text while nothing is wrong. */
#ifndef CONFORMANCE_EVENT_DIFFERENTIAL_TRACE_H
#define CONFORMANCE_EVENT_DIFFERENTIAL_TRACE_H

#include <stdint.h>

void trace_clear(void);
void trace(const char* format, ...) __attribute__((format(printf, 1, 2)));
const char* trace_text(void);
uint64_t trace_hash(void);

#endif
