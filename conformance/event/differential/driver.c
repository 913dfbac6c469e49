/* The comparison: two runners, one on the original library and one on ours, are given the same
 * seeds; on the first difference the program is narrowed to the calls that still show it, and
 * printed with both traces.  This program loads neither library. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "conformance/event/differential/program.h"

enum { batch = 200 };

/* How long a runner may take for a program; less while one that hangs is narrowed. */
static int patience = 20;

struct side {
  const char* name;
  const char* library; /* directory for LD_LIBRARY_PATH, or NULL for the system's own */
  const char* proof;   /* what the loaded file's name must begin with */
  int with_a_difference;
  pid_t process;
  FILE* commands;
  int answers;
  char pending[1 << 16];
  size_t pending_length;
};

static const char* runner;
static int crashes_only;

static void stop(struct side* side) {
  if (side->process <= 0) return;
  fclose(side->commands);
  close(side->answers);
  kill(side->process, SIGKILL);
  waitpid(side->process, NULL, 0);
  side->process = 0;
}

/* One line of an answer without its end, or NULL when the runner died or hangs. */
static char* read_line(struct side* side) {
  static char line[1 << 16];
  for (;;) {
    char* end = memchr(side->pending, '\n', side->pending_length);
    if (end != NULL) {
      size_t length = (size_t)(end - side->pending);
      memcpy(line, side->pending, length);
      line[length] = 0;
      side->pending_length -= length + 1;
      memmove(side->pending, end + 1, side->pending_length);
      return line;
    }
    struct pollfd ready = {.fd = side->answers, .events = POLLIN};
    if (poll(&ready, 1, patience * 1000) <= 0) return NULL;
    ssize_t count = read(side->answers, side->pending + side->pending_length,
                         sizeof side->pending - side->pending_length);
    if (count <= 0) return NULL;
    side->pending_length += (size_t)count;
  }
}

static void start(struct side* side) {
  int commands[2], answers[2];
  if (pipe(commands) != 0 || pipe(answers) != 0) abort();
  side->process = fork();
  if (side->process < 0) abort();
  if (side->process == 0) {
    dup2(commands[0], STDIN_FILENO);
    dup2(answers[1], STDOUT_FILENO);
    for (int fd = 3; fd < 64; fd++)
      close(fd);
    if (side->library != NULL)
      setenv("LD_LIBRARY_PATH", side->library, 1);
    else
      unsetenv("LD_LIBRARY_PATH");
    execl(runner, runner, side->with_a_difference ? "--with-a-difference" : NULL, (char*)NULL);
    _exit(127);
  }
  close(commands[0]);
  close(answers[1]);
  side->commands = fdopen(commands[1], "w");
  side->answers = answers[0];
  side->pending_length = 0;
  char* line = read_line(side);
  if (line == NULL || strncmp(line, "library ", 8) != 0) {
    printf("%s: the runner does not start\n", side->name);
    exit(2);
  }
  if (strncmp(line + 8, side->proof, strlen(side->proof)) != 0) {
    printf("%s: loaded %s, which is not under %s\n", side->name, line + 8, side->proof);
    exit(2);
  }
}

static void send_command(struct side* side, const char* command) {
  if (side->process <= 0) start(side);
  fprintf(side->commands, "%s\n", command);
  fflush(side->commands);
}

/* Whether two answers are a difference; without traces, only death and getting nowhere are. */
static int unequal(const char* one, const char* other) {
  if (!crashes_only) return strcmp(one, other) != 0;
  return (strstr(one, "stuck") != NULL) != (strstr(other, "stuck") != NULL) ||
         (strstr(one, "died") != NULL) != (strstr(other, "died") != NULL);
}

static void format_mask(const uint8_t* mask, char* text) {
  for (int i = 0; i < mask_bytes; i++)
    sprintf(text + 2 * i, "%02x", mask[i]);
}

/* ---- one narrowed program
 * ------------------------------------------------------------------------- */

static void outcome_of(struct side* side, uint64_t seed, int profile, const uint8_t* mask,
                       char* outcome, size_t size) {
  char command[1024], text[2 * mask_bytes + 1];
  format_mask(mask, text);
  snprintf(command, sizeof command, "hash %" PRIu64 " %d %s", seed, profile, text);
  send_command(side, command);
  char* line = read_line(side);
  snprintf(outcome, size, "%s", line != NULL ? line : "died or hung");
  if (line == NULL) stop(side);
}

static int differs(struct side sides[2], uint64_t seed, int profile, const uint8_t* mask) {
  char outcomes[2][64];
  for (int i = 0; i < 2; i++)
    outcome_of(&sides[i], seed, profile, mask, outcomes[i], sizeof outcomes[i]);
  return unequal(outcomes[0], outcomes[1]);
}

static void narrow(struct side sides[2], uint64_t seed, int profile, uint8_t* mask) {
  for (int chunk = call_count / 2; chunk > 0; chunk /= 2) {
    for (int first = 0; first < call_count; first += chunk) {
      uint8_t candidate[mask_bytes];
      memcpy(candidate, mask, mask_bytes);
      for (int number = first; number < first + chunk && number < call_count; number++)
        candidate[number / 8] |= (uint8_t)(1 << (number % 8));
      if (memcmp(candidate, mask, mask_bytes) != 0 && differs(sides, seed, profile, candidate))
        memcpy(mask, candidate, mask_bytes);
    }
  }
}

