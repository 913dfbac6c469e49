/*
 * The two lives of a suite. Without --child it is the runner: it selects tests, runs each of them
 * in a fresh process image of the same program through supervise.h, and reports. With --child it
 * is that process image: it runs one test and ends with the status that means "passed", which no
 * accident produces. What it must never know: what is being tested.
 */
#include "conformance/harness/harness.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/harness/loaded_library.h"
#include "conformance/harness/supervise.h"

enum {
  /* Not 0: a test that calls exit(0) or _exit(0) half way must not look like a pass. */
  CHILD_PASSED = 100,
  CHILD_FAILED = 101,
  CHILD_UNSUPPORTED = 77,
  MOST_NAMES = 256
};

struct test {
  char name[256];
  const char* bare_name;
  const struct CMUnitTest* test;
  bool selected;
};

struct options {
  const char* globs[MOST_NAMES];
  size_t glob_count;
  const char* allowed[MOST_NAMES];
  size_t allowed_count;
  const char *child, *run, *library, *verdicts;
  double limit;
  size_t jobs;
  bool list;
};

struct running {
  struct test* test;
  FILE* output;
};

struct totals {
  unsigned passed, failed, unsupported;
};

static char own_path[PATH_MAX];

static const char* suite_name(const char* program) {
  const char* slash = strrchr(program, '/');
  return slash != NULL ? slash + 1 : program;
}

/* ---- the child: one test ------------------------------------------------------------------- */

static const struct CMUnitTest* current_test;
static bool current_test_returned;
static struct sigaction inherited_actions[NSIG];
static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS};
enum { CRASH_SIGNALS = sizeof crash_signals / sizeof crash_signals[0] };

void harness_unsupported(const char* what_is_missing) {
  printf("UNSUPPORTED: %s\n", what_is_missing);
  fflush(NULL);
  _exit(CHILD_UNSUPPORTED);
}

/* CMocka turns a crash into an ordinary failure and loses the signal, the core and a sanitizer's
 * report with it. Put back what was there before it came. */
static void run_current_test(void** state) {
  for (size_t i = 0; i < CRASH_SIGNALS; i++)
    sigaction(crash_signals[i], &inherited_actions[crash_signals[i]], NULL);
  current_test->test_func(state);
  current_test_returned = true;
}

static int run_in_this_process(const struct test* chosen, const char* library) {
  struct CMUnitTest wrapped = *chosen->test;
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (size_t i = 0; i < CRASH_SIGNALS; i++)
    sigaction(crash_signals[i], NULL, &inherited_actions[crash_signals[i]]);
  current_test = chosen->test;
  wrapped.test_func = run_current_test;
  int failed = _cmocka_run_group_tests(chosen->name, &wrapped, 1, NULL, NULL);
  fflush(NULL);
  if (failed != 0) return CHILD_FAILED;
  if (!current_test_returned) harness_unsupported("the test called skip()");
  if (library != NULL && !only_loaded_from(library)) return CHILD_FAILED;
  return CHILD_PASSED;
}

/* ---- the runner ---------------------------------------------------------------------------- */

static bool matches(const struct test* test, const char* const* globs, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (fnmatch(globs[i], test->name, 0) == 0 || fnmatch(globs[i], test->bare_name, 0) == 0)
      return true;
  return false;
}

static bool start(struct supervised* job, struct running* running, const struct options* options,
                  struct test* test) {
  char* argv[6];
  size_t argc = 0;
  argv[argc++] = own_path;
  argv[argc++] = (char*)"--child";
  argv[argc++] = test->name;
  if (options->library != NULL) {
    argv[argc++] = (char*)"--library";
    argv[argc++] = (char*)options->library;
  }
  argv[argc] = NULL;
  running->test = test;
  running->output = tmpfile();
  if (running->output == NULL) return false;
  if (supervise_start(job, argv, fileno(running->output), options->limit)) return true;
  fclose(running->output);
  return false;
}

static void copy_without_newline(char* to, size_t size, const char* from) {
  size_t length = strcspn(from, "\n");
  if (length >= size) length = size - 1;
  memcpy(to, from, length);
  to[length] = '\0';
}

/* The first thing the test itself complained about: CMocka's message, ours, or a sanitizer's. */
static void find_complaint(FILE* output, char* text, size_t size) {
  static const char* const marks[] = {
      "[  ERROR   ] --- ", "UNSUPPORTED: ", "LIBRARY: ", "ERROR: ", "runtime error: ", "WARNING: "};
  char line[1024];
  text[0] = '\0';
  rewind(output);
  while (fgets(line, sizeof line, output) != NULL)
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
      const char* mark = strstr(line, marks[i]);
      if (mark == NULL) continue;
      copy_without_newline(text, size, mark + strlen(marks[i]));
      if (text[0] != '\0') return;
    }
}

static void show_output(FILE* output) {
  char line[1024];
  rewind(output);
  while (fgets(line, sizeof line, output) != NULL) {
    bool whole = strchr(line, '\n') != NULL;
    printf("    | %s%s", line, whole ? "" : "\n");
  }
}

