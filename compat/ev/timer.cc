#include "compat/ev/timer.h"

#include "compat/ev/loop.h"
#include "compat/ev/verify.h"

namespace pollshim::ev {

namespace {

netpoll::TimerId id_of(const ev_timer* watcher) {
  return static_cast<netpoll::TimerId>(watcher->active);
}

}  // namespace

bool Timers::holds(const ev_timer* watcher) const {
  const netpoll::TimerId id = id_of(watcher);
  return id < heap_.end() && heap_.owner(id) == watcher;
}

void Timers::start(ev_loop& loop, ev_timer* watcher) {
  if (watcher->active != 0) return;
  const unsigned lane = PendingQueue::lane_of(head_of(watcher));
  const bool has_room = loop.pending.has_room(lane) && heap_.has_room();
  if (!(watcher->repeat >= 0.) || !has_room) [[unlikely]]
    return make_room_and_start(loop, watcher);
  watcher->at += loop.time.steady();
  const netpoll::TimerId id = heap_.arm_in_room(watcher, key_of(watcher->at));
  loop.count_in(head_of(watcher), lane, static_cast<int>(id));
}

void Timers::make_room_and_start(ev_loop& loop, ev_timer* watcher) {
  const unsigned lane = PendingQueue::lane_of(head_of(watcher));
  const bool is_sound = watcher->repeat >= 0.;
  if (is_sound && loop.pending.make_room(lane) && heap_.reserve(1)) return start(loop, watcher);
  loop.refuse(head_of(watcher));
}

void Timers::stop(ev_loop& loop, ev_timer* watcher) {
  loop.pending.withdraw(head_of(watcher));
  if (watcher->active == 0) return;
  if (!holds(watcher)) give_up("ev_timer_stop: the watcher was changed while active");
  heap_.cancel(id_of(watcher));
  watcher->at -= loop.time.steady();
  loop.stop(head_of(watcher));
}

void Timers::again(ev_loop& loop, ev_timer* watcher) {
  loop.pending.withdraw(head_of(watcher));
  if (watcher->active == 0) {
    if (watcher->repeat == 0.) return;
    watcher->at = watcher->repeat;
    start(loop, watcher);
    return;
  }
  if (watcher->repeat == 0.) {
    stop(loop, watcher);
    return;
  }
  const ev_tstamp at = loop.time.steady() + watcher->repeat;
  if (heap_.move(id_of(watcher), key_of(at))) {
    watcher->at = at;
  } else {
    stop(loop, watcher);
    loop.refuse(head_of(watcher));
  }
}

ev_tstamp Timers::remaining(const ev_loop& loop, const ev_timer* watcher) const {
  return watcher->active != 0 ? watcher->at - loop.time.steady() : watcher->at;
}

ev_tstamp Timers::earliest() {
  return moment_of(heap_.earliest());
}

void Timers::expire(ev_loop& loop) {
  const ev_tstamp now = loop.time.steady();
  const Key limit = last_key_before(now);
  netpoll::TimerId id = heap_.first_due(limit);
  if (id == netpoll::kNoTimer) return;
  const PendingQueue::Batch batch = loop.pending.begin_batch();
  for (; id != netpoll::kNoTimer; id = heap_.first_due(limit)) {
    auto* watcher = static_cast<ev_timer*>(heap_.owner(id));
    ++loop.timers_fired;
    int events = EV_TIMER;
    if (watcher->repeat > 0.) {
      // A timer that is late by more than its interval does not catch up.
      watcher->at += watcher->repeat;
      if (watcher->at < now) watcher->at = now;
      heap_.move(id, key_of(watcher->at));
    } else {
      if (watcher->repeat != 0.) events |= EV_ERROR;
      stop(loop, watcher);
    }
    loop.feed(head_of(watcher), events);
  }
  loop.pending.end_batch(batch);
}

void Timers::shift(ev_loop&, ev_tstamp seconds) {
  for (netpoll::TimerId id = 1; id < heap_.end(); ++id) {
    if (!heap_.is_armed(id)) continue;
    auto* watcher = static_cast<ev_timer*>(heap_.owner(id));
    watcher->at += seconds;
    heap_.move(id, key_of(watcher->at));
  }
}

void Timers::verify(const ev_loop& loop) const {
  for (netpoll::TimerId id = 1; id < heap_.end(); ++id) {
    if (!heap_.is_armed(id)) continue;
    const auto* watcher = static_cast<const ev_timer*>(heap_.owner(id));
    verify_watcher(loop, head_of(watcher));
    if (id_of(watcher) != id) give_up("a timer's active field was changed");
  }
}

}  // namespace pollshim::ev
