/* The vocabulary of the loop rows, spoken to libev; engine_event.h says what each word means.
 * It uses libev the way its users do: watchers embedded, macros for initialisation, stop, set and
 * start for a watcher that changes. */
#ifndef POLLSHIM_CONFORMANCE_BENCH_ENGINE_EV_H_
#define POLLSHIM_CONFORMANCE_BENCH_ENGINE_EV_H_

#include <ev.h>
#include <stddef.h>

#include "conformance/bench/bench.h"

static struct ev_loop* loop;

static inline const char* loop_version(void) {
  return ev_version_major() == 4 ? "4" : "unknown";
}
static inline void loop_open(void) {
  bench_check((loop = ev_loop_new(EVFLAG_AUTO)) != NULL);
}
static inline void loop_open_shared(void) {
  loop_open();
}
static inline void loop_run(void) {
  ev_run(loop, 0);
}
static inline void loop_poll(void) {
  ev_run(loop, EVRUN_NOWAIT);
}
static inline void loop_stop(void) {
  ev_break(loop, EVBREAK_ONE);
}

struct io_watch {
  ev_io io;
};
void on_readable(struct io_watch* watch);

static inline void io_ready(EV_P_ ev_io* io, int events) {
  (void)EV_A, (void)events;
  on_readable((struct io_watch*)io);
}
/* libev has no one-shot descriptor watcher: its users stop it first thing in the callback. */
static inline void io_ready_once(EV_P_ ev_io* io, int events) {
  (void)events;
  ev_io_stop(EV_A_ io);
  on_readable((struct io_watch*)io);
}
static inline void io_watch_open(struct io_watch* watch, int fd) {
  ev_io_init(&watch->io, io_ready, fd, EV_READ);
}
static inline void io_watch_open_once(struct io_watch* watch, int fd) {
  ev_io_init(&watch->io, io_ready_once, fd, EV_READ);
}
static inline void io_watch_start(struct io_watch* watch) {
  ev_io_start(loop, &watch->io);
}
static inline void io_watch_restart(struct io_watch* watch) {
  io_watch_start(watch);
}
static inline void io_watch_stop(struct io_watch* watch) {
  ev_io_stop(loop, &watch->io);
}
static inline void io_watch_renew(struct io_watch* watch, int fd) {
  io_watch_stop(watch);
  ev_io_set(&watch->io, fd, EV_READ);
  io_watch_start(watch);
}

struct timer_watch {
  ev_timer timer;
};
void on_timeout(struct timer_watch* watch);

static inline void timer_due(EV_P_ ev_timer* timer, int events) {
  (void)EV_A, (void)events;
  on_timeout((struct timer_watch*)timer);
}
static inline void timer_watch_open(struct timer_watch* watch) {
  ev_timer_init(&watch->timer, timer_due, 0., 0.);
}
static inline void timer_watch_start(struct timer_watch* watch, long delay) {
  ev_timer_set(&watch->timer, (double)delay * 1e-6, 0.);
  ev_timer_start(loop, &watch->timer);
}
static inline void timer_watch_again(struct timer_watch* watch, long delay) {
  watch->timer.repeat = (double)delay * 1e-6;
  ev_timer_again(loop, &watch->timer);
}
static inline void timer_watch_stop(struct timer_watch* watch) {
  ev_timer_stop(loop, &watch->timer);
}

struct post_watch {
  ev_prepare prepare;
};
void on_posted(struct post_watch* watch);

static inline void post_due(EV_P_ ev_prepare* prepare, int events) {
  (void)EV_A, (void)events;
  on_posted((struct post_watch*)prepare);
}
static inline void post_watch_open(struct post_watch* watch) {
  ev_prepare_init(&watch->prepare, post_due);
}
static inline void post_watch_fire(struct post_watch* watch) {
  ev_feed_event(loop, &watch->prepare, EV_CUSTOM);
}

struct wake_watch {
  ev_async async;
};
void on_woken(struct wake_watch* watch);

static inline void wake_due(EV_P_ ev_async* async, int events) {
  (void)EV_A, (void)events;
  on_woken((struct wake_watch*)async);
}
static inline void wake_watch_open(struct wake_watch* watch) {
  ev_async_init(&watch->async, wake_due);
  ev_async_start(loop, &watch->async);
}
static inline void wake_watch_fire(struct wake_watch* watch) {
  ev_async_send(loop, &watch->async);
}

#endif
