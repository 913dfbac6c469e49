// libev's C interface: every function of ev.h. Converts arguments and calls; there
// is no decision here that is not about an argument. Nothing in the library calls these functions,
// because a program may bring functions of the same names.
#pragma GCC visibility push(default)
#include <ev.h>
#pragma GCC visibility pop

#include "compat/ev/backend.h"
#include "compat/ev/default_loop.h"
#include "compat/ev/embed.h"
#include "compat/ev/loop.h"
#include "compat/ev/memory.h"
#include "compat/ev/verify.h"

using namespace pollshim::ev;

namespace {

ev_watcher* watcher_at(void* watcher) {
  return static_cast<ev_watcher*>(watcher);
}

}  // namespace

extern "C" {

// ---- the library as a whole ----

int ev_version_major() noexcept {
  return EV_VERSION_MAJOR;
}
int ev_version_minor() noexcept {
  return EV_VERSION_MINOR;
}
unsigned int ev_supported_backends() noexcept {
  return supported_backends();
}
unsigned int ev_recommended_backends() noexcept {
  return recommended_backends();
}
unsigned int ev_embeddable_backends() noexcept {
  return embeddable_backends();
}
ev_tstamp ev_time() noexcept {
  return wall_time();
}
void ev_sleep(ev_tstamp delay) noexcept {
  sleep_for(delay);
}
void ev_set_allocator(void* (*cb)(void* ptr, long size) noexcept) noexcept {
  set_allocator(cb);
}
void ev_set_syserr_cb(void (*cb)(const char* msg) noexcept) noexcept {
  set_syserr_callback(cb);
}

// ---- loops ----

struct ev_loop* ev_default_loop(unsigned int flags) noexcept {
  return default_loop(flags);
}
struct ev_loop* ev_loop_new(unsigned int flags) noexcept {
  return ev_loop::make(flags);
}
void ev_loop_destroy(struct ev_loop* loop) {
  destroy_loop(loop);
}
void ev_loop_fork(struct ev_loop* loop) noexcept {
  loop->forked = true;
}
unsigned int ev_backend(struct ev_loop* loop) noexcept {
  return loop->backend;
}
ev_tstamp ev_now(struct ev_loop* loop) noexcept {
  return loop->time.wall();
}
void ev_now_update(struct ev_loop* loop) noexcept {
  loop->update_time();
}
void ev_suspend(struct ev_loop* loop) noexcept {
  loop->update_time();
}
void ev_resume(struct ev_loop* loop) noexcept {
  loop->resume();
}
int ev_run(struct ev_loop* loop, int flags) {
  return loop->run(flags);
}
void ev_break(struct ev_loop* loop, int how) noexcept {
  loop->break_how = how;
}
void ev_ref(struct ev_loop* loop) noexcept {
  ++loop->active;
}
void ev_unref(struct ev_loop* loop) noexcept {
  --loop->active;
}
void ev_once(struct ev_loop* loop, int fd, int events, ev_tstamp timeout,
             void (*cb)(int revents, void* arg), void* arg) noexcept {
  loop->onces.start(*loop, fd, events, timeout, cb, arg);
}
unsigned int ev_iteration(struct ev_loop* loop) noexcept {
  return loop->iteration;
}
unsigned int ev_depth(struct ev_loop* loop) noexcept {
  return loop->depth;
}
void ev_verify(struct ev_loop* loop) noexcept {
  verify_loop(*loop);
}
void ev_set_io_collect_interval(struct ev_loop* loop, ev_tstamp interval) noexcept {
  loop->io_interval = interval;
}
void ev_set_timeout_collect_interval(struct ev_loop* loop, ev_tstamp interval) noexcept {
  loop->timeout_interval = interval;
}
void ev_set_userdata(struct ev_loop* loop, void* data) noexcept {
  loop->userdata = data;
}
void* ev_userdata(struct ev_loop* loop) noexcept {
  return loop->userdata;
}
void ev_set_invoke_pending_cb(struct ev_loop* loop, ev_loop_callback invoke_pending_cb) noexcept {
  loop->invoke_callback = invoke_pending_cb;
}
void ev_set_loop_release_cb(struct ev_loop* loop, void (*release)(struct ev_loop* loop) noexcept,
                            void (*acquire)(struct ev_loop* loop) noexcept) noexcept {
  loop->release_callback = release;
  loop->acquire_callback = acquire;
}

// ---- pending watchers ----

void ev_invoke_pending(struct ev_loop* loop) {
  loop->invoke_pending();
}
unsigned int ev_pending_count(struct ev_loop* loop) noexcept {
  return loop->pending.count();
}
void ev_invoke(struct ev_loop* loop, void* w, int revents) {
  watcher_at(w)->cb(loop, watcher_at(w), revents);
}
int ev_clear_pending(struct ev_loop* loop, void* w) noexcept {
  return loop->pending.withdraw(watcher_at(w));
}
void ev_feed_event(struct ev_loop* loop, void* w, int revents) noexcept {
  loop->feed(watcher_at(w), revents);
}
void ev_feed_fd_event(struct ev_loop* loop, int fd, int revents) noexcept {
  loop->ios.feed(*loop, fd, revents);
}
void ev_feed_signal(int signum) noexcept {
  mark_signal(signum);
}
void ev_feed_signal_event(struct ev_loop* loop, int signum) noexcept {
  loop->signals.feed(*loop, signum);
}

// ---- watchers ----

void ev_io_start(struct ev_loop* loop, ev_io* w) noexcept {
  loop->ios.start(*loop, w);
}
void ev_io_stop(struct ev_loop* loop, ev_io* w) noexcept {
  loop->ios.stop(*loop, w);
}
void ev_timer_start(struct ev_loop* loop, ev_timer* w) noexcept {
  Timers::start(*loop, w);
}
void ev_timer_stop(struct ev_loop* loop, ev_timer* w) noexcept {
  Timers::stop(*loop, w);
}
void ev_timer_again(struct ev_loop* loop, ev_timer* w) noexcept {
  loop->timers.again(*loop, w);
}
ev_tstamp ev_timer_remaining(struct ev_loop* loop, ev_timer* w) noexcept {
  return loop->timers.remaining(*loop, w);
}
void ev_periodic_start(struct ev_loop* loop, ev_periodic* w) noexcept {
  loop->periodics.start(*loop, w);
}
void ev_periodic_stop(struct ev_loop* loop, ev_periodic* w) noexcept {
  loop->periodics.stop(*loop, w);
}
void ev_periodic_again(struct ev_loop* loop, ev_periodic* w) noexcept {
  loop->periodics.again(*loop, w);
}
void ev_signal_start(struct ev_loop* loop, ev_signal* w) noexcept {
  loop->signals.start(*loop, w);
}
void ev_signal_stop(struct ev_loop* loop, ev_signal* w) noexcept {
  loop->signals.stop(*loop, w);
}
void ev_child_start(struct ev_loop* loop, ev_child* w) noexcept {
  loop->children.start(*loop, w);
}
void ev_child_stop(struct ev_loop* loop, ev_child* w) noexcept {
  loop->children.stop(*loop, w);
}
void ev_stat_start(struct ev_loop* loop, ev_stat* w) noexcept {
  loop->stats.start(*loop, w);
}
void ev_stat_stop(struct ev_loop* loop, ev_stat* w) noexcept {
  loop->stats.stop(*loop, w);
}
void ev_stat_stat(struct ev_loop*, ev_stat* w) noexcept {
  Stats::refresh(w);
}
void ev_idle_start(struct ev_loop* loop, ev_idle* w) noexcept {
  loop->idles.start(*loop, w);
}
void ev_idle_stop(struct ev_loop* loop, ev_idle* w) noexcept {
  loop->idles.stop(*loop, w);
}
void ev_prepare_start(struct ev_loop* loop, ev_prepare* w) noexcept {
  loop->prepares.start(*loop, head_of(w));
}
void ev_prepare_stop(struct ev_loop* loop, ev_prepare* w) noexcept {
  loop->prepares.stop(*loop, head_of(w));
}
void ev_check_start(struct ev_loop* loop, ev_check* w) noexcept {
  loop->checks.start(*loop, head_of(w));
}
void ev_check_stop(struct ev_loop* loop, ev_check* w) noexcept {
  loop->checks.stop(*loop, head_of(w));
}
void ev_fork_start(struct ev_loop* loop, ev_fork* w) noexcept {
  loop->forks.start(*loop, head_of(w));
}
void ev_fork_stop(struct ev_loop* loop, ev_fork* w) noexcept {
  loop->forks.stop(*loop, head_of(w));
}
// A cleanup watcher never holds its loop.
void ev_cleanup_start(struct ev_loop* loop, ev_cleanup* w) noexcept {
  if (loop->cleanups.start(*loop, head_of(w))) --loop->active;
}
void ev_cleanup_stop(struct ev_loop* loop, ev_cleanup* w) noexcept {
  if (loop->cleanups.stop(*loop, head_of(w))) ++loop->active;
}
void ev_embed_start(struct ev_loop* loop, ev_embed* w) noexcept {
  start_embed(*loop, w);
}
void ev_embed_stop(struct ev_loop* loop, ev_embed* w) noexcept {
  stop_embed(*loop, w);
}
void ev_embed_sweep(struct ev_loop*, ev_embed* w) noexcept {
  sweep_embed(w);
}
void ev_async_start(struct ev_loop* loop, ev_async* w) noexcept {
  loop->asyncs.start(*loop, w);
}
void ev_async_stop(struct ev_loop* loop, ev_async* w) noexcept {
  loop->asyncs.stop(*loop, w);
}
void ev_async_send(struct ev_loop* loop, ev_async* w) noexcept {
  loop->asyncs.send(*loop, w);
}

}  // extern "C"
