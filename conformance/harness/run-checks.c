/*
 * Runs the checks of `make check`: several at a time, each under its time limit with a log of its
 * own, a line for each, a table of totals, and "N passed, N failed" last. Called by the Makefile
 * with a list of tab-separated lines: name, seconds, shell command. What a check does is its own
 * business; a suite's closing line is only read to add up the tests.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conformance/harness/supervise.h"

enum { MOST_CHECKS = 1024, LONGEST_LINE = 16384, SHOWN_LINES = 60 };

struct check {
  char *name, *command;
  double limit;
  size_t place;
};

struct slot {
  const struct check* check;
  char log[PATH_MAX];
  char temporary[64];
};

struct totals {
  unsigned passed, failed;
  unsigned long tests_passed, tests_failed;
};

static const char* logs = ".";
static bool failed_fatally;

static void complain(const char* about) {
  fprintf(stderr, "run-checks: %s: %s\n", about, strerror(errno));
  failed_fatally = true;
}

static size_t read_checks(const char* path, struct check* checks) {
  static char line[LONGEST_LINE];
  size_t count = 0;
  const char* factor_text = getenv("HARNESS_LIMIT_FACTOR");
  double factor = factor_text != NULL ? strtod(factor_text, NULL) : 1;
  FILE* list = fopen(path, "re");
  if (list == NULL) {
    complain(path);
    return 0;
  }
  while (fgets(line, sizeof line, list) != NULL && count < MOST_CHECKS) {
    char* rest = line;
    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '\0') continue;
    const char* name = strsep(&rest, "\t");
    const char* seconds = strsep(&rest, "\t");
    if (rest == NULL || rest[0] == '\0' || strtod(seconds, NULL) <= 0) {
      fprintf(stderr, "run-checks: %s: the line of %s is not NAME SECONDS COMMAND\n", path, name);
      failed_fatally = true;
      continue;
    }
    checks[count].name = strdup(name);
    checks[count].command = strdup(rest);
    checks[count].limit = strtod(seconds, NULL) * (factor > 0 ? factor : 1);
    checks[count].place = count;
    count++;
  }
  fclose(list);
  return count;
}

/* Every check has a temporary directory to itself, which goes when it ends. Under /tmp and short,
 * for the sake of UNIX sockets. */
static void remove_tree(const char* path) {
  pid_t remover = fork();
  if (remover == 0) {
    execlp("rm", "rm", "-rf", "--", path, (char*)NULL);
    _exit(127);
  }
  while (remover > 0 && waitpid(remover, NULL, 0) < 0 && errno == EINTR)
    continue;
}

