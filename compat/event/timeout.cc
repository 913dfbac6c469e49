#include "compat/event/timeout.h"

#include <new>

#include "compat/event/debug_mode.h"
#include "compat/event/log.h"
#include "compat/event/memory.h"
#include "compat/event/queue.h"

namespace pollshim::event {

namespace {

constexpr long kIndexMask = 0x0ff00000;
constexpr int kIndexShift = 20;
constexpr long kMagicMask = 0xf0000000;
constexpr long kMagic = 0x50000000;
constexpr int kMostCommonTimeouts = 256;

static_assert(sizeof(netpoll::QueueLink) == sizeof(Event::ev_timeout_pos));

CommonTimeout* common_timeout(const event_base* base, const timeval& time) {
  if (!is_common(base, time)) return nullptr;
  return base->common_timeouts[(time.tv_usec & kIndexMask) >> kIndexShift];
}

netpoll::TimerId timer_of(const Event* ev) {
  return static_cast<netpoll::TimerId>(ev->ev_timeout_pos.min_heap_idx);
}

bool has_timeout(const Event* ev) {
  return (ev->ev_evcallback.evcb_flags & EVLIST_TIMEOUT) != 0;
}
void note_timeout(event_base* base, Event* ev) {
  queue::enter(base, callback_of(ev), EVLIST_TIMEOUT);
}

[[gnu::noinline]] Nanoseconds moment_of(event_base* base, const timeval& time, bool absolute) {
  const Nanoseconds when = to_nanoseconds(time);
  if (absolute) return when;
  const Nanoseconds now = round_up_to_microsecond(loop_now(base));
  return when < 0 ? now + when : netpoll::add_saturating(now, when);
}

inline Due due_at(event_base* base, const timeval& time, bool common, bool absolute) {
  if (!absolute && base->cached_now != 0 && is_ordinary(time)) {
    return due_after_cached_now(base, time);
  }
  const Nanoseconds when = moment_of(base, common ? plain(time) : time, absolute);
  const timeval shown = to_timeval(when);
  const suseconds_t marks = common ? time.tv_usec & ~kMicrosecondsMask : 0;
  return {when, shown.tv_sec, shown.tv_usec | marks};
}

Event* event_at(netpoll::TimerHeap& timers, netpoll::TimerId id) {
  return static_cast<Event*>(timers.owner(id));
}

// The heap may believe that a timer is due sooner than its event says (see postpone_timeout()).
// True if it did; it knows better now, and something else may be first.
bool corrected(netpoll::TimerHeap& timers, netpoll::TimerId id) {
  const Nanoseconds due = to_nanoseconds(event_at(timers, id)->ev_timeout);
  if (__builtin_expect(timers.when(id) >= due, 1)) return false;
  timers.move(id, due);
  return true;
}

// The timer that is really due first, by `now` for first_due(); kNoTimer when there is none.
netpoll::TimerId first_timer(netpoll::TimerHeap& timers, Nanoseconds now) {
  netpoll::TimerId id = timers.first(now);
  while (id != netpoll::kNoTimer && corrected(timers, id))
    id = timers.first(now);
  return id;
}
netpoll::TimerId first_due(netpoll::TimerHeap& timers, Nanoseconds now) {
  netpoll::TimerId id = timers.first_due(now);
  while (id != netpoll::kNoTimer && corrected(timers, id))
    id = timers.first_due(now);
  return id;
}

Event* first_of(const CommonTimeout& common) {
  netpoll::QueueLink* first = common.events.first();
  return first != nullptr ? event_of_common_link(first) : nullptr;
}

void start_ticker(CommonTimeout& common, const Event* first) {
  const timeval due = plain(first->ev_timeout);
  add_event(&common.ticker, &due, true);
}

// Behind those that are due before or with it, from the end: that is nearly always where it
// belongs.
void join(CommonTimeout& common, Event* ev) {
  netpoll::QueueLink* place = common.events.last();
  while (place != nullptr &&
         evutil_timercmp(&ev->ev_timeout, &event_of_common_link(place)->ev_timeout, <)) {
    place = common.events.before(place);
  }
  common.events.insert_behind(place, common_link_of(ev));
  ++common.base->on_common_timeouts;
  if (place == nullptr) start_ticker(common, ev);
}

void leave(CommonTimeout& common, Event* ev) {
  common.events.remove(common_link_of(ev));
  --common.base->on_common_timeouts;
}

// The ticker's callback: it runs in the queue of the highest priority. The first in the list may
// have left since it was started, so perhaps nothing is due yet.
void on_tick(evutil_socket_t, short, void* argument) {
  auto& common = *static_cast<CommonTimeout*>(argument);
  event_base* base = common.base;
  const Guard guard(base->lock);
  const Nanoseconds now = loop_now(base);
  while (Event* ev = first_of(common)) {
    if (to_nanoseconds(plain(ev->ev_timeout)) > now) return start_ticker(common, ev);
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

Event* any_timeout(event_base* base) {
  netpoll::TimerHeap& timers = base->loop.timers();
  if (const netpoll::TimerId id = timers.first()) return event_at(timers, id);
  for (int i = 0; i < base->common_timeout_count; ++i) {
    if (Event* ev = first_of(*base->common_timeouts[i])) return ev;
  }
  return nullptr;
}

void free_timeouts(event_base* base) {
  for (int i = 0; i < base->common_timeout_count; ++i) {
    debug_note_teardown(&base->common_timeouts[i]->ticker);
    release(base->common_timeouts[i]);
  }
  if (base->common_timeouts != nullptr) release(base->common_timeouts);
  base->common_timeouts = nullptr;
  base->common_timeout_count = 0;
}

bool reserve_timeout(event_base* base) {
  return base->loop.timers().reserve(1);
}

bool move_timeout(event_base* base, Event* ev, const timeval& delay) {
  if (!is_ordinary(delay) || is_common(base, ev->ev_timeout)) return false;
  const Due due = due_after_cached_now(base, delay);
  if (!base->loop.timers().move(timer_of(ev), due.when)) return false;
  due.show_in(ev);
  return true;
}

bool start_timeout(event_base* base, Event* ev, const timeval& delay) {
  netpoll::TimerHeap& timers = base->loop.timers();
  const bool unusual = base->cached_now == 0 || !is_ordinary(delay) || !timers.has_room();
  if (__builtin_expect(unusual, 0)) return false;
  const Due due = due_after_cached_now(base, delay);
  const netpoll::TimerId id = timers.arm_in_room(ev, due.when);
  ev->ev_timeout_pos.min_heap_idx = static_cast<int>(id);
  due.show_in(ev);
  note_timeout(base, ev);
  return true;
}

void arm_timeout(event_base* base, Event* ev, const timeval& time, bool absolute) {
  CommonTimeout* common = common_timeout(base, time);
  const Due due = due_at(base, time, common != nullptr, absolute);
  netpoll::TimerHeap& timers = base->loop.timers();
  const bool in_heap = has_timeout(ev) && !is_common(base, ev->ev_timeout);
  if (in_heap && common == nullptr && timers.move(timer_of(ev), due.when)) {
    due.show_in(ev);
    return;
  }
  if (has_timeout(ev)) disarm_timeout(base, ev);
  due.show_in(ev);
  if (common != nullptr) {
    join(*common, ev);
  } else {
    ev->ev_timeout_pos.min_heap_idx = static_cast<int>(timers.arm(ev, due.when));
  }
  note_timeout(base, ev);
}

void disarm_timeout(event_base* base, Event* ev) {
  if (CommonTimeout* common = common_timeout(base, ev->ev_timeout)) {
    leave(*common, ev);
  } else {
    base->loop.timers().cancel(timer_of(ev));
  }
  ev->ev_timeout_pos.min_heap_idx = -1;
  queue::leave(base, callback_of(ev), EVLIST_TIMEOUT);
}

bool cancel_timeout(event_base* base, Event* ev) {
  if (is_marked(ev->ev_timeout)) return false;
  const netpoll::TimerId id = timer_of(ev);
  ev->ev_timeout_pos.min_heap_idx = -1;
  queue::leave(base, callback_of(ev), EVLIST_TIMEOUT | kFlagJustFired);
  // Last, because it may have to sweep: so nothing here needs a stack frame.
  base->loop.timers().cancel(id);
  return true;
}

Nanoseconds time_to_next_timeout(event_base* base) {
  netpoll::TimerHeap& timers = base->loop.timers();
  if (timers.empty()) {
    base->sleeps_until = netpoll::kForever;
    return -1;
  }
  const Nanoseconds now = base->loop.clock().update();
  const Nanoseconds due = timers.when(first_timer(timers, now));
  base->sleeps_until = due;
  return due > now ? due - now : 0;
}

// Whether to be due is all that can happen to it, and nobody keeps a record of that.
static bool is_plain_timer(const Event* ev) {
  constexpr int kOther = EVLIST_INSERTED | EVLIST_ACTIVE | EVLIST_ACTIVE_LATER | EVLIST_FINALIZING;
  return (ev->ev_evcallback.evcb_flags & kOther) == 0 && !debug_mode_on;
}

void activate_due_timeouts(event_base* base) {
  netpoll::TimerHeap& timers = base->loop.timers();
  if (timers.empty()) return;
  const Nanoseconds now = loop_now(base);
  while (const netpoll::TimerId id = first_due(timers, now)) {
    Event* ev = event_at(timers, id);
    if (is_plain_timer(ev)) {
      disarm_timeout(base, ev);
    } else {
      remove_fired(base, ev);
    }
    if (!activate_idle(base, ev, EV_TIMEOUT)) activate_event(ev, EV_TIMEOUT, 1);
    if (!(ev->ev_evcallback.evcb_flags & EVLIST_INTERNAL)) ++base->figures.timers_fired;
  }
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
  auto* common = new (memory) CommonTimeout{duration, base, {}, {}};
  common->events.init();
  event_assign(&common->ticker, base, -1, 0, on_tick, common);
  common->ticker.ev_evcallback.evcb_flags |= EVLIST_INTERNAL;
  common->ticker.ev_evcallback.evcb_pri = 0;
  common->duration.tv_usec |= kMagic | static_cast<long>(index) << kIndexShift;
  base->common_timeouts[index] = common;
  ++base->common_timeout_count;
  // A negative number of microseconds has no room for the mark.
  EVENT_CHECK(is_common(base, common->duration));
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
