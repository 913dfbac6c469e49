/*
 * A random program over libev: watchers of every kind, started, stopped, fed and changed from
 * outside and from inside of callbacks, with nested runs. Everything it does follows from its seed
 * and from the order in which the library calls back, and all that the library shows goes into a
 * record.
 */
#ifndef CONFORMANCE_EV_DIFFERENTIAL_PROGRAM_H
#define CONFORMANCE_EV_DIFFERENTIAL_PROGRAM_H

#include <stdint.h>
#include <stdio.h>

struct record {
  uint64_t hash;
  unsigned long lines;
  FILE* text; /* or NULL */
};

/* Once, before any program. */
void program_prepare(void);
void program_run(uint64_t seed, struct record* record);

#endif
