/* The load generator: connections over loopback to the program that started it.
 * Called by the rows that serve; must never know a library. Any failure of a connection means that
 * the server is done with it, which is how a run ends. */
#include "conformance/bench/load.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conformance/bench/bench.h"

enum { piece_size = 256 * 1024, batch = 256 };

static char piece[piece_size];

static int watch_all(const int* descriptors, int count, uint32_t events) {
  const int set = epoll_create1(EPOLL_CLOEXEC);
  bench_check(set >= 0);
  for (int i = 0; i < count; i++) {
    struct epoll_event interest = {.events = events, .data.fd = descriptors[i]};
    bench_check(epoll_ctl(set, EPOLL_CTL_ADD, descriptors[i], &interest) == 0);
  }
  return set;
}

/* Calls serve() for every ready descriptor until it says that the server has gone. */
static void serve_all(const int* descriptors, int count, uint32_t events, bool (*serve)(int fd)) {
  struct epoll_event ready[batch];
  const int set = watch_all(descriptors, count, events);
  for (;;) {
    const int found = epoll_wait(set, ready, batch, -1);
    for (int i = 0; i < found; i++)
      if (!serve(ready[i].data.fd)) return;
  }
}

static bool retry_later(ssize_t result) {
  return result < 0 && errno == EAGAIN;
}

static bool answer(int fd) {
  const ssize_t got = read(fd, piece, message_size);
  if (retry_later(got)) return true;
  /* An echo of one small message is never split: TCP_NODELAY, and one write at either end. */
  return got == message_size && write(fd, piece, message_size) == message_size;
}

static bool push(int fd) {
  const ssize_t sent = write(fd, piece, piece_size);
  return sent > 0 || retry_later(sent);
}

static bool pull(int fd) {
  const ssize_t got = read(fd, piece, piece_size);
  return got > 0 || retry_later(got);
}

void load_echo(const int* descriptors, int count) {
  for (int i = 0; i < count; i++)
    if (write(descriptors[i], piece, message_size) != message_size) return;
  serve_all(descriptors, count, EPOLLIN, answer);
}

void load_send(const int* descriptors, int count) {
  serve_all(descriptors, count, EPOLLOUT, push);
}

void load_receive(const int* descriptors, int count) {
  serve_all(descriptors, count, EPOLLIN, pull);
}

/* Both ends of one connection; the server's first. */
static void connect_pair(int listener, int ends[2]) {
  const int on = 1;
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  bench_check(getsockname(listener, (struct sockaddr*)&address, &length) == 0);
  bench_check((ends[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) >= 0);
  bench_check(connect(ends[1], (struct sockaddr*)&address, length) == 0);
  bench_check((ends[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
  bench_check(fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
  for (int i = 0; i < 2; i++)
    bench_check(setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
}

static int open_listener(void) {
  const struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bench_check(listener >= 0);
  bench_check(bind(listener, (const struct sockaddr*)&address, sizeof address) == 0);
  bench_check(listen(listener, 1) == 0);
  return listener;
}

static int* allocate_descriptors(int count) {
  int* descriptors = calloc((size_t)count, sizeof *descriptors);
  bench_check(descriptors != NULL);
  return descriptors;
}

int* load_start(load_run* run, int family, int count) {
  int *servers = allocate_descriptors(count), *loads = allocate_descriptors(count);
  bench_need_descriptors(2L * count);
  const int listener = family == AF_INET ? open_listener() : -1;
  for (int i = 0; i < count; i++) {
    int ends[2];
    if (family == AF_INET)
      connect_pair(listener, ends);
    else
      bench_check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    servers[i] = ends[0];
    loads[i] = ends[1];
  }
  if (listener >= 0) close(listener);
  const pid_t server = getpid();
  const pid_t load = fork();
  bench_check(load >= 0);
  /* Each side keeps its own ends only, or neither would see the other go. */
  for (int i = 0; i < count; i++)
    close(load == 0 ? servers[i] : loads[i]);
  if (load == 0) {
    /* A server that crashes must not leave its load behind. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != server) _exit(1);
    bench_pin_load();
    run(loads, count);
    _exit(0);
  }
  free(loads);
  return servers;
}
