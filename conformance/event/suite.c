/* The helpers declared in suite.h.  They use nothing of the library beyond what the tests are
 * about, and never wait on a clock: a helper that must wait does so on a descriptor or a child. */
#include "conformance/event/suite.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { fatal_exit = 71 };

static int started;

int suite_has_locks(void) {
  const char* locks = getenv("SUITE_LOCKS");
  return locks != NULL && strcmp(locks, "pthreads") == 0;
}

int suite_on_original(void) {
  void* engine = dlopen("libpollshim-event.so.1", RTLD_LAZY | RTLD_NOLOAD);
  if (engine != NULL) dlclose(engine);
  return engine == NULL;
}

void suite_start(void) {
  if (started) return;
  started = 1;
  if (suite_has_locks() && evthread_use_pthreads() != 0) abort();
}

struct event_base* suite_base(void) {
  suite_start();
  struct event_base* base = event_base_new();
  assert_non_null(base);
  return base;
}

struct event_base* suite_base_with_flag(int flag) {
  suite_start();
  struct event_config* config = event_config_new();
  assert_non_null(config);
  assert_int_equal(event_config_set_flag(config, flag), 0);
  struct event_base* base = event_base_new_with_config(config);
  event_config_free(config);
  assert_non_null(base);
  return base;
}

int suite_is_method(struct event_base* base, const char* method) {
  return strcmp(event_base_get_method(base), method) == 0;
}

int suite_has_feature(struct event_base* base, int feature) {
  return (event_base_get_features(base) & feature) == feature;
}

void count_call(evutil_socket_t fd, short what, void* tally) {
  struct tally* seen = tally;
  seen->calls++;
  seen->fd = fd;
  seen->what = what;
}

void write_letter(evutil_socket_t fd, short what, void* lettered) {
  (void)fd;
  (void)what;
  struct lettered* self = lettered;
  struct letters* letters = self->letters;
  if (letters->length + 1 < sizeof letters->text) letters->text[letters->length++] = self->letter;
  letters->text[letters->length] = 0;
}

struct pair pair_open(void) {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) abort();
  return (struct pair){.near = fds[0], .far = fds[1]};
}

void pair_close(struct pair* pair) {
  if (pair->near >= 0) close(pair->near);
  if (pair->far >= 0) close(pair->far);
  pair->near = pair->far = -1;
}

void send_byte(int fd) {
  if (write(fd, "x", 1) != 1) abort();
}

int drain(int fd) {
  char bytes[4096];
  int total = 0;
  ssize_t count;
  while ((count = read(fd, bytes, sizeof bytes)) > 0)
    total += (int)count;
  return total;
}

void fill(int fd) {
  static const char bytes[4096];
  while (write(fd, bytes, sizeof bytes) > 0) {
  }
  while (write(fd, bytes, 1) > 0) {
  }
}

struct timeval milliseconds(long count) {
  return (struct timeval){.tv_sec = count / 1000, .tv_usec = count % 1000 * 1000};
}

long long now_in_milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

long long base_clock(struct event_base* base) {
  struct timeval now;
  if (event_gettime_monotonic(base, &now) != 0) abort();
  return now.tv_sec * 1000000LL + now.tv_usec;
}

static char captured[8192];
static size_t captured_length;

static void capture_line(int severity, const char* message) {
  int room = (int)(sizeof captured - captured_length);
  int count = snprintf(captured + captured_length, (size_t)room, "%d %s\n", severity, message);
  if (count > 0 && count < room) captured_length += (size_t)count;
}

void log_capture(void) {
  captured_length = 0;
  captured[0] = 0;
  event_set_log_callback(capture_line);
}

const char* log_text(void) {
  return captured;
}

static int text_has_line(const char* text, const char* pattern) {
  while (*text != 0) {
    char line[1024];
    size_t length = strcspn(text, "\n");
    snprintf(line, sizeof line, "%.*s", (int)length, text);
    if (fnmatch(pattern, line, FNM_NOESCAPE) == 0) return 1;
    text += length + (text[length] == '\n');
  }
  return 0;
}

int log_has(const char* pattern) {
  return text_has_line(captured, pattern);
}

static int report_fd;

static void report_line(int severity, const char* message) {
  dprintf(report_fd, "%d %s\n", severity, message);
}

static void report_fatal(int code) {
  dprintf(report_fd, "fatal %d\n", code);
  _exit(fatal_exit);
}

struct outcome run_in_child(void (*scenario)(void*), void* argument) {
  struct outcome outcome = {0};
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) abort();
  fflush(NULL);
  pid_t child = fork();
  if (child < 0) abort();
  if (child == 0) {
    close(report[0]);
    report_fd = report[1];
    event_set_log_callback(report_line);
    event_set_fatal_callback(report_fatal);
    scenario(argument);
    _exit(0);
  }
  close(report[1]);
  size_t length = 0;
  ssize_t count;
  while (length + 1 < sizeof outcome.log &&
         ((count = read(report[0], outcome.log + length, sizeof outcome.log - 1 - length)) > 0 ||
          (count < 0 && errno == EINTR))) {
    if (count > 0) length += (size_t)count;
  }
  close(report[0]);
  while (waitpid(child, &outcome.status, 0) < 0 && errno == EINTR) {
  }
  char* fatal = strstr(outcome.log, "fatal ");
  if (fatal != NULL && WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == fatal_exit) {
    outcome.fatal = 1;
    outcome.fatal_code = atoi(fatal + strlen("fatal "));
  }
  return outcome;
}

void assert_fatal_at(void (*scenario)(void*), void* argument, const char* pattern, const char* file,
                     int line) {
  struct outcome outcome = run_in_child(scenario, argument);
  if (!outcome.fatal || !text_has_line(outcome.log, pattern)) {
    print_error("expected a fatal \"%s\", got status 0x%x and\n%s", pattern,
                (unsigned)outcome.status, outcome.log);
    _fail(file, line);
  }
}

void assert_survives_at(void (*scenario)(void*), void* argument, const char* file, int line) {
  struct outcome outcome = run_in_child(scenario, argument);
  if (outcome.status != 0) {
    print_error("expected to survive, got status 0x%x and\n%s", (unsigned)outcome.status,
                outcome.log);
    _fail(file, line);
  }
}

void assert_matches_at(const char* text, const char* pattern, const char* file, int line) {
  if (!text_has_line(text, pattern)) {
    print_error("no line matches \"%s\" in\n%s\n", pattern, text);
    _fail(file, line);
  }
}
