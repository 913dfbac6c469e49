#include "compat/ev/periodic.h"

#include <unistd.h>

#if defined(__linux__)
#include <sys/timerfd.h>
#endif

#include "compat/ev/loop.h"
#include "compat/ev/verify.h"

namespace pollshim::ev {

namespace {

// Finer multiples than this would be lost in a double that holds a time of today.
constexpr ev_tstamp kSmallestInterval = 0.0001220703125;
// How far ahead the timerfd is armed; it is there for the jumps, not for this.
constexpr long kTimerfdSeconds = 1500001;

netpoll::TimerId id_of(const ev_periodic* watcher) {
  return static_cast<netpoll::TimerId>(watcher->active);
}

// The first of offset + n * interval that lies behind `now`.
ev_tstamp next_multiple(const ev_periodic* watcher, ev_tstamp now) {
  const ev_tstamp interval =
      watcher->interval > kSmallestInterval ? watcher->interval : kSmallestInterval;
  ev_tstamp at = watcher->offset + interval * round_down((now - watcher->offset) / interval);
  while (at <= now) {
    const ev_tstamp next = at + watcher->interval;
    if (next == at) return now;  // too fine to be told apart
    at = next;
  }
  return at;
}

// What the watcher's own settings say, or NaN where they make no sense.
ev_tstamp next_moment(ev_periodic* watcher, ev_tstamp now) {
  if (watcher->reschedule_cb != nullptr) return watcher->reschedule_cb(watcher, now);
  if (watcher->interval > 0.) return next_multiple(watcher, now);
  return watcher->interval == 0. ? watcher->offset : __builtin_nan("");
}

bool is_repeating(const ev_periodic* watcher) {
  return watcher->reschedule_cb != nullptr || watcher->interval != 0.;
}

}  // namespace

bool Periodics::holds(const ev_periodic* watcher) const {
  const netpoll::TimerId id = id_of(watcher);
  return id < heap_.end() && heap_.is_armed(id) && heap_.owner(id) == watcher;
}

void Periodics::close() {
  if (timerfd_ >= 0) ::close(timerfd_);
  timerfd_ = -1;
}

void Periodics::start(ev_loop& loop, ev_periodic* watcher) {
  if (watcher->active != 0) return;
  open_timerfd(loop);
  const ev_tstamp at = next_moment(watcher, loop.time.wall());
  if (at != at) {
    loop.refuse(head_of(watcher));
    return;
  }
  const netpoll::TimerId id = heap_.arm(watcher, key_of(at));
  if (id == netpoll::kNoTimer) {
    loop.refuse(head_of(watcher));
    return;
  }
  if (!loop.start(head_of(watcher), static_cast<int>(id))) {
    heap_.cancel(id);
    return;
  }
  watcher->at = at;
}

void Periodics::stop(ev_loop& loop, ev_periodic* watcher) {
  loop.pending.withdraw(head_of(watcher));
  if (watcher->active == 0) return;
  if (!holds(watcher)) give_up("ev_periodic_stop: the watcher was changed while active");
  heap_.cancel(id_of(watcher));
  loop.stop(head_of(watcher));
}

void Periodics::again(ev_loop& loop, ev_periodic* watcher) {
  stop(loop, watcher);
  start(loop, watcher);
}

void Periodics::expire(ev_loop& loop) {
  const ev_tstamp now = loop.time.wall();
  const Key limit = last_key_before(now);
  netpoll::TimerId id = heap_.first_due(limit);
  if (id == netpoll::kNoTimer) return;
  const PendingQueue::Batch batch = loop.pending.begin_batch();
  for (; id != netpoll::kNoTimer; id = heap_.first_due(limit)) {
    auto* watcher = static_cast<ev_periodic*>(heap_.owner(id));
    ++loop.timers_fired;
    int events = EV_PERIODIC;
    if (is_repeating(watcher)) {
      const ev_tstamp at = next_moment(watcher, now);
      // A moment in the past would be due again at once, for ever.
      if (at >= now && heap_.move(id, key_of(at))) {
        watcher->at = at;
      } else {
        events |= EV_ERROR;
        stop(loop, watcher);
      }
    } else {
      stop(loop, watcher);
    }
    loop.feed(head_of(watcher), events);
  }
  loop.pending.end_batch(batch);
}

void Periodics::reschedule(ev_loop& loop) {
  for (netpoll::TimerId id = 1; id < heap_.end(); ++id) {
    if (!heap_.is_armed(id)) continue;
    auto* watcher = static_cast<ev_periodic*>(heap_.owner(id));
    const ev_tstamp at =
        is_repeating(watcher) ? next_moment(watcher, loop.time.wall()) : watcher->at;
    if (heap_.move(id, key_of(at))) watcher->at = at;
  }
}

// ---- jumps ----

#if defined(__linux__)

void Periodics::open_timerfd(ev_loop& loop) {
  if (!may_use_timerfd_ || timerfd_ >= 0) return;
  may_use_timerfd_ = false;
  timerfd_ = ::timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  if (timerfd_ < 0) return;
  ev_io_init(&timerfd_watcher_, on_timerfd, timerfd_, EV_READ);
  ev_set_priority(&timerfd_watcher_, kLowestPriority);
  loop.ios.start(loop, &timerfd_watcher_);
  --loop.active;
  arm_timerfd(loop);
  loop.time.read_wall();
  reschedule(loop);
}

void Periodics::arm_timerfd(const ev_loop& loop) {
  itimerspec far{};
  far.it_value.tv_sec = static_cast<std::time_t>(loop.time.wall()) + kTimerfdSeconds;
  ::timerfd_settime(timerfd_, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, nullptr);
}

void Periodics::on_timerfd(ev_loop* loop, ev_io*, int) {
  Periodics& self = loop->periodics;
  self.arm_timerfd(*loop);
  loop->time.read_wall();
  self.reschedule(*loop);
}

// A timerfd is shared with the parent, and its expiry would be told to one of both.
void Periodics::after_fork(ev_loop& loop) {
  if (timerfd_ < 0) return;
  ++loop.active;
  loop.ios.stop(loop, &timerfd_watcher_);
  close();
  may_use_timerfd_ = true;
  open_timerfd(loop);
  loop.feed(head_of(&timerfd_watcher_), EV_CUSTOM);
}

#else

void Periodics::open_timerfd(ev_loop&) {}
void Periodics::arm_timerfd(const ev_loop&) {}
void Periodics::on_timerfd(ev_loop*, ev_io*, int) {}
void Periodics::after_fork(ev_loop&) {}

#endif

void Periodics::verify(const ev_loop& loop) const {
  for (netpoll::TimerId id = 1; id < heap_.end(); ++id) {
    if (!heap_.is_armed(id)) continue;
    const auto* watcher = static_cast<const ev_periodic*>(heap_.owner(id));
    verify_watcher(loop, head_of(watcher));
    if (id_of(watcher) != id) give_up("a periodic's active field was changed");
  }
}

}  // namespace pollshim::ev