static bool start(struct supervised* job, struct slot* slot, const struct check* check) {
  char* argv[] = {(char*)"sh", (char*)"-c", check->command, NULL};
  slot->check = check;
  snprintf(slot->log, sizeof slot->log, "%s/%s.log", logs, check->name);
  snprintf(slot->temporary, sizeof slot->temporary, "/tmp/pollshim-check.XXXXXX");
  if (mkdtemp(slot->temporary) == NULL) return false;
  int log = open(slot->log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
  if (log < 0) return false;
  setenv("TMPDIR", slot->temporary, 1);
  bool started = supervise_start(job, argv, log, check->limit);
  close(log);
  return started;
}

/* The last line of the form "[NAME: ]N passed, N failed" in a log, if there is one. */
static bool closing_line(FILE* log, unsigned long* passed, unsigned long* failed) {
  static char line[LONGEST_LINE];
  bool found = false;
  rewind(log);
  while (fgets(line, sizeof line, log) != NULL) {
    int end = 0;
    const char* colon = strrchr(line, ':');
    const char* numbers = colon != NULL ? colon + 1 : line;
    unsigned long p, f;
    if (sscanf(numbers, " %lu passed, %lu failed %n", &p, &f, &end) == 2 && end > 0 &&
        numbers[end] == '\0') {
      *passed = p;
      *failed = f;
      found = true;
    }
  }
  return found;
}

static void show_end_of(FILE* log) {
  static char line[LONGEST_LINE];
  size_t lines = 0, seen = 0;
  rewind(log);
  while (fgets(line, sizeof line, log) != NULL)
    lines++;
  rewind(log);
  while (fgets(line, sizeof line, log) != NULL)
    if (++seen + SHOWN_LINES > lines)
      printf("    | %s%s", line, strchr(line, '\n') != NULL ? "" : "\n");
}

static void finish(struct supervised* job, struct slot* slot, struct totals* totals) {
  struct supervise_outcome outcome = supervise_finish(job);
  unsigned long passed = 0, failed = 0;
  char why[160] = "", tests[64] = "";
  FILE* log = fopen(slot->log, "re");
  bool counted = log != NULL && closing_line(log, &passed, &failed);
  if (outcome.end != SUPERVISE_EXITED || outcome.code != 0)
    supervise_describe(&outcome, why, sizeof why);
  else if (counted && failed > 0)
    snprintf(why, sizeof why, "says that tests failed");
  else if (counted && passed == 0)
    snprintf(why, sizeof why, "ran no test");
  if (counted) snprintf(tests, sizeof tests, "%lu tests", passed + failed);
  totals->tests_passed += passed;
  totals->tests_failed += failed;
  if (why[0] == '\0') {
    totals->passed++;
    printf("PASS  %-36s %11s %8.2f s\n", slot->check->name, tests, outcome.seconds);
  } else {
    totals->failed++;
    printf("FAIL  %-36s %11s %8.2f s  %s; log: %s\n", slot->check->name, tests, outcome.seconds,
           why, slot->log);
    if (log != NULL) show_end_of(log);
  }
  fflush(stdout);
  if (log != NULL) fclose(log);
  remove_tree(slot->temporary);
}

static void run(const struct check* checks, size_t count, size_t jobs_at_once,
                struct totals* totals) {
  struct supervised jobs[SUPERVISE_MOST_JOBS];
  struct slot slots[SUPERVISE_MOST_JOBS];
  size_t next = 0, busy = 0;
  for (size_t i = 0; i < jobs_at_once; i++)
    jobs[i].outcome_fd = -1;
  while (next < count || busy > 0) {
    for (size_t i = 0; i < jobs_at_once && next < count; i++) {
      if (jobs[i].outcome_fd >= 0) continue;
      if (start(&jobs[i], &slots[i], &checks[next])) {
        busy++;
      } else {
        totals->failed++;
        printf("FAIL  %-36s could not be started: %s\n", checks[next].name, strerror(errno));
      }
      next++;
    }
    if (busy == 0) continue;
    size_t ended = supervise_wait_any(jobs, jobs_at_once);
    finish(&jobs[ended], &slots[ended], totals);
    busy--;
  }
}

/* The longest first, so that the others fill the time beside them; otherwise as listed. */
static int by_limit(const void* left, const void* right) {
  const struct check *a = left, *b = right;
  if (a->limit != b->limit) return a->limit > b->limit ? -1 : 1;
  return a->place < b->place ? -1 : 1;
}

int main(int argc, char** argv) {
  static struct check checks[MOST_CHECKS];
  struct totals totals = {0, 0, 0, 0};
  long jobs = sysconf(_SC_NPROCESSORS_ONLN);
  int option;
  while ((option = getopt(argc, argv, "j:l:")) != -1) {
    if (option == 'j')
      jobs = atol(optarg);
    else if (option == 'l')
      logs = optarg;
    else
      return 2;
  }
  if (optind + 1 != argc) {
    fprintf(stderr, "usage: run-checks [-j JOBS] [-l LOG_DIRECTORY] LIST\n");
    return 2;
  }
  if (jobs < 1) jobs = 1;
  if (jobs > SUPERVISE_MOST_JOBS) jobs = SUPERVISE_MOST_JOBS;
  if (mkdir(logs, 0777) != 0 && errno != EEXIST) complain(logs);
  size_t count = read_checks(argv[optind], checks);
  qsort(checks, count, sizeof *checks, by_limit);
  if (!failed_fatally) run(checks, count, (size_t)jobs, &totals);
  for (size_t i = 0; i < count; i++) {
    free(checks[i].name);
    free(checks[i].command);
  }
  if (totals.passed + totals.failed == 0) printf("no check ran\n");
  printf("in the suites among them: %lu tests passed and %lu failed\n", totals.tests_passed,
         totals.tests_failed);
  printf("%u passed, %u failed\n", totals.passed, totals.failed);
  return totals.failed == 0 && totals.passed > 0 && !failed_fatally ? 0 : 1;
}
