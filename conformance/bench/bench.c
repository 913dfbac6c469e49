/* The frame of a benchmark program: command line, pinning, clocks, and the report.
 * Called by every row; knows no library and no row. A run that hangs is ended by SIGALRM, so that
 * nothing here waits for ever. */
#include "conformance/bench/bench.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__has_feature)
/* What a run has made is left to the end of its process, which is near. */
const char* __asan_default_options(void);
__attribute__((visibility("default"), used)) const char* __asan_default_options(void) {
  return "detect_leaks=0";
}
#endif

enum { time_limit_seconds = 150, unsupported_status = 77, spare_descriptors = 64 };

void bench_check_(bool condition, const char* text, const char* file, int line) {
  if (condition) return;
  fprintf(stderr, "%s:%d: not so: %s (%s)\n", file, line, text, strerror(errno));
  exit(1);
}

uint64_t bench_clock(int clock_id) {
  struct timespec now;
  bench_check(clock_gettime(clock_id, &now) == 0);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void bench_start(struct bench* bench) {
  bench->wall_start = bench_clock(CLOCK_MONOTONIC);
  bench->cpu_start = bench_clock(CLOCK_PROCESS_CPUTIME_ID);
}

void bench_stop(struct bench* bench) {
  bench->cpu += bench_clock(CLOCK_PROCESS_CPUTIME_ID) - bench->cpu_start;
  bench->wall += bench_clock(CLOCK_MONOTONIC) - bench->wall_start;
}

/* The kilobytes that stand behind a label in a file of the kernel, as bytes. */
static uint64_t read_kilobytes(const char* path, const char* format) {
  FILE* file = fopen(path, "re");
  bench_check(file != NULL);
  char line[256];
  unsigned long kib = 0;
  while (fgets(line, sizeof line, file) && sscanf(line, format, &kib) != 1)
    continue;
  fclose(file);
  bench_check(kib > 0);
  return (uint64_t)kib * 1024;
}

uint64_t bench_resident(void) {
  return read_kilobytes("/proc/self/smaps_rollup", "Anonymous: %lu kB");
}

/* Of this program alone: what getrusage() says includes whoever forked before the exec. */
static uint64_t peak_memory(void) {
  return read_kilobytes("/proc/self/status", "VmHWM: %lu kB");
}

/* Of the cores that this process started with, the first is the server's and the last the load's.
 */
static cpu_set_t allowed;

static void pin(bool last) {
  size_t chosen = CPU_SETSIZE;
  for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
    if (CPU_ISSET(cpu, &allowed) && (chosen == CPU_SETSIZE || last)) chosen = cpu;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(chosen, &one);
  bench_check(sched_setaffinity(0, sizeof one, &one) == 0);
}

void bench_pin_server(void) {
  pin(false);
}
void bench_pin_load(void) {
  pin(true);
}

void bench_need_descriptors(long count) {
  struct rlimit limit;
  bench_check(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = limit.rlim_max;
  bench_check(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  if ((rlim_t)(count + spare_descriptors) <= limit.rlim_cur) return;
  fprintf(stderr, "needs %ld descriptors, the limit is %lu\n", count,
          (unsigned long)limit.rlim_cur);
  exit(unsupported_status);
}

/* The proof of what was measured: every file of the event libraries in this process's map. */
static void print_libraries(void) {
  FILE* maps = fopen("/proc/self/maps", "re");
  bench_check(maps != NULL);
  char line[4096], last[4096] = "";
  const char* comma = "";
  while (fgets(line, sizeof line, maps)) {
    char* path = strchr(line, '/');
    if (!path) continue;
    path[strcspn(path, "\n")] = '\0';
    const char* base = strrchr(path, '/') + 1;
    if (strncmp(base, "libev", 5) != 0 && strncmp(base, "libpollshim", 11) != 0) continue;
    if (strcmp(path, last) == 0) continue;
    printf("%s\"%s\"", comma, path);
    comma = ",";
    strcpy(last, path);
  }
  fclose(maps);
}

static void report(const struct bench* bench) {
  printf(
      "{\"case\":\"%s\",\"size\":%ld,\"units\":%ld,\"wall\":%llu,\"cpu\":%llu,\"bytes\":%llu,"
      "\"peak\":%llu,\"libraries\":[",
      bench->case_name, bench->size, bench->units, (unsigned long long)bench->wall,
      (unsigned long long)bench->cpu, (unsigned long long)bench->bytes,
      (unsigned long long)peak_memory());
  print_libraries();
  puts("]}");
}

int bench_main(int argc, char** argv, const struct bench_case* cases) {
  struct bench bench = {0};
  const struct bench_case* found = cases;
  if (argc == 4) {
    while (found->name && strcmp(found->name, argv[1]) != 0)
      found++;
    bench.case_name = found->name;
    bench.size = atol(argv[2]);
    bench.units = atol(argv[3]);
  }
  if (!bench.case_name || bench.size <= 0 || bench.units <= 0) {
    fprintf(stderr, "usage: %s CASE SIZE UNITS, where CASE is one of:", argv[0]);
    for (found = cases; found->name; found++)
      fprintf(stderr, " %s", found->name);
    fputc('\n', stderr);
    return 2;
  }
  alarm(time_limit_seconds);
  signal(SIGPIPE, SIG_IGN);
  bench_check(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
  bench_pin_server();
  const long done = found->run(&bench);
  if (done != bench.units) {
    fprintf(stderr, "%s %s: %ld units done of %ld\n", argv[0], bench.case_name, done, bench.units);
    return 1;
  }
  report(&bench);
  return 0;
}