static const char* judge(const struct supervise_outcome* outcome, const struct options* options,
                         struct running* running, struct totals* totals) {
  char complaint[512], end[128];
  const char* name = running->test->name;
  find_complaint(running->output, complaint, sizeof complaint);
  if (outcome->end == SUPERVISE_EXITED && outcome->code == CHILD_PASSED) {
    totals->passed++;
    printf("ok %s (%.3f s)", name, outcome->seconds);
    if (outcome->stragglers > 0)
      printf(" (%d process%s left behind %s killed)", outcome->stragglers,
             outcome->stragglers == 1 ? "" : "es", outcome->stragglers == 1 ? "was" : "were");
    putchar('\n');
    return "ok";
  }
  if (outcome->end == SUPERVISE_EXITED && outcome->code == CHILD_UNSUPPORTED) {
    bool allowed = matches(running->test, options->allowed, options->allowed_count);
    totals->unsupported++;
    if (!allowed) totals->failed++;
    printf("UNSUPPORTED %s: %s%s\n", name, complaint, allowed ? " (allowed)" : "");
    return "unsupported";
  }
  totals->failed++;
  supervise_describe(outcome, end, sizeof end);
  if (outcome->end == SUPERVISE_EXITED && outcome->code == CHILD_FAILED)
    printf("FAIL %s: %s\n", name, complaint[0] != '\0' ? complaint : "an assertion failed");
  else if (outcome->end == SUPERVISE_EXITED && outcome->code == 0)
    printf("FAIL %s: exited with status 0 before the test was over\n", name);
  else
    printf("FAIL %s: %s%s%s\n", name, end, complaint[0] != '\0' ? ": " : "", complaint);
  show_output(running->output);
  return "FAIL";
}

static void finish(struct supervised* job, struct running* running, const struct options* options,
                   struct totals* totals, FILE* verdicts) {
  struct supervise_outcome outcome = supervise_finish(job);
  const char* verdict = judge(&outcome, options, running, totals);
  if (verdicts != NULL) fprintf(verdicts, "%s %s\n", running->test->name, verdict);
  fclose(running->output);
  running->output = NULL;
  fflush(stdout);
}

static int run_selected(const char* suite, struct test* tests, size_t count,
                        const struct options* options) {
  struct supervised jobs[SUPERVISE_MOST_JOBS];
  struct running running[SUPERVISE_MOST_JOBS];
  struct totals totals = {0, 0, 0};
  FILE* verdicts = NULL;
  if (options->verdicts != NULL && (verdicts = fopen(options->verdicts, "we")) == NULL) {
    fprintf(stderr, "%s: %s: %s\n", suite, options->verdicts, strerror(errno));
    return 2;
  }
  for (size_t i = 0; i < options->jobs; i++)
    jobs[i].outcome_fd = -1;
  size_t next = 0, busy = 0;
  while (next < count || busy > 0) {
    for (size_t slot = 0; slot < options->jobs && next < count; slot++) {
      if (jobs[slot].outcome_fd >= 0) continue;
      while (next < count && !tests[next].selected)
        next++;
      if (next == count) break;
      if (start(&jobs[slot], &running[slot], options, &tests[next])) {
        busy++;
      } else {
        totals.failed++;
        printf("FAIL %s: could not be started: %s\n", tests[next].name, strerror(errno));
        if (verdicts != NULL) fprintf(verdicts, "%s FAIL\n", tests[next].name);
      }
      next++;
    }
    if (busy == 0) continue;
    size_t ended = supervise_wait_any(jobs, options->jobs);
    finish(&jobs[ended], &running[ended], options, &totals, verdicts);
    busy--;
  }
  bool verdicts_written = verdicts == NULL || fclose(verdicts) == 0;
  if (totals.unsupported > 0) printf("%s: %u unsupported here\n", suite, totals.unsupported);
  if (totals.passed + totals.failed == 0) printf("%s: no test ran\n", suite);
  printf("%s: %u passed, %u failed\n", suite, totals.passed, totals.failed);
  return totals.failed == 0 && totals.passed > 0 && verdicts_written ? 0 : 1;
}

/* ---- the command line ---------------------------------------------------------------------- */

static const char usage[] =
    "usage: SUITE [OPTION]... [GLOB]...\n"
    "Runs every test, or those whose name matches a GLOB, each in a process of its own.\n"
    "  --list                   print the names of the selected tests and stop\n"
    "  --run NAME               run one test in this very process (for a debugger)\n"
    "  -j N                     run N tests at a time (default: one per processor)\n"
    "  --limit SECONDS          time limit of each test (default 20)\n"
    "  --library PREFIX         fail a test unless the event libraries it has loaded, and at "
    "least\n"
    "                           one of them, lie under PREFIX\n"
    "  --verdicts FILE          write `NAME verdict` lines to FILE\n"
    "  --allow-unsupported GLOB such tests may lack what they need on this machine\n"
    "HARNESS_LIMIT_FACTOR in the environment multiplies every limit.\n";

