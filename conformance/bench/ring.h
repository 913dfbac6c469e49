/* A ring of pipes through which single bytes travel: the work of the rows chain, churn and oneshot.
 * Included by a row after its engine; knows watches, not libraries. A pipe is one descriptor, open
 * for both reading and writing, so that the limit on descriptors allows twice as many of them. */
#ifndef POLLSHIM_CONFORMANCE_BENCH_RING_H_
#define POLLSHIM_CONFORMANCE_BENCH_RING_H_

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conformance/bench/bench.h"

/* A byte that leaves a pipe is sent into the next one, so every byte walks round the ring. */
struct ring_pipe {
  struct io_watch watch; /* first: a watch is cast to its pipe */
  int fd;
};

static struct {
  struct ring_pipe* pipes;
  long count;
  long active; /* bytes travelling at once */
  long sent, received, wanted;
} ring;

static inline int ring_open_pipe(void) {
  int ends[2];
  char path[64];
  bench_check(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
  snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
  const int both = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
  bench_check(both >= 0);
  close(ends[0]);
  close(ends[1]);
  return both;
}

static inline void ring_open(long count, long active) {
  bench_need_descriptors(count);
  ring.count = count;
  ring.active = active < count ? active : count;
  ring.pipes = calloc((size_t)count, sizeof *ring.pipes);
  bench_check(ring.pipes != NULL);
  for (long i = 0; i < count; i++)
    ring.pipes[i].fd = ring_open_pipe();
}

static inline void ring_send(struct ring_pipe* into) {
  ring.sent++;
  bench_check(write(into->fd, "", 1) == 1);
}

/* What a handler does with a readable pipe: takes the byte, and passes it on while more are
 * wanted. */
static inline void ring_receive(struct ring_pipe* from) {
  char byte;
  bench_check(read(from->fd, &byte, 1) == 1);
  ring.received++;
  if (ring.sent < ring.wanted)
    ring_send(from + 1 < ring.pipes + ring.count ? from + 1 : ring.pipes);
  if (ring.received == ring.wanted) loop_stop();
}

/* Delivers exactly so many events; returns how many were delivered. */
static inline long ring_run(long events) {
  const long spacing = ring.count / ring.active;
  ring.sent = ring.received = 0;
  ring.wanted = events;
  for (long i = 0; i < ring.active && i < events; i++)
    ring_send(&ring.pipes[i * spacing]);
  loop_run();
  return ring.received;
}

#endif
