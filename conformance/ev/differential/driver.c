/*
 * The differential fuzzer: the same random programs on two libraries, records compared.
 *
 *     ev-differential --compare DIRECTORY DIRECTORY [--programs N] [--seconds S] [--seed N]
 *                     [--unreliable]
 *     ev-differential --trace SEED [--unreliable]
 *
 * --compare runs itself twice, with LD_LIBRARY_PATH set to either directory, and exits 0 if every
 * record was the same in both; --unreliable lets the second one's world err, which must be found.
 * --trace prints one record.
 */
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "conformance/ev/differential/program.h"
#include "conformance/ev/differential/world.h"

/* The clock of this process belongs to the programs. */
static double real_seconds(void) {
  struct timespec now;
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* What a side says first: which library it has. */
static void say_library(void) {
  Dl_info info = {0};
  dladdr(dlsym(RTLD_DEFAULT, "ev_run"), &info);
  char* path = info.dli_fname != NULL ? realpath(info.dli_fname, NULL) : NULL;
  dprintf(STDOUT_FILENO, "%s\n", path != NULL ? path : "none");
  free(path);
}

/* What a process keeps of a program that is over, so each has one of its own: libev's default loop
 * goes on counting its turns when it is made again, and a signal that nobody took waits for the
 * next watcher. */
static int print_records(uint64_t seed) {
  say_library();
  for (;; ++seed) {
    int status;
    pid_t process = fork();
    if (process == 0) {
      struct record record = {UINT64_C(14695981039346656037), 0, NULL};
      alarm(60);
      program_prepare(); /* here: a pipe that the parent holds too would outlive its close */
      program_run(seed, &record);
      /* When that fails, the one who compares has seen enough. */
      _exit(dprintf(STDOUT_FILENO, "%" PRIu64 " %016" PRIx64 " %lu\n", seed, record.hash,
                    record.lines) < 0);
    }
    if (process < 0 || waitpid(process, &status, 0) != process || status != 0) {
      return 1;
    }
  }
}

static int print_trace(uint64_t seed) {
  program_prepare();
  struct record record = {UINT64_C(14695981039346656037), 0, stdout};
  setvbuf(stdout, NULL, _IOLBF, 0);
  alarm(60);
  program_run(seed, &record);
  printf("%" PRIu64 " %016" PRIx64 " %lu\n", seed, record.hash, record.lines);
  return 0;
}

struct side {
  const char* directory;
  bool unreliable;
  pid_t process;
  FILE* output;
};

/* ... which must be the one of its directory. */
static void check_library(const struct side* side) {
  char said[4096];
  char* wanted = realpath(side->directory, NULL);
  if (wanted == NULL || fgets(said, sizeof said, side->output) == NULL ||
      strncmp(said, wanted, strlen(wanted)) != 0 || said[strlen(wanted)] != '/') {
    fprintf(stderr, "ev-differential: %s: its libev is not loaded\n", side->directory);
    exit(2);
  }
  free(wanted);
}

static void start_side(struct side* side, const char* self, uint64_t seed) {
  int ends[2];
  char number[32];
  snprintf(number, sizeof number, "%" PRIu64, seed);
  if (pipe(ends) != 0 || (side->process = fork()) < 0) {
    perror("ev-differential");
    exit(2);
  }
  if (side->process == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    setenv("LD_LIBRARY_PATH", side->directory, 1);
    execl(self, self, "--records", number, side->unreliable ? "--unreliable" : NULL, (char*)NULL);
    _exit(127);
  }
  close(ends[1]);
  side->output = fdopen(ends[0], "r");
  check_library(side);
}

static void stop_side(struct side* side) {
  int status;
  fclose(side->output);
  kill(side->process, SIGKILL);
  waitpid(side->process, &status, 0);
}

static void explain(const char* self, const struct side* sides, uint64_t seed) {
  char command[4096];
  printf("seed %" PRIu64 " differs:\n", seed);
  fflush(stdout);
  snprintf(command, sizeof command,
           "a=$(mktemp) b=$(mktemp); LD_LIBRARY_PATH=%s %s --trace %" PRIu64
           " %s >$a 2>&1; "
           "LD_LIBRARY_PATH=%s %s --trace %" PRIu64
           " %s >$b 2>&1; diff $a $b | head -n 12; "
           "line=$(cmp $a $b | sed 's/.*line //'); line=${line:-1000000}; "
           "echo \"... behind:\"; head -n $line $a | tail -n 12; rm -f $a $b",
           sides[0].directory, self, seed, sides[0].unreliable ? "--unreliable" : "",
           sides[1].directory, self, seed, sides[1].unreliable ? "--unreliable" : "");
  if (system(command) != 0) {
    printf("(no trace)\n");
  }
}

/* Ends behind so many programs or seconds, whichever comes first. */
static int compare(const char* self, struct side* sides, unsigned long most, double seconds,
                   uint64_t seed) {
  double end = real_seconds() + seconds;
  unsigned long programs = 0, differences = 0, lines = 0;
  start_side(&sides[0], self, seed);
  start_side(&sides[1], self, seed);
  while (programs < most && real_seconds() < end && differences < 5) {
    char texts[2][128];
    bool ended[2];
    for (int i = 0; i < 2; ++i) {
      ended[i] = fgets(texts[i], sizeof texts[i], sides[i].output) == NULL;
      if (ended[i]) {
        printf("%s: the process ended in the program of seed %" PRIu64 "\n", sides[i].directory,
               seed);
      }
    }
    if (ended[0] || ended[1] || strcmp(texts[0], texts[1]) != 0) {
      ++differences;
      explain(self, sides, seed);
      stop_side(&sides[0]);
      stop_side(&sides[1]);
      start_side(&sides[0], self, seed + 1);
      start_side(&sides[1], self, seed + 1);
    } else {
      const char* last = strrchr(texts[0], ' ');
      lines += last != NULL ? strtoul(last, NULL, 10) : 0;
    }
    ++seed;
    ++programs;
  }
  stop_side(&sides[0]);
  stop_side(&sides[1]);
  printf("%lu programs, %lu events and results, %lu differences\n", programs, lines, differences);
  return differences == 0 && programs > 0 ? 0 : 1;
}

int main(int argc, char** argv) {
  struct side sides[2] = {{0}};
  uint64_t seed = 1;
  double seconds = 60.;
  unsigned long most = ULONG_MAX;
  enum { NOTHING, COMPARE, RECORDS, TRACE } mode = NOTHING;
  bool unreliable = false;
  for (int i = 1; i < argc; ++i) {
    if (strcmp(argv[i], "--compare") == 0 && i + 2 < argc) {
      mode = COMPARE;
      sides[0].directory = argv[++i];
      sides[1].directory = argv[++i];
    } else if (strcmp(argv[i], "--records") == 0 && i + 1 < argc) {
      mode = RECORDS;
      seed = strtoull(argv[++i], NULL, 10);
    } else if (strcmp(argv[i], "--trace") == 0 && i + 1 < argc) {
      mode = TRACE;
      seed = strtoull(argv[++i], NULL, 10);
    } else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
      seed = strtoull(argv[++i], NULL, 10);
    } else if (strcmp(argv[i], "--programs") == 0 && i + 1 < argc) {
      most = strtoul(argv[++i], NULL, 10);
    } else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) {
      seconds = strtod(argv[++i], NULL);
    } else if (strcmp(argv[i], "--unreliable") == 0) {
      unreliable = true;
    } else {
      mode = NOTHING;
      break;
    }
  }
  if (unreliable && mode != COMPARE) {
    world_be_unreliable();
  }
  sides[1].unreliable = unreliable;
  switch (mode) {
    case COMPARE:
      return compare(argv[0], sides, most, seconds, seed);
    case RECORDS:
      return print_records(seed);
    case TRACE:
      return print_trace(seed);
    default:
      fprintf(stderr,
              "usage: %s --compare DIRECTORY DIRECTORY [--programs N] [--seconds S] [--seed N]\n"
              "          [--unreliable]\n"
              "       %s --trace SEED [--unreliable]\n",
              argv[0], argv[0]);
      return 2;
  }
}
