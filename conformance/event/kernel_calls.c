/* Counts the kernel calls of scenarios, as a debugger sees them, on the original library and on
 * ours, and fails if ours ever makes more, or more than promised.  Without a directory for ours it
 * only shows the original's figures and checks that there are any.  Knows neither library: the
 * scenarios run in a program of their own, which lists them, one a line, each with what is promised
 * if anything is: NAME[TAB most calls a round TAB most epoll_ctl a round]
 * kernel-calls [--ours DIR] [--rounds N] [--scenarios PROGRAM] */
#include "conformance/event/kernel_calls.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { highest = 512 };

struct counts {
  long all;
  long of[highest];
};

static char program[4096];

static void become_scenario(const char* scenario, const char* rounds, const char* library) {
  if (library != NULL)
    setenv("LD_LIBRARY_PATH", library, 1);
  else
    unsetenv("LD_LIBRARY_PATH");
  ptrace(PTRACE_TRACEME, 0, NULL, NULL);
  raise(SIGSTOP);
  execl(program, program, scenario, rounds, (char*)NULL);
  _exit(127);
}

static int is_mark(const struct __ptrace_syscall_info* call) {
  return call->entry.nr == SYS_getpgid && call->entry.args[0] == kernel_calls_marker;
}

/* Counts between the first mark and the second, the third and the fourth, and so on; false if the
 * program did not get that far. */
static int count(const char* scenario, const char* rounds, const char* library,
                 struct counts* counts) {
  int status, marks = 0, delivered = 0;
  memset(counts, 0, sizeof *counts);
  pid_t child = fork();
  if (child == 0) become_scenario(scenario, rounds, library);
  waitpid(child, &status, 0);
  ptrace(PTRACE_SETOPTIONS, child, NULL, (void*)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
  for (;;) {
    if (ptrace(PTRACE_SYSCALL, child, NULL, (void*)(long)delivered) != 0) break;
    if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status)) break;
    delivered = 0;
    if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
      if (WSTOPSIG(status) != SIGTRAP) delivered = WSTOPSIG(status);
      continue;
    }
    struct __ptrace_syscall_info call;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, child, (void*)sizeof call, &call) <= 0) break;
    if (call.op != PTRACE_SYSCALL_INFO_ENTRY) continue;
    if (is_mark(&call)) {
      marks++;
    } else if (marks % 2 == 1) {
      counts->all++;
      if (call.entry.nr < highest) counts->of[call.entry.nr]++;
    }
  }
  return marks >= 2 && marks % 2 == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static long of(const struct counts* counts, long number) {
  return number >= 0 && number < highest ? counts->of[number] : 0;
}

static void print(const char* name, const struct counts* counts, int rounds) {
#ifdef SYS_epoll_wait
  long waits = of(counts, SYS_epoll_wait) + of(counts, SYS_epoll_pwait);
#else
  long waits = of(counts, SYS_epoll_pwait);
#endif
  printf("  %-9s %8.2f calls a round: %5.2f epoll_ctl, %5.2f epoll_wait, %5.2f others\n", name,
         (double)counts->all / rounds, (double)of(counts, SYS_epoll_ctl) / rounds,
         (double)waits / rounds,
         (double)(counts->all - waits - of(counts, SYS_epoll_ctl)) / rounds);
}

/* Adding a one-shot event again is free but for a rare check, and a deletion followed by an
 * addition is one call at most: that is what keeping registrations in the kernel is for. */
static int keeps_promise(const char* scenario, const struct counts* counts, int rounds) {
  long registrations = of(counts, SYS_epoll_ctl);
  if (strstr(scenario, "in its callback") != NULL) return registrations * 10 <= rounds;
  if (strstr(scenario, "again between") != NULL || strstr(scenario, "deleted") == scenario)
    return registrations <= rounds;
  return 1;
}

struct promise {
  double calls, registrations; /* a round; below 0: none */
};

/* Cuts the promise off the line. */
static struct promise promise_of(char* line) {
  struct promise promise = {-1, -1};
  char* limits = strchr(line, '\t');
  if (limits == NULL) return promise;
  *limits++ = 0;
  if (sscanf(limits, "%lf\t%lf", &promise.calls, &promise.registrations) != 2) abort();
  return promise;
}

static int is_kept(struct promise promise, const struct counts* counts, int rounds) {
  if (promise.calls < 0) return 1;
  return (double)counts->all <= promise.calls * rounds &&
         (double)of(counts, SYS_epoll_ctl) <= promise.registrations * rounds;
}

int main(int argc, char** argv) {
  const char *ours = NULL, *rounds = "200";
  char line[256], command[4200];
  int scenarios = 0, wrong = 0;
  snprintf(program, sizeof program, "%s-scenarios", argv[0]);
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--ours") == 0) ours = argv[i + 1];
    if (strcmp(argv[i], "--rounds") == 0) rounds = argv[i + 1];
    if (strcmp(argv[i], "--scenarios") == 0) snprintf(program, sizeof program, "%s", argv[i + 1]);
  }
  snprintf(command, sizeof command, "'%s'", program);
  FILE* names = popen(command, "r");
  while (names != NULL && fgets(line, sizeof line, names) != NULL) {
    struct counts original, replacement;
    line[strcspn(line, "\n")] = 0;
    const struct promise promise = promise_of(line);
    printf("%s\n", line);
    scenarios++;
    if (!count(line, rounds, NULL, &original)) {
      printf("  the original does not get through\n");
      wrong++;
      continue;
    }
    print("original", &original, atoi(rounds));
    if (ours == NULL) continue;
    if (!count(line, rounds, ours, &replacement)) {
      printf("  ours does not get through\n");
      wrong++;
      continue;
    }
    print("ours", &replacement, atoi(rounds));
    if (replacement.all > original.all) {
      printf("  OURS MAKES MORE\n");
      wrong++;
    } else if (!is_kept(promise, &replacement, atoi(rounds))) {
      printf("  OURS MAKES MORE THAN PROMISED\n");
      wrong++;
    } else if (!keeps_promise(line, &replacement, atoi(rounds))) {
      printf("  OURS REGISTERS MORE OFTEN THAN PROMISED\n");
      wrong++;
    }
  }
  if (names != NULL) pclose(names);
  printf("%d passed, %d failed\n", scenarios - wrong, wrong);
  return wrong != 0 || scenarios == 0;
}