static void print_trace(struct side* side, uint64_t seed, int profile, const uint8_t* mask) {
  char command[1024], text[2 * mask_bytes + 1];
  format_mask(mask, text);
  snprintf(command, sizeof command, "show %" PRIu64 " %d %s", seed, profile, text);
  printf("--- %s\n", side->name);
  send_command(side, command);
  for (;;) {
    char* line = read_line(side);
    if (line == NULL) {
      printf("(died or hung)\n");
      stop(side);
      return;
    }
    if (strcmp(line, "end") == 0) return;
    printf("%s\n", line);
  }
}

static void report(struct side sides[2], uint64_t seed, int profile) {
  uint8_t mask[mask_bytes] = {0};
  struct program program;
  for (int i = 0; i < 2; i++)
    stop(&sides[i]);
  printf("DIFFERENCE at seed %" PRIu64 " profile %d\n", seed, profile);
  fflush(stdout);
  patience = 5;
  if (!differs(sides, seed, profile, mask)) {
    printf("(it does not show in a fresh process: something was left over from earlier seeds)\n");
    return;
  }
  patience = 2;
  narrow(sides, seed, profile, mask);
  narrow(sides, seed, profile, mask);
  program_generate(&program, seed, profile);
  program_print(&program, mask, stdout);
  for (int i = 0; i < 2; i++)
    print_trace(&sides[i], seed, profile, mask);
  fflush(stdout);
}

/* ---- many programs
 * ---------------------------------------------------------------------------------- */

/* Runs a batch on both; returns the number of programs on which they agree from the first on. */
static int agreeing(struct side sides[2], uint64_t seed, int count, int profile) {
  static char first[batch][64];
  char command[128];
  snprintf(command, sizeof command, "run %" PRIu64 " %d %d", seed, count, profile);
  for (int i = 0; i < 2; i++)
    send_command(&sides[i], command);
  int known = 0;
  while (known < count) {
    char* line = read_line(&sides[0]);
    if (line == NULL) break;
    snprintf(first[known++], sizeof first[0], "%s", line);
  }
  if (known < count) stop(&sides[0]);
  for (int i = 0; i < known; i++) {
    char* line = read_line(&sides[1]);
    if (line == NULL || unequal(line, first[i])) {
      stop(&sides[1]);
      return i;
    }
  }
  return known;
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static const char usage[] =
    "usage: differential [--ours DIR] [--seed N] [--programs N] [--seconds S] [--profile P]...\n"
    "                    [--differences N] [--crashes-only] [--self-test]\n"
    "Compares the original library with the one in DIR (without --ours, with itself) on random\n"
    "programs.  Profiles add up: 0 tidy, 1 descriptor hazards, 2 common timeouts, 4 edges,\n"
    "8 no signals (for poll and select).\n";

int main(int argc, char** argv) {
  struct side sides[2] = {{.name = "original", .proof = "/usr/lib/"},
                          {.name = "original again", .proof = "/usr/lib/"}};
  uint64_t seed = 1, programs = 0, done = 0;
  double limit = 10, began = seconds();
  int profiles[8], profile_count = 0, allowed = 1, differences = 0;
  char path[4096], directory[4096];
  snprintf(path, sizeof path, "%s-runner", argv[0]);
  runner = path;
  signal(SIGPIPE, SIG_IGN);
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (int i = 1; i < argc; i++) {
    const char* value = i + 1 < argc ? argv[i + 1] : NULL;
    if (strcmp(argv[i], "--crashes-only") == 0) {
      crashes_only = 1;
      continue;
    }
    if (strcmp(argv[i], "--self-test") == 0) {
      sides[1].name = "original with an injected difference";
      sides[1].with_a_difference = 1;
      continue;
    }
    if (value == NULL) return fputs(usage, stderr), 2;
    i++;
    if (strcmp(argv[i - 1], "--ours") == 0) {
      if (realpath(value, directory) == NULL) return fputs(usage, stderr), 2;
      sides[1] = (struct side){.name = "ours", .library = directory, .proof = directory};
    } else if (strcmp(argv[i - 1], "--seed") == 0) {
      seed = strtoull(value, NULL, 10);
    } else if (strcmp(argv[i - 1], "--programs") == 0) {
      programs = strtoull(value, NULL, 10);
    } else if (strcmp(argv[i - 1], "--seconds") == 0) {
      limit = atof(value);
    } else if (strcmp(argv[i - 1], "--profile") == 0 && profile_count < 8) {
      profiles[profile_count++] = atoi(value) & profile_every;
    } else if (strcmp(argv[i - 1], "--differences") == 0) {
      allowed = atoi(value);
    } else {
      return fputs(usage, stderr), 2;
    }
  }
  if (profile_count == 0) profiles[profile_count++] = 0;
  while (differences < allowed && (programs > 0 ? done < programs : seconds() - began < limit)) {
    for (int i = 0; i < profile_count && differences < allowed; i++) {
      int same = agreeing(sides, seed, batch, profiles[i]);
      done += (uint64_t)same;
      if (same < batch) {
        report(sides, seed + (uint64_t)same, profiles[i]);
        differences++;
        done++;
      }
    }
    seed += batch;
  }
  for (int i = 0; i < 2; i++)
    stop(&sides[i]);
  double took = seconds() - began;
  printf("differential: %" PRIu64 " programs, %d differences, %.0f programs a minute\n", done,
         differences, (double)done / took * 60);
  return differences != 0;
}
