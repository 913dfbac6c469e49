/* The vocabulary of the loop rows, spoken to the kernel alone: the floor, below which no library
 * can go. engine_event.h says what each word means. Interest stays in the kernel once declared, so
 * a one-shot watch costs nothing to renew; a wake-up is one flag and one eventfd. */
#ifndef POLLSHIM_CONFORMANCE_BENCH_ENGINE_EPOLL_H_
#define POLLSHIM_CONFORMANCE_BENCH_ENGINE_EPOLL_H_

#include <stdatomic.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "conformance/bench/bench.h"

struct io_watch {
  int fd;
};
void on_readable(struct io_watch* watch);

struct wake_watch {
  _Atomic bool fired;
  struct wake_watch* next;
};
void on_woken(struct wake_watch* watch);

static int loop = -1;
/* Set with the first watch: a row without any has no handler to be linked. */
static void (*loop_ready)(struct io_watch*);
static bool loop_stopped;
static uint64_t loop_time;
/* Only a shared loop has these; wake_fd's cookie is NULL, which no watch has. */
static int wake_fd = -1;
static _Atomic bool wake_written;
static struct wake_watch* wake_watches;
static void (*loop_woken)(void);

static inline const char* loop_version(void) {
  return "none";
}
static inline void loop_open(void) {
  bench_check((loop = epoll_create1(EPOLL_CLOEXEC)) >= 0);
}
static inline void loop_stop(void) {
  loop_stopped = true;
}
static inline void loop_run(void) {
  struct epoll_event ready[256];
  loop_stopped = false;
  while (!loop_stopped) {
    const int count = epoll_wait(loop, ready, 256, -1);
    for (int i = 0; i < count; i++) {
      if (ready[i].data.ptr)
        loop_ready(ready[i].data.ptr);
      else
        loop_woken();
    }
  }
}

static inline void io_watch_open(struct io_watch* watch, int fd) {
  loop_ready = on_readable;
  watch->fd = fd;
}
static inline void io_watch_open_once(struct io_watch* watch, int fd) {
  io_watch_open(watch, fd);
}
static inline void io_watch_restart(struct io_watch* watch) {
  (void)watch;
}
static inline void io_watch_start(struct io_watch* watch) {
  struct epoll_event interest = {.events = EPOLLIN, .data.ptr = watch};
  bench_check(epoll_ctl(loop, EPOLL_CTL_ADD, watch->fd, &interest) == 0);
}
static inline void io_watch_stop(struct io_watch* watch) {
  bench_check(epoll_ctl(loop, EPOLL_CTL_DEL, watch->fd, NULL) == 0);
}

/* Re-arming a timer can not cost less than to note its time where the caller keeps it. There is no
 * clockwork behind this: only the rows that never let a timer expire may use it. */
struct timer_watch {
  uint64_t due;
};
void on_timeout(struct timer_watch* watch);

static inline void timer_watch_open(struct timer_watch* watch) {
  watch->due = 0;
}
static inline void timer_watch_start(struct timer_watch* watch, long delay) {
  watch->due = loop_time + (uint64_t)delay;
}
static inline void timer_watch_again(struct timer_watch* watch, long delay) {
  timer_watch_start(watch, delay);
}
static inline void timer_watch_stop(struct timer_watch* watch) {
  watch->due = 0;
}

/* One post at a time is all that the rows need of the floor. */
struct post_watch {
  char unused;
};
void on_posted(struct post_watch* watch);
static struct post_watch* posted;

static inline void post_watch_open(struct post_watch* watch) {
  (void)watch;
}
static inline void post_watch_fire(struct post_watch* watch) {
  posted = watch;
}
static inline void loop_poll(void) {
  struct post_watch* due = posted;
  posted = NULL;
  loop_time = bench_clock(CLOCK_MONOTONIC) / 1000;
  if (due) on_posted(due);
}

static inline void run_woken(void) {
  uint64_t count;
  bench_check(read(wake_fd, &count, sizeof count) == sizeof count);
  /* Cleared before the watches are looked at: one fired later writes again. */
  atomic_store(&wake_written, false);
  for (struct wake_watch* watch = wake_watches; watch; watch = watch->next)
    if (atomic_load_explicit(&watch->fired, memory_order_relaxed) &&
        atomic_exchange(&watch->fired, false))
      on_woken(watch);
}
static inline void loop_open_shared(void) {
  loop_open();
  loop_woken = run_woken;
  bench_check((wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) >= 0);
  struct epoll_event interest = {.events = EPOLLIN, .data.ptr = NULL};
  bench_check(epoll_ctl(loop, EPOLL_CTL_ADD, wake_fd, &interest) == 0);
}
static inline void wake_watch_open(struct wake_watch* watch) {
  watch->next = wake_watches;
  wake_watches = watch;
}
static inline void wake_watch_fire(struct wake_watch* watch) {
  static const uint64_t one = 1;
  atomic_store(&watch->fired, true);
  if (!atomic_exchange(&wake_written, true))
    bench_check(write(wake_fd, &one, sizeof one) == sizeof one);
}

#endif
