/*
 * What the groups of the command's suite share: where things are, and how the command is called.
 */
#ifndef POLLSHIM_CONFORMANCE_SWAP_SWAP_TEST_H
#define POLLSHIM_CONFORMANCE_SWAP_SWAP_TEST_H

#include "conformance/harness/harness.h"
#include "conformance/swap/outcome.h"

/* Runs the command in its usual place. */
#define POLLSHIM(outcome, ...) RUN(outcome, NULL, built("bin/pollshim"), __VA_ARGS__)
#define WITH(...) (&(struct circumstances){.environment = ENVIRONMENT(__VA_ARGS__)})

const char* specimen(const char* name);
/* The directory of the libraries that the command swaps in. */
const char* our_libraries(void);
/* "DIRECTORY/SONAME" of ours. */
const char* ours(const char* soname);

extern const struct CMUnitTest check_tests[], run_tests[], doctor_tests[], top_tests[];
extern const size_t check_test_count, run_test_count, doctor_test_count, top_test_count;

#endif
