/* A fuzz target is one C file with LLVMFuzzerTestOneInput(), written for the public headers alone.
 * It ends the process where something can not be right, and tells what the library answered.
 * replay.c runs it on its seeds with whichever library is loaded, so that two can be compared;
 * libFuzzer's main() runs it on inputs of its own, and nobody listens. */
#ifndef CONFORMANCE_FUZZ_TARGET_H
#define CONFORMANCE_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

/* What the library answered, as a line of the comparison.  A target that knows of a difference
 * which conformance/DIFFERENCES.md allows leaves such inputs out when they are replayed. */
#ifdef REPLAY
enum { replayed = 1 };
#define answer(...) ((void)printf(__VA_ARGS__), (void)putchar('\n'))
#else
enum { replayed = 0 };
#define answer(...) ((void)snprintf(NULL, 0, __VA_ARGS__))
#endif

/* Holds for every input, on every library. */
#define require(condition) \
  ((condition)             \
       ? (void)0           \
       : (fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition), abort()))

#endif
