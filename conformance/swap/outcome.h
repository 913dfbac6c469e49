/*
 * Runs a program to its end and keeps what came of it. For the suites of the command and of the
 * view; knows neither.
 */
#ifndef POLLSHIM_CONFORMANCE_SWAP_OUTCOME_H
#define POLLSHIM_CONFORMANCE_SWAP_OUTCOME_H

#include <stddef.h>

struct outcome {
  int exit_code; /* -1 if a signal ended it */
  int signal;    /* or 0 */
  char out[65536];
  char err[65536];
};

/* How to run it. Everything may be left out. */
struct circumstances {
  const char* input;              /* what it reads on standard input */
  const char* directory;          /* where it runs */
  const char* const* environment; /* "NAME=value" to set, "NAME" to remove; NULL ends it */
};

/* The test fails if the program cannot be started or is not done in time. `arguments` ends with
 * NULL; the first is the path. */
void run_to_end(struct outcome* outcome, const struct circumstances* how,
                const char* const* arguments);

/* A text of one's own making. It stays to the end of the test, which is the end of its process. */
char* text(const char* format, ...);
const char* real_path(const char* path);
/* The absolute path of a file in the build tree, "bin/pollshim" say. */
const char* built(const char* path);
/* What the file holds, as a text. */
void read_whole(const char* path, char* text, size_t size);

#define RUN(outcome, how, ...) run_to_end(outcome, how, (const char* const[]){__VA_ARGS__, NULL})
#define ENVIRONMENT(...) ((const char* const[]){__VA_ARGS__, NULL})

/* The text contains the piece, or the test fails and shows the text. */
void assert_contains(const char* text, const char* piece);
void assert_lacks(const char* text, const char* piece);

#endif
