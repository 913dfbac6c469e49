#include "compat/ev/timer.h"

#include <bit>
#include <cstddef>
#include <cstring>

#include "compat/ev/loop.h"
#include "compat/ev/verify.h"

namespace pollshim::ev {

namespace {

netpoll::TimerId id_of(const ev_timer* watcher) {
  return static_cast<netpoll::TimerId>(watcher->active);
}

// The mark: when a timer is due, in ticks of about a microsecond, as far as it fits into the four
// bytes behind `priority` that no member has. A watcher without that gap is never put off.
constexpr std::size_t kMarkPlace = offsetof(ev_timer, priority) + sizeof(int);
constexpr bool kHasMark = offsetof(ev_timer, data) >= kMarkPlace + sizeof(std::uint32_t);
constexpr ev_tstamp kTicksPerSecond = 1 << 20;
// The sum of this and a time ends in a mark: the last bit of such a double is worth a tick.
constexpr ev_tstamp kMarkBase = 1.5 * (std::int64_t{1} << 52) / kTicksPerSecond;
constexpr ev_tstamp kLastMarked = kMarkBase / 4;
constexpr ev_tstamp kMarks = 4294967296.;  // then they repeat
constexpr ev_tstamp kLongestPutOff = kMarks / 2 / kTicksPerSecond;

std::uint32_t mark_for(ev_tstamp at) {
  return static_cast<std::uint32_t>(std::bit_cast<std::uint64_t>(at + kMarkBase));
}
std::uint32_t mark_of(const ev_timer* watcher) {
  std::uint32_t mark;
  std::memcpy(&mark, reinterpret_cast<const char*>(watcher) + kMarkPlace, sizeof mark);
  return mark;
}
void set_at(ev_timer* watcher, ev_tstamp at) {
  watcher->at = at;
  const std::uint32_t mark = mark_for(at);
  if (kHasMark) std::memcpy(reinterpret_cast<char*>(watcher) + kMarkPlace, &mark, sizeof mark);
}
// Whether `at` is still what set_at() made of it.
bool has_own_at(const ev_timer* watcher) {
  return mark_of(watcher) == mark_for(watcher->at);
}

// Servers start the idle timeout of a connection again for every message. It is due later than
// before then, and nothing but the watcher is touched: with many connections, what the heap knows
// would be one more cache miss, and most of the time that all of it takes.
bool put_off(ev_timer* watcher, ev_tstamp at) {
  const bool later = kHasMark && at >= watcher->at && watcher->repeat < kLongestPutOff;
  if (!later || !has_own_at(watcher)) return false;
  set_at(watcher, at);
  return true;
}

// When a timer is due of which the heap says that it is not before `bound`.
ev_tstamp true_time(const ev_timer* watcher, ev_tstamp bound) {
  if (!kHasMark) return bound;
  if (has_own_at(watcher)) return watcher->at;
  // Of the times with that mark, the next behind the bound. Half a tick is as late as it can be and
  // still have that mark itself, once the heap has it for a bound.
  const std::uint32_t later = mark_of(watcher) - mark_for(bound);
  if (later == 0 || later >= kMarks / 2 || !(bound >= 0. && bound < kLastMarked)) return bound;
  const ev_tstamp whole_ticks = bound + kMarkBase - kMarkBase;
  return whole_ticks + (later + .45) / kTicksPerSecond;
}

}  // namespace

bool Timers::corrected(netpoll::TimerId id) {
  const Key told = heap_.when(id);
  const Key due = key_of(true_time(static_cast<const ev_timer*>(heap_.owner(id)), moment_of(told)));
  if (due <= told) [[likely]]
    return false;
  heap_.move(id, due);
  return true;
}

netpoll::TimerId Timers::first(Key limit) {
  netpoll::TimerId id = heap_.first(limit);
  while (id != netpoll::kNoTimer && corrected(id))
    id = heap_.first(limit);
  return id;
}

netpoll::TimerId Timers::first_due(Key limit) {
  netpoll::TimerId id = heap_.first_due(limit);
  while (id != netpoll::kNoTimer && corrected(id))
    id = heap_.first_due(limit);
  return id;
}

bool Timers::holds(const ev_timer* watcher) const {
  const netpoll::TimerId id = id_of(watcher);
  return id < heap_.end() && heap_.is_armed(id) && heap_.owner(id) == watcher;
}

void Timers::start(ev_loop& loop, ev_timer* watcher) {
  if (watcher->active != 0) return;
  const bool is_usual = PendingQueue::is_in_range(watcher->priority) && is_plain(watcher->repeat);
  if (!is_usual) [[unlikely]]
    return make_room_and_start(loop, watcher);
  const unsigned lane = PendingQueue::lane_of(head_of(watcher));
  if (!loop.pending.has_room(lane) || !loop.timers.heap_.has_room()) [[unlikely]]
    return make_room_and_start(loop, watcher);
  start_in_room(loop, watcher, lane);
}

inline void Timers::start_in_room(ev_loop& loop, ev_timer* watcher, unsigned lane) {
  const ev_tstamp at = watcher->at + loop.time.steady();
  const netpoll::TimerId id = loop.timers.heap_.arm_in_room(watcher, key_of(at));
  set_at(watcher, at);
  loop.count_in_lane(head_of(watcher), lane, static_cast<int>(id));
}

void Timers::make_room_and_start(ev_loop& loop, ev_timer* watcher) {
  const unsigned lane = PendingQueue::lane_of(head_of(watcher));
  const bool is_sound = watcher->repeat >= 0.;
  if (is_sound && loop.pending.make_room(lane) && loop.timers.heap_.reserve(1)) {
    watcher->priority = PendingQueue::priority_of(lane);
    start_in_room(loop, watcher, lane);
  } else {
    loop.refuse(head_of(watcher));
  }
}

void Timers::stop(ev_loop& loop, ev_timer* watcher) {
  if (watcher->pending != 0) [[unlikely]]
    loop.pending.withdraw(head_of(watcher));
  if (watcher->active == 0) return;
  if (!loop.timers.holds(watcher)) give_up("ev_timer_stop: the watcher was changed while active");
  const netpoll::TimerId id = id_of(watcher);
  watcher->at -= loop.time.steady();
  loop.stop(head_of(watcher));
  // Last, because it may have to sweep: so nothing here needs a stack frame.
  loop.timers.heap_.cancel(id);
}

void Timers::again(ev_loop& loop, ev_timer* watcher) {
  const bool usual = watcher->active != 0 && watcher->pending == 0 && watcher->repeat != 0.;
  if (!usual) [[unlikely]]
    return start_or_move(loop, watcher);
  const ev_tstamp at = loop.time.steady() + watcher->repeat;
  if (!put_off(watcher, at)) move(loop, watcher, at);
}

void Timers::start_or_move(ev_loop& loop, ev_timer* watcher) {
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
  move(loop, watcher, loop.time.steady() + watcher->repeat);
}

void Timers::move(ev_loop& loop, ev_timer* watcher, ev_tstamp at) {
  if (heap_.move(id_of(watcher), key_of(at))) {
    set_at(watcher, at);
  } else {
    stop(loop, watcher);
    loop.refuse(head_of(watcher));
  }
}

ev_tstamp Timers::remaining(const ev_loop& loop, const ev_timer* watcher) const {
  return watcher->active != 0 ? watcher->at - loop.time.steady() : watcher->at;
}

ev_tstamp Timers::earliest(ev_tstamp now) {
  return moment_of(heap_.when(first(last_key_before(now))));
}

void Timers::expire(ev_loop& loop) {
  const ev_tstamp now = loop.time.steady();
  const Key limit = last_key_before(now);
  if (heap_.none_due(limit)) return;
  netpoll::TimerId id = first_due(limit);
  if (id == netpoll::kNoTimer) return;
  const PendingQueue::Batch batch = loop.pending.begin_batch();
  for (; id != netpoll::kNoTimer; id = first_due(limit)) {
    auto* watcher = static_cast<ev_timer*>(heap_.owner(id));
    ++loop.timers_fired;
    int events = EV_TIMER;
    if (watcher->repeat > 0.) {
      // A timer that is late by more than its interval does not catch up.
      const ev_tstamp next = watcher->at + watcher->repeat;
      set_at(watcher, next < now ? now : next);
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
    set_at(watcher, watcher->at + seconds);
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
