/* Row `load`: what a program pays at start for linking the library. The program starts itself
 * UNITS times, as one that asks the library for its version and ends. The unit is one start.
 * With no library at all it is the floor. SIZE means nothing here. */
#include ENGINE

#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conformance/bench/bench.h"

enum { warm_up_starts = 5 };

static char argument_of_children[] = "--start";

static uint64_t children_cpu(void) {
  struct rusage usage;
  bench_check(getrusage(RUSAGE_CHILDREN, &usage) == 0);
  return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000u +
         (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000u;
}

static long start_times(long times) {
  char* const arguments[] = {argument_of_children, argument_of_children, NULL};
  long succeeded = 0;
  for (long i = 0; i < times; i++) {
    pid_t child;
    int status;
    bench_check(posix_spawn(&child, "/proc/self/exe", NULL, NULL, arguments, environ) == 0);
    bench_check(waitpid(child, &status, 0) == child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) succeeded++;
  }
  return succeeded;
}

static long start(struct bench* bench) {
  start_times(warm_up_starts);
  const uint64_t before = children_cpu();
  bench_start(bench);
  const long done = start_times(bench->units);
  bench_stop(bench);
  bench->cpu = children_cpu() - before;
  return done;
}

int main(int argc, char** argv) {
  static const struct bench_case cases[] = {{"start", start}, {NULL, NULL}};
  if (argc == 2 && strcmp(argv[1], argument_of_children) == 0) return loop_version()[0] == '\0';
  return bench_main(argc, argv, cases);
}