static bool positive_number(const char* text, double* value) {
  char* end;
  *value = strtod(text, &end);
  return end != text && *end == '\0' && *value > 0;
}

static size_t default_jobs(void) {
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  if (processors < 1) return 1;
  return processors > SUPERVISE_MOST_JOBS ? SUPERVISE_MOST_JOBS : (size_t)processors;
}

/* False when the command line makes no sense. */
static bool parse(int argc, char** argv, struct options* options) {
  double number;
  *options = (struct options){.limit = 20, .jobs = default_jobs()};
  for (int i = 1; i < argc; i++) {
    const char* word = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : NULL;
    if (strcmp(word, "--list") == 0) {
      options->list = true;
      continue;
    }
    if (word[0] != '-') {
      if (options->glob_count == MOST_NAMES) return false;
      options->globs[options->glob_count++] = word;
      continue;
    }
    if (value == NULL) return false;
    i++;
    if (strcmp(word, "--child") == 0) {
      options->child = value;
    } else if (strcmp(word, "--run") == 0) {
      options->run = value;
    } else if (strcmp(word, "--library") == 0) {
      options->library = value;
    } else if (strcmp(word, "--verdicts") == 0) {
      options->verdicts = value;
    } else if (strcmp(word, "--allow-unsupported") == 0) {
      if (options->allowed_count == MOST_NAMES) return false;
      options->allowed[options->allowed_count++] = value;
    } else if (strcmp(word, "--limit") == 0 && positive_number(value, &number)) {
      options->limit = number;
    } else if (strcmp(word, "-j") == 0 && positive_number(value, &number)) {
      options->jobs = number < SUPERVISE_MOST_JOBS ? (size_t)number : SUPERVISE_MOST_JOBS;
      if (options->jobs == 0) return false;
    } else {
      return false;
    }
  }
  const char* factor = getenv("HARNESS_LIMIT_FACTOR");
  if (factor != NULL && positive_number(factor, &number)) options->limit *= number;
  return true;
}

static const struct test* find(const struct test* tests, size_t count, const char* name) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(tests[i].name, name) == 0 || strcmp(tests[i].bare_name, name) == 0) return &tests[i];
  return NULL;
}

/* A full name that stands twice could be neither selected nor reported. */
static const char* name_given_twice(const struct test* tests, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (find(tests, i, tests[i].name) != NULL &&
        strcmp(find(tests, i, tests[i].name)->name, tests[i].name) == 0)
      return tests[i].name;
  return NULL;
}

static int run_one(const char* suite, const struct test* chosen, const struct options* options) {
  if (chosen == NULL) {
    fprintf(stderr, "%s: no such test\n", suite);
    return 2;
  }
  int verdict = run_in_this_process(chosen, options->library);
  return options->run != NULL && verdict == CHILD_PASSED ? 0 : verdict;
}

static int serve(int argc, char** argv, struct test* tests, size_t count) {
  const char* suite = suite_name(argv[0]);
  struct options options;
  if (argc == 2 && strcmp(argv[1], "--help") == 0) return fputs(usage, stdout) < 0;
  if (!parse(argc, argv, &options)) {
    fprintf(stderr, "%s: bad command line\n%s", suite, usage);
    return 2;
  }
  const char* twice = name_given_twice(tests, count);
  if (twice != NULL) {
    fprintf(stderr, "%s: two tests are called %s\n", suite, twice);
    return 2;
  }
  if (options.child != NULL) return run_one(suite, find(tests, count, options.child), &options);
  if (options.run != NULL) return run_one(suite, find(tests, count, options.run), &options);
  for (size_t i = 0; i < count; i++)
    tests[i].selected =
        options.glob_count == 0 || matches(&tests[i], options.globs, options.glob_count);
  if (options.list) {
    for (size_t i = 0; i < count; i++)
      if (tests[i].selected) puts(tests[i].name);
    return 0;
  }
  ssize_t length = readlink("/proc/self/exe", own_path, sizeof own_path - 1);
  if (length <= 0) {
    perror("/proc/self/exe");
    return 2;
  }
  return run_selected(suite, tests, count, &options);
}

int harness_main_groups(int argc, char** argv, const struct harness_group* groups, size_t count) {
  size_t total = 0, next = 0;
  for (size_t i = 0; i < count; i++)
    total += groups[i].count;
  struct test* tests = calloc(total + 1, sizeof *tests);
  if (tests == NULL) {
    perror(argv[0]);
    return 2;
  }
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < groups[i].count; j++, next++) {
      const char* group = groups[i].name;
      tests[next].test = &groups[i].tests[j];
      tests[next].bare_name = tests[next].test->name;
      snprintf(tests[next].name, sizeof tests[next].name, "%s%s%s", group != NULL ? group : "",
               group != NULL ? "/" : "", tests[next].bare_name);
    }
  int status = serve(argc, argv, tests, total);
  free(tests);
  return status;
}

int harness_main(int argc, char** argv, const struct CMUnitTest* tests, size_t count) {
  const struct harness_group only = {NULL, tests, count};
  return harness_main_groups(argc, argv, &only, 1);
}
