#include "compat/event/timeout.h"

#include <new>

#include "compat/event/log.h"
#include "compat/event/memory.h"

namespace pollshim::event {

// What a program gets for a duration that it announced: the duration, with a magic number and an
// index in the bits of tv_usec that a duration has no use for.
struct CommonTimeout {
  timeval duration;
};

namespace {

constexpr long kIndexMask = 0x0ff00000;
constexpr int kIndexShift = 20;
constexpr long kMagicMask = 0xf0000000;
constexpr long kMagic = 0x50000000;
constexpr int kMostCommonTimeouts = 256;

netpoll::TimerHeap& heap_of(event_base* base, const Event* ev) {
  return is_common(base, ev->ev_timeout) ? base->common_timers : base->loop.timers();
}

netpoll::TimerId timer_of(const Event* ev) {
  return static_cast<netpoll::TimerId>(ev->ev_timeout_pos.min_heap_idx);
}

bool has_timeout(const Event* ev) {
  return (ev->ev_evcallback.evcb_flags & EVLIST_TIMEOUT) != 0;
}

// When a timeout is due: as the heap counts, and as the event shows it.
struct Due {
  Nanoseconds when;
  timeval shown;
};

// Neither negative, nor with marks, nor so long that a sum could overflow.
bool is_ordinary(const timeval& delay) {
  constexpr unsigned long kLong = 1UL << 31;
  return static_cast<unsigned long>(delay.tv_sec) < kLong &&
         static_cast<unsigned long>(delay.tv_usec) < 1000000;
}

// Servers start the idle timeout of a connection again for every message: this is the path, and it
// divides nothing.
inline Due due_after_cached_now(const event_base* base, const timeval& delay) {
  time_t seconds = base->cached_shown.tv_sec + delay.tv_sec;
  suseconds_t microseconds = base->cached_shown.tv_usec + delay.tv_usec;
  if (microseconds >= 1000000) {
    microseconds -= 1000000;
    ++seconds;
  }
  return {base->cached_now + to_nanoseconds(delay), {seconds, microseconds}};
}

Due due_at(event_base* base, const timeval& time, bool common, bool absolute) {
  if (!absolute && base->cached_now != 0 && is_ordinary(time)) {
    return due_after_cached_now(base, time);
  }
  Nanoseconds when = to_nanoseconds(common ? plain(time) : time);
  if (!absolute) {
    const Nanoseconds now = round_up_to_microsecond(loop_now(base));
    when = when < 0 ? now + when : netpoll::add_saturating(now, when);
  }
  Due due{when, to_timeval(when)};
  if (common) due.shown.tv_usec |= time.tv_usec & ~kMicrosecondsMask;
  return due;
}

// Runs in the queue of the highest priority, as one internal callback.
void activate_due_common(event_callback*, void* argument) {
  auto* base = static_cast<event_base*>(argument);
  const Guard guard(base->lock);
  const Nanoseconds now = loop_now(base);
  while (netpoll::TimerId id = base->common_timers.first_due(now)) {
    auto* ev = static_cast<Event*>(base->common_timers.owner(id));
    remove_fired(base, ev);
    activate_event(ev, EV_TIMEOUT, 1);
    ++base->figures.timers_fired;
  }
}

}  // namespace

bool is_common(const event_base* base, const timeval& time) {
  if ((time.tv_usec & kMagicMask) != kMagic) return false;
  return ((time.tv_usec & kIndexMask) >> kIndexShift) < base->common_timeout_count;
}

void init_timeouts(event_base* base) {
  base->common_due = event_callback{};
  base->common_due.evcb_flags = EVLIST_INTERNAL;
  base->common_due.evcb_closure = kClosureSelf;
  base->common_due.evcb_cb_union.evcb_selfcb = activate_due_common;
  base->common_due.evcb_arg = base;
}

void free_timeouts(event_base* base) {
  for (int i = 0; i < base->common_timeout_count; ++i)
    release(base->common_timeouts[i]);
  if (base->common_timeouts != nullptr) release(base->common_timeouts);
  base->common_timeouts = nullptr;
  base->common_timeout_count = 0;
}

bool reserve_timeout(event_base* base, const Event* ev, const timeval& time) {
  if (has_timeout(ev)) return true;
  return (is_common(base, time) ? base->common_timers : base->loop.timers()).reserve(1);
}

bool rearm_timeout(event_base* base, Event* ev, const timeval& delay) {
  if (base->cached_now == 0 || !is_ordinary(delay) || is_common(base, ev->ev_timeout)) return false;
  const Due due = due_after_cached_now(base, delay);
  if (!base->loop.timers().move(timer_of(ev), due.when)) return false;
  ev->ev_timeout = due.shown;
  return true;
}

void arm_timeout(event_base* base, Event* ev, const timeval& time, bool absolute) {
  const bool common = is_common(base, time);
  const Due due = due_at(base, time, common, absolute);

  netpoll::TimerHeap& heap = common ? base->common_timers : base->loop.timers();
  if (has_timeout(ev) && &heap == &heap_of(base, ev) && heap.move(timer_of(ev), due.when)) {
    ev->ev_timeout = due.shown;
    return;
  }
  if (has_timeout(ev)) disarm_timeout(base, ev);
  ev->ev_timeout = due.shown;
  ev->ev_timeout_pos.min_heap_idx = static_cast<int>(heap.arm(ev, due.when));
  short& flags = ev->ev_evcallback.evcb_flags;
  if (!(flags & EVLIST_INTERNAL)) base->inserted_count.up();
  flags = static_cast<short>(flags | EVLIST_TIMEOUT);
}

void disarm_timeout(event_base* base, Event* ev) {
  heap_of(base, ev).cancel(timer_of(ev));
  ev->ev_timeout_pos.min_heap_idx = -1;
  short& flags = ev->ev_evcallback.evcb_flags;
  if (!(flags & EVLIST_INTERNAL)) base->inserted_count.down();
  flags = static_cast<short>(flags & ~EVLIST_TIMEOUT);
}

Nanoseconds time_to_next_timeout(event_base* base) {
  const Nanoseconds plain_due = base->loop.timers().earliest();
  const Nanoseconds common_due = base->common_timers.earliest();
  const Nanoseconds due = plain_due < common_due ? plain_due : common_due;
  base->sleeps_until = due;
  if (due == netpoll::kForever) return -1;
  const Nanoseconds now = base->loop.clock().update();
  return due > now ? due - now : 0;
}

void activate_due_timeouts(event_base* base) {
  netpoll::TimerHeap& timers = base->loop.timers();
  if (timers.empty() && base->common_timers.empty()) return;
  const Nanoseconds now = loop_now(base);
  while (netpoll::TimerId id = timers.first_due(now)) {
    auto* ev = static_cast<Event*>(timers.owner(id));
    remove_fired(base, ev);
    activate_event(ev, EV_TIMEOUT, 1);
    ++base->figures.timers_fired;
  }
  if (base->common_timers.first_due(now) != netpoll::kNoTimer)
    activate_callback(base, &base->common_due);
}

namespace {

// What the caller announced, normalised: it may be a common duration already, or have more than a
// second in tv_usec.
timeval normalised(const event_base* base, timeval duration) {
  if (duration.tv_usec <= 1000000) return duration;
  if (is_common(base, duration)) duration = plain(duration);
  duration.tv_sec += duration.tv_usec / 1000000;
  duration.tv_usec %= 1000000;
  return duration;
}

const timeval* find_common(const event_base* base, const timeval& duration) {
  for (int i = 0; i < base->common_timeout_count; ++i) {
    const timeval& known = base->common_timeouts[i]->duration;
    if (known.tv_sec == duration.tv_sec && plain(known).tv_usec == duration.tv_usec) return &known;
  }
  return nullptr;
}

const timeval* add_common(event_base* base, const timeval& duration) {
  const int index = base->common_timeout_count;
  if (index == kMostCommonTimeouts) {
    log_warning(
        "event_base_init_common_timeout: Too many common timeouts already in use; "
        "we only support %d per event_base",
        kMostCommonTimeouts);
    return nullptr;
  }
  void* wider =
      reallocate(base->common_timeouts, sizeof(CommonTimeout*) * static_cast<unsigned>(index + 1));
  if (wider == nullptr) {
    log_warning_errno("event_base_init_common_timeout: realloc");
    return nullptr;
  }
  base->common_timeouts = static_cast<CommonTimeout**>(wider);
  void* memory = allocate(sizeof(CommonTimeout));
  if (memory == nullptr) {
    log_warning_errno("event_base_init_common_timeout: calloc");
    return nullptr;
  }
  auto* common = new (memory) CommonTimeout{duration};
  common->duration.tv_usec |= kMagic | static_cast<long>(index) << kIndexShift;
  base->common_timeouts[index] = common;
  ++base->common_timeout_count;
  return &common->duration;
}

}  // namespace

}  // namespace pollshim::event

using namespace pollshim::event;

extern "C" const timeval* event_base_init_common_timeout(event_base* base,
                                                         const timeval* announced) {
  const Guard guard(base->lock);
  const timeval duration = normalised(base, *announced);
  const timeval* known = find_common(base, duration);
  return known != nullptr ? known : add_common(base, duration);
}
