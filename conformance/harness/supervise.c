/*
 * The supervising process: one per command, between the caller and the command. It is a child
 * subreaper, so a descendant that left the process group still becomes its child when its parent
 * dies, and can be killed by an id that cannot have been reused yet. When the caller itself
 * dies, the kernel tells the supervisor, which takes the command down with it.
 */
#include "conformance/harness/supervise.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* The command starts as a login shell would start it: no ignored or blocked signals inherited. */
static void restore_default_signals(void) {
  sigset_t none;
  for (int number = 1; number < NSIG; number++)
    signal(number, SIG_DFL);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

static void become_command(char* const argv[], int output_fd, int report_fd) {
  int null_fd = open("/dev/null", O_RDONLY);
  setsid();
  restore_default_signals();
  if (null_fd >= 0 && dup2(null_fd, STDIN_FILENO) >= 0 && dup2(output_fd, STDOUT_FILENO) >= 0 &&
      dup2(output_fd, STDERR_FILENO) >= 0) {
    /* Tests that count descriptors start from a table that holds 0, 1 and 2 and nothing else. */
    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    execvp(argv[0], argv);
  }
  int why = errno;
  if (write(report_fd, &why, sizeof why) < 0) _exit(126);
  _exit(127);
}

/* The parent's pid is the fourth field of stat; the second may hold spaces and parentheses. */
static pid_t parent_of(const char* pid_name, char* state) {
  char path[64], line[512];
  pid_t parent = -1;
  snprintf(path, sizeof path, "/proc/%.20s/stat", pid_name);
  FILE* stat_file = fopen(path, "re");
  if (stat_file == NULL) return -1;
  if (fgets(line, sizeof line, stat_file) != NULL) {
    const char* after_name = strrchr(line, ')');
    if (after_name == NULL || sscanf(after_name + 1, " %c %d", state, &parent) != 2) parent = -1;
  }
  fclose(stat_file);
  return parent;
}

static int kill_living_children(void) {
  int killed = 0;
  DIR* proc = opendir("/proc");
  if (proc == NULL) return 0;
  for (struct dirent* entry; (entry = readdir(proc)) != NULL;) {
    char state = '?';
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    if (parent_of(entry->d_name, &state) != getpid() || state == 'Z') continue;
    if (kill((pid_t)atoi(entry->d_name), SIGKILL) == 0) killed++;
  }
  closedir(proc);
  return killed;
}

/* Killing a child hands its own children to us, so go on until nobody is left. */
static int sweep_descendants(void) {
  int killed = 0;
  for (;;) {
    killed += kill_living_children();
    pid_t reaped = waitpid(-1, NULL, 0);
    if (reaped < 0 && errno == ECHILD) return killed;
  }
}

static bool reap_until_command_ends(pid_t command, int* status) {
  for (;;) {
    pid_t reaped = waitpid(-1, status, WNOHANG);
    if (reaped == command) return true;
    if (reaped <= 0) return false;
  }
}

static struct supervise_outcome watch(pid_t command, const sigset_t* watched, double limit) {
  struct supervise_outcome outcome = {SUPERVISE_BROKEN, 0, 0, 0, 0};
  double start = now();
  int status = 0;
  while (!reap_until_command_ends(command, &status)) {
    double left = start + limit - now();
    int received = 0;
    if (left > 0) {
      struct timespec wait = {(time_t)left, (long)((left - (double)(time_t)left) * 1e9)};
      received = sigtimedwait(watched, NULL, &wait);
      if (received == SIGCHLD || (received < 0 && errno == EINTR)) continue;
      if (received < 0) continue; /* EAGAIN: the limit, seen at the top of the next round */
    }
    kill(-command, SIGKILL);
    kill(command, SIGKILL);
    sweep_descendants();
    outcome.end = received > 0 ? SUPERVISE_SIGNALED : SUPERVISE_TIMED_OUT;
    outcome.code = received > 0 ? received : 0;
    outcome.seconds = now() - start;
    outcome.limit = limit;
    return outcome;
  }
  outcome.seconds = now() - start;
  outcome.stragglers = sweep_descendants();
  outcome.end = WIFSIGNALED(status) ? SUPERVISE_SIGNALED : SUPERVISE_EXITED;
  outcome.code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
  return outcome;
}

static void supervise(char* const argv[], int output_fd, double limit, int outcome_fd,
                      const sigset_t* watched, pid_t caller) {
  struct supervise_outcome outcome = {SUPERVISE_BROKEN, 0, 0, 0, 0};
  int report[2];
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != caller) _exit(1);
  pid_t command = -1;
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 || pipe2(report, O_CLOEXEC) != 0 ||
      (command = fork()) < 0) {
    outcome.code = errno;
  } else if (command == 0) {
    become_command(argv, output_fd, report[1]);
  } else {
    int why = 0;
    close(report[1]);
    bool started = read(report[0], &why, sizeof why) != (ssize_t)sizeof why;
    outcome = watch(command, watched, limit);
    if (!started) {
      outcome.end = SUPERVISE_BROKEN;
      outcome.code = why;
    }
  }
  ssize_t written = write(outcome_fd, &outcome, sizeof outcome);
  _exit(written == (ssize_t)sizeof outcome ? 0 : 1);
}

