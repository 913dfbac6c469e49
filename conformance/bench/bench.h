/* What every benchmark program shares: its command line, its clocks, and the one line it reports.
 * A program measures exactly one case per run, `PROGRAM CASE SIZE UNITS`, and fails unless every
 * unit of work was done. Which library was loaded is none of its business: it only says so, from
 * its own memory map, and leaves the comparing to bench.py. */
#ifndef POLLSHIM_CONFORMANCE_BENCH_BENCH_H_
#define POLLSHIM_CONFORMANCE_BENCH_BENCH_H_

#include <stdbool.h>
#include <stdint.h>

struct bench {
  const char* case_name;
  long size;  /* how much stands around: descriptors, timers, connections */
  long units; /* how much is to be done and counted */
  uint64_t wall, cpu;
  uint64_t wall_start, cpu_start;
  uint64_t bytes; /* for the rows whose result is memory */
};

/* Runs one case and returns the units that were done. */
typedef long bench_run(struct bench* bench);

struct bench_case {
  const char* name;
  bench_run* run;
};

/* Runs the case named on the command line, pinned to the server's core, and prints its report.
 * `cases` ends with a nameless entry. Returns the exit status for main(). */
int bench_main(int argc, char** argv, const struct bench_case* cases);

/* The measured span; may be opened and closed many times, the sum is reported. */
void bench_start(struct bench* bench);
void bench_stop(struct bench* bench);

/* Nanoseconds of a clock, for rows that keep a span of their own. */
uint64_t bench_clock(int clock_id);

/* Anonymous memory of this process that is resident now, in bytes. */
uint64_t bench_resident(void);

/* The core of the server under test, and the core of whatever loads it. The same one on a machine
 * that has only one. */
void bench_pin_server(void);
void bench_pin_load(void);

/* Ends the program, as unsupported here, unless so many descriptors may be open. */
void bench_need_descriptors(long count);

/* Ends the program with the reason unless the condition holds. */
#define bench_check(condition) bench_check_(condition, #condition, __FILE__, __LINE__)
void bench_check_(bool condition, const char* text, const char* file, int line);

#endif
