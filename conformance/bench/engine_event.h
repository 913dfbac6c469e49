/* The vocabulary of the loop rows, spoken to libevent. A row is written once against these names
 * and compiled once per engine, so that every library is given literally the same work.
 * engine_ev.h and engine_epoll.h speak the same to libev and to the kernel; nothing here may know a
 * row. The handlers on_*() are the row's own, in the same translation unit, so that no
 * indirection of ours is measured. */
#ifndef POLLSHIM_CONFORMANCE_BENCH_ENGINE_EVENT_H_
#define POLLSHIM_CONFORMANCE_BENCH_ENGINE_EVENT_H_

#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/thread.h>

#include "conformance/bench/bench.h"

static struct event_base* loop;

static inline const char* loop_version(void) {
  return event_get_version();
}
static inline void loop_open(void) {
  bench_check((loop = event_base_new()) != NULL);
}
static inline void loop_run(void) {
  event_base_loop(loop, EVLOOP_NO_EXIT_ON_EMPTY);
}
static inline void loop_poll(void) {
  event_base_loop(loop, EVLOOP_NONBLOCK);
}
static inline void loop_stop(void) {
  event_base_loopbreak(loop);
}

/* A loop that other threads will talk to. */
static inline void loop_open_shared(void) {
  bench_check(evthread_use_pthreads() == 0);
  loop_open();
}

/* A descriptor watched for reading. */
struct io_watch {
  struct event event;
};
void on_readable(struct io_watch* watch);

static inline void io_ready(evutil_socket_t fd, short what, void* watch) {
  (void)fd, (void)what;
  on_readable(watch);
}
static inline void io_watch_open(struct io_watch* watch, int fd) {
  bench_check(event_assign(&watch->event, loop, fd, EV_READ | EV_PERSIST, io_ready, watch) == 0);
}
static inline void io_watch_open_once(struct io_watch* watch, int fd) {
  bench_check(event_assign(&watch->event, loop, fd, EV_READ, io_ready, watch) == 0);
}
static inline void io_watch_start(struct io_watch* watch) {
  bench_check(event_add(&watch->event, NULL) == 0);
}
/* Asks for the next event of a one-shot watch, from its handler. */
static inline void io_watch_restart(struct io_watch* watch) {
  io_watch_start(watch);
}
static inline void io_watch_stop(struct io_watch* watch) {
  event_del(&watch->event);
}
/* Forgets the watch and makes it anew: what a program does that owns no state about it. */
static inline void io_watch_renew(struct io_watch* watch, int fd) {
  io_watch_stop(watch);
  io_watch_open(watch, fd);
  io_watch_start(watch);
}

/* A timer; delays in microseconds. */
struct timer_watch {
  struct event event;
};
void on_timeout(struct timer_watch* watch);

static inline void timer_due(evutil_socket_t fd, short what, void* watch) {
  (void)fd, (void)what;
  on_timeout(watch);
}
static inline void timer_watch_open(struct timer_watch* watch) {
  bench_check(event_assign(&watch->event, loop, -1, 0, timer_due, watch) == 0);
}
static inline void timer_watch_start(struct timer_watch* watch, long delay) {
  const struct timeval after = {delay / 1000000, delay % 1000000};
  event_add(&watch->event, &after);
}
static inline void timer_watch_again(struct timer_watch* watch, long delay) {
  timer_watch_start(watch, delay);
}
static inline void timer_watch_stop(struct timer_watch* watch) {
  event_del(&watch->event);
}

/* A callback asked for by hand, on the loop's own thread. */
struct post_watch {
  struct event event;
};
void on_posted(struct post_watch* watch);

static inline void post_due(evutil_socket_t fd, short what, void* watch) {
  (void)fd, (void)what;
  on_posted(watch);
}
static inline void post_watch_open(struct post_watch* watch) {
  bench_check(event_assign(&watch->event, loop, -1, EV_PERSIST, post_due, watch) == 0);
}
static inline void post_watch_fire(struct post_watch* watch) {
  event_active(&watch->event, EV_READ, 1);
}

/* A callback asked for from any thread. */
struct wake_watch {
  struct event event;
};
void on_woken(struct wake_watch* watch);

static inline void wake_due(evutil_socket_t fd, short what, void* watch) {
  (void)fd, (void)what;
  on_woken(watch);
}
static inline void wake_watch_open(struct wake_watch* watch) {
  bench_check(event_assign(&watch->event, loop, -1, EV_PERSIST, wake_due, watch) == 0);
}
static inline void wake_watch_fire(struct wake_watch* watch) {
  event_active(&watch->event, EV_READ, 1);
}

#endif
