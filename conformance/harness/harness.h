/*
 * The test harness: what a suite includes, and all it needs to include. A suite is a program of
 * CMocka tests whose main() calls harness_main(); every test then runs in a process of its own,
 * under a time limit, and a crash, a hang or a leak is that test's failure and nobody else's.
 * `SUITE --help` shows the command line.
 */
#ifndef POLLSHIM_CONFORMANCE_HARNESS_HARNESS_H
#define POLLSHIM_CONFORMANCE_HARNESS_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#include <cmocka.h>

/* The tests of one source file, when a suite is made of several. The full name of a test is then
 * "group/test"; on the command line either that or the bare name selects it. */
struct harness_group {
  const char* name;
  const struct CMUnitTest* tests;
  size_t count;
};

/* Both return the exit status of the suite: 0 only if a test ran and none failed. */
int harness_main(int argc, char** argv, const struct CMUnitTest* tests, size_t count);
int harness_main_groups(int argc, char** argv, const struct harness_group* groups, size_t count);

/* Ends the running test: this machine lacks `what_is_missing`. Counted apart, and fails the suite
 * unless --allow-unsupported names the test. */
#if defined(__GNUC__)
__attribute__((noreturn))
#endif
void harness_unsupported(const char *what_is_missing);

#ifdef __cplusplus
}
#endif

#endif
