/*
 * Answers one question about the running process: which event libraries are mapped into it, and do
 * they all come from where the suite was told they would. Called at the end of every test of a
 * suite that has --library.
 */
#ifndef POLLSHIM_CONFORMANCE_HARNESS_LOADED_LIBRARY_H
#define POLLSHIM_CONFORMANCE_HARNESS_LOADED_LIBRARY_H

#include <stdbool.h>

/* False, with a line saying why, unless every mapped event library lies under the directory and at
 * least one is mapped. */
bool only_loaded_from(const char* directory);

#endif
