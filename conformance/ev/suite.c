/*
 * The shared parts of the libev suite, and its list of groups. See suite.h.
 */
#include "conformance/ev/suite.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct ev_loop* make_loop(void) {
  struct ev_loop* loop = ev_loop_new(EVFLAG_AUTO);
  assert_non_null(loop);
  return loop;
}

bool on_pollshim(void) {
  Dl_info where;
  struct ev_loop* (*maker)(unsigned int) = ev_loop_new;
  void* address;
  memcpy(&address, &maker, sizeof address);
  return dladdr(address, &where) != 0 && where.dli_fname != NULL &&
         strstr(where.dli_fname, "pollshim") != NULL;
}

static char trace_text[65536];
static size_t trace_length;

void clear_trace(void) {
  trace_length = 0;
  trace_text[0] = '\0';
}

const char* trace(void) {
  return trace_text;
}

void note(const char* format, ...) {
  va_list arguments;
  if (trace_length != 0 && trace_length + 1 < sizeof trace_text) {
    trace_text[trace_length++] = ' ';
  }
  va_start(arguments, format);
  int written =
      vsnprintf(trace_text + trace_length, sizeof trace_text - trace_length, format, arguments);
  va_end(arguments);
  if (written > 0) {
    trace_length += (size_t)written;
    if (trace_length >= sizeof trace_text) {
      trace_length = sizeof trace_text - 1;
    }
  }
}

const char* events_name(int revents) {
  static const struct {
    int bit;
    const char* name;
  } names[] = {
      {EV_READ, "read"},         {EV_WRITE, "write"},   {EV_TIMER, "timer"},
      {EV_PERIODIC, "periodic"}, {EV_SIGNAL, "signal"}, {EV_CHILD, "child"},
      {EV_STAT, "stat"},         {EV_IDLE, "idle"},     {EV_PREPARE, "prepare"},
      {EV_CHECK, "check"},       {EV_EMBED, "embed"},   {EV_FORK, "fork"},
      {EV_CLEANUP, "cleanup"},   {EV_ASYNC, "async"},   {EV_CUSTOM, "custom"},
      {EV_ERROR, "error"},
  };
  static char text[256];
  size_t length = 0;
  text[0] = '\0';
  for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
    if (revents & names[i].bit) {
      length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", length ? "+" : "",
                                 names[i].name);
      revents &= ~names[i].bit;
    }
  }
  if (revents != 0) {
    snprintf(text + length, sizeof text - length, "%s0x%x", length ? "+" : "", (unsigned)revents);
  }
  return text;
}

#define NOTING_CALLBACK(type)                                  \
  void note_##type(EV_P_ ev_##type* w, int revents) {          \
    (void)loop;                                                \
    note("%s:%s", (const char*)w->data, events_name(revents)); \
  }
NOTING_CALLBACK(io)
NOTING_CALLBACK(timer)
NOTING_CALLBACK(periodic)
NOTING_CALLBACK(signal)
NOTING_CALLBACK(child)
NOTING_CALLBACK(stat)
NOTING_CALLBACK(idle)
NOTING_CALLBACK(prepare)
NOTING_CALLBACK(check)
NOTING_CALLBACK(embed)
NOTING_CALLBACK(fork)
NOTING_CALLBACK(cleanup)
NOTING_CALLBACK(async)

static void time_is_over(EV_P_ ev_timer* w, int revents) {
  (void)revents;
  *(bool*)w->data = true;
  ev_break(EV_A_ EVBREAK_ALL);
}

ev_io* start_io(EV_P_ ev_io* w, const char* name, int fd, int events) {
  ev_io_init(w, note_io, fd, events);
  w->data = (void*)(uintptr_t)name;
  ev_io_start(EV_A_ w);
  return w;
}

bool run_for(EV_P_ double seconds) {
  bool over = false;
  ev_timer limit;
  ev_now_update(EV_A);
  ev_timer_init(&limit, time_is_over, seconds, 0.);
  limit.data = &over;
  ev_timer_start(EV_A_ & limit);
  ev_unref(EV_A);
  ev_run(EV_A_ 0);
  if (ev_is_active(&limit)) {
    ev_ref(EV_A);
    ev_timer_stop(EV_A_ & limit);
  } else {
    ev_ref(EV_A); /* the library let go of the reference that was given back already */
  }
  return !over;
}

bool run_until(EV_P_ const int* count, int goal) {
  bool over = false;
  ev_timer limit;
  ev_now_update(EV_A);
  ev_timer_init(&limit, time_is_over, 5., 0.);
  limit.data = &over;
  ev_timer_start(EV_A_ & limit);
  while (*count < goal && !over) {
    ev_run(EV_A_ EVRUN_ONCE);
  }
  ev_timer_stop(EV_A_ & limit);
  return *count >= goal;
}

static void set_nonblocking(int fd) {
  assert_int_not_equal(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), -1);
}

struct pipe_ends make_pipe(void) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  set_nonblocking(ends[0]);
  set_nonblocking(ends[1]);
  return (struct pipe_ends){ends[0], ends[1]};
}

struct pipe_ends make_socket_pair(void) {
  int ends[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  set_nonblocking(ends[0]);
  set_nonblocking(ends[1]);
  return (struct pipe_ends){ends[0], ends[1]};
}

void put_byte(int fd) {
  assert_int_equal(write(fd, "x", 1), 1);
}

void take_byte(int fd) {
  char byte;
  assert_int_equal(read(fd, &byte, 1), 1);
}

void fill(int fd) {
  static const char block[4096];
  while (write(fd, block, sizeof block) > 0) {
  }
  while (write(fd, block, 1) > 0) {
  }
  assert_int_equal(errno, EAGAIN);
}

double seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int end_of(void (*scenario)(void)) {
  int status = -1;
  fflush(NULL);
  pid_t child = fork();
  assert_int_not_equal(child, -1);
  if (child == 0) {
    int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDERR_FILENO);
    /* The harness's own handlers must not turn an abort into a report. */
    signal(SIGABRT, SIG_DFL);
    signal(SIGSEGV, SIG_DFL);
    alarm(15);
    scenario();
    _exit(0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  return status;
}

bool ends_in_abort(void (*scenario)(void)) {
  int status = end_of(scenario);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static bool is_epoll(int fd) {
  char link[64], target[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, target, sizeof target - 1);
  if (length < 0) {
    return false;
  }
  target[length] = '\0';
  return strcmp(target, "anon_inode:[eventpoll]") == 0;
}

int new_epoll_descriptor(struct ev_loop* (*make)(void), struct ev_loop** loop) {
  bool before[256];
  for (int fd = 0; fd < 256; ++fd) {
    before[fd] = is_epoll(fd);
  }
  *loop = make();
  for (int fd = 0; fd < 256; ++fd) {
    if (!before[fd] && is_epoll(fd)) {
      return fd;
    }
  }
  return -1;
}
