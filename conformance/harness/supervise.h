/*
 * Runs one command under a time limit and leaves nothing of it behind. Owns the supervising
 * process, the killing and the reaping of every descendant, whatever session it fled to.
 * Called by the test harness (one test) and by run-checks (one check); knows neither of them.
 */
#ifndef POLLSHIM_CONFORMANCE_HARNESS_SUPERVISE_H
#define POLLSHIM_CONFORMANCE_HARNESS_SUPERVISE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum supervise_end {
  SUPERVISE_EXITED,    /* code is the exit status */
  SUPERVISE_SIGNALED,  /* code is the signal that ended it */
  SUPERVISE_TIMED_OUT, /* killed at its limit */
  SUPERVISE_BROKEN     /* could not be started or watched: code is an errno */
};

struct supervise_outcome {
  enum supervise_end end;
  int code;
  int stragglers; /* live descendants that had to be killed after the command itself ended */
  double seconds;
  double limit; /* that it was killed at, if it was */
};

enum { SUPERVISE_MOST_JOBS = 64 };

struct supervised {
  pid_t supervisor;
  int outcome_fd; /* becomes readable when the command is over; -1 while the slot is free */
};

/* Starts argv (found in PATH) with stdin from /dev/null and stdout and stderr on output_fd, in a
 * session of its own. False with errno when there is no process or descriptor left for it. */
bool supervise_start(struct supervised* job, char* const argv[], int output_fd, double limit);

/* Waits for the end of a started job and frees the slot. */
struct supervise_outcome supervise_finish(struct supervised* job);

/* Blocks until a started job can be finished without waiting; its index. At least one of the jobs
 * must have been started. */
size_t supervise_wait_any(const struct supervised* jobs, size_t count);

/* "exited with status 3", "killed by signal 11 (Segmentation fault)", ... into text. */
void supervise_describe(const struct supervise_outcome* outcome, char* text, size_t size);

#endif
