/* An echo server in the manner of Go, in C: a thread for each connection, blocked on its descriptor
 * until there is something to do, and never longer than a deadline. No thread polls for the others;
 * whoever has to wait does it for all.
 *
 *     echo PORT [IDLE_SECONDS]      (port 0: any; the port is printed)
 *
 * Stops at the end of its standard input. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netpoll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int64_t idle_limit = 10 * INT64_C(1000000000);

/* Both follow the same rule: try first, wait after EAGAIN, try again. */
static ssize_t read_some(int fd, netpoll_desc desc, void* buffer, size_t size) {
  int outcome = netpoll_reset(desc, NETPOLL_READ);
  while (outcome == NETPOLL_READY) {
    const ssize_t got = read(fd, buffer, size);
    if (got >= 0 || (errno != EAGAIN && errno != EINTR)) return got;
    outcome = netpoll_wait(desc, NETPOLL_READ);
  }
  errno = outcome == NETPOLL_TIMEOUT ? ETIMEDOUT : EBADF;
  return -1;
}

static int write_all(int fd, netpoll_desc desc, const char* bytes, size_t size) {
  int outcome = netpoll_reset(desc, NETPOLL_WRITE);
  while (size != 0 && outcome == NETPOLL_READY) {
    const ssize_t put = write(fd, bytes, size);
    if (put >= 0) {
      bytes += put;
      size -= (size_t)put;
    } else if (errno == EAGAIN || errno == EINTR) {
      outcome = netpoll_wait(desc, NETPOLL_WRITE);
    } else {
      return -1;
    }
  }
  return size == 0 ? 0 : -1;
}

static void* serve(void* argument) {
  const int fd = (int)(intptr_t)argument;
  netpoll_desc desc;
  if (netpoll_open(fd, &desc) == 0) {
    char buffer[4096];
    for (;;) {
      netpoll_set_deadline(desc, idle_limit, NETPOLL_READ | NETPOLL_WRITE);
      const ssize_t got = read_some(fd, desc, buffer, sizeof buffer);
      if (got <= 0 || write_all(fd, desc, buffer, (size_t)got) != 0) break;
    }
    netpoll_unblock(desc);
    netpoll_close(desc);
  }
  close(fd);
  return NULL;
}

static void* watch_stdin(void* argument) {
  const netpoll_desc* listener = argument;
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0)
    continue;
  netpoll_unblock(*listener); /* the accepting thread returns from its wait */
  return NULL;
}

/* A wait is for a descriptor that would not block. */
static int prepare(int fd) {
  return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0 ? fd : -1;
}

static int listen_on(uint16_t port) {
  const int fd = prepare(socket(AF_INET, SOCK_STREAM, 0));
  const int one = 1;
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, (struct sockaddr*)&address, size) != 0 || listen(fd, 128) != 0) return -1;
  getsockname(fd, (struct sockaddr*)&address, &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return fd;
}

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: %s PORT [IDLE_SECONDS]\n", argv[0]);
    return 2;
  }
  if (argc > 2) idle_limit = (int64_t)(atof(argv[2]) * 1e9);
  const int listener = listen_on((uint16_t)atoi(argv[1]));
  netpoll_desc desc;
  if (listener < 0 || netpoll_open(listener, &desc) != 0) {
    perror("listen");
    return 1;
  }
  pthread_attr_t detached;
  pthread_attr_init(&detached);
  pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  pthread_create(&thread, &detached, watch_stdin, &desc);

  int outcome = NETPOLL_READY;
  while (outcome == NETPOLL_READY) {
    const int fd = prepare(accept(listener, NULL, NULL));
    if (fd < 0) {
      outcome = netpoll_wait(desc, NETPOLL_READ);
    } else if (pthread_create(&thread, &detached, serve, (void*)(intptr_t)fd) != 0) {
      close(fd);
    }
  }
  netpoll_close(desc);
  close(listener);
  return 0;
}
