/*
 * Chance, and the record of what was seen. Everything a program does is drawn from here, and all
 * that a library shows goes in here; both begin anew with every program.
 */
#ifndef CONFORMANCE_EV_DIFFERENTIAL_RECORD_H
#define CONFORMANCE_EV_DIFFERENTIAL_RECORD_H

#include <stdbool.h>
#include <stdint.h>

struct record;

void begin_record(uint64_t seed, struct record* into);

int below(int limit);
bool one_in(int many);

void note(const char* format, ...) __attribute__((format(printf, 1, 2)));

#endif