bool supervise_start(struct supervised* job, char* const argv[], int output_fd, double limit) {
  int ends[2];
  sigset_t watched, before;
  pid_t caller = getpid();
  job->outcome_fd = -1;
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  sigemptyset(&watched);
  sigaddset(&watched, SIGCHLD);
  sigaddset(&watched, SIGTERM);
  sigaddset(&watched, SIGINT);
  sigaddset(&watched, SIGHUP);
  /* Blocked before the fork, so that no signal can fall between it and the supervisor's wait. */
  sigprocmask(SIG_BLOCK, &watched, &before);
  job->supervisor = fork();
  if (job->supervisor == 0) supervise(argv, output_fd, limit, ends[1], &watched, caller);
  int why = errno;
  sigprocmask(SIG_SETMASK, &before, NULL);
  close(ends[1]);
  if (job->supervisor < 0) {
    close(ends[0]);
    errno = why;
    return false;
  }
  job->outcome_fd = ends[0];
  return true;
}

struct supervise_outcome supervise_finish(struct supervised* job) {
  struct supervise_outcome outcome;
  ssize_t got;
  do
    got = read(job->outcome_fd, &outcome, sizeof outcome);
  while (got < 0 && errno == EINTR);
  if (got != (ssize_t)sizeof outcome)
    outcome = (struct supervise_outcome){SUPERVISE_BROKEN, ECHILD, 0, 0, 0};
  close(job->outcome_fd);
  job->outcome_fd = -1;
  while (waitpid(job->supervisor, NULL, 0) < 0 && errno == EINTR)
    continue;
  return outcome;
}

size_t supervise_wait_any(const struct supervised* jobs, size_t count) {
  struct pollfd watched[SUPERVISE_MOST_JOBS];
  for (size_t i = 0; i < count; i++)
    watched[i] = (struct pollfd){jobs[i].outcome_fd, POLLIN, 0};
  while (poll(watched, count, -1) < 0 && errno == EINTR)
    continue;
  for (size_t i = 0; i < count; i++)
    if (watched[i].revents != 0) return i;
  return 0;
}

void supervise_describe(const struct supervise_outcome* outcome, char* text, size_t size) {
  switch (outcome->end) {
    case SUPERVISE_EXITED:
      snprintf(text, size, "exited with status %d", outcome->code);
      break;
    case SUPERVISE_SIGNALED:
      snprintf(text, size, "killed by signal %d (%s)", outcome->code, strsignal(outcome->code));
      break;
    case SUPERVISE_TIMED_OUT:
      snprintf(text, size, "did not finish within its time limit (%.1f s)", outcome->limit);
      break;
    case SUPERVISE_BROKEN:
      snprintf(text, size, "could not be run: %s", strerror(outcome->code));
      break;
  }
}
