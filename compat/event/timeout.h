// Timeouts of events: when each is due, which are due now, and the "common" durations that a
// program may announce. The core's timer heap does the work; this room keeps what the API shows:
// ev_timeout, EVLIST_TIMEOUT, and the marks that a common duration carries in tv_usec.
//
// Events with the same common duration stand in a list of their own, in the order of their times;
// an internal event, the ticker, stands for the first of them among the other timeouts and
// activates those that are due when it is its turn.
#pragma once

#include <cstddef>

#include "compat/event/base.h"
#include "compat/event/timeval.h"

namespace pollshim::event {

inline constexpr long kMicrosecondsMask = 0x000fffff;

bool is_common(const event_base* base, const timeval& time);
// Without the marks of a common duration.
inline timeval plain(timeval time) {
  time.tv_usec &= kMicrosecondsMask;
  return time;
}

// When a timeout is due: as the heap counts, and as the event shows it. In single numbers, not a
// timeval: one that is written in halves and read as a whole stalls the processor for longer than
// all the rest takes.
struct Due {
  Nanoseconds when;
  time_t seconds;
  suseconds_t microseconds;

  void show_in(Event* ev) const {
    ev->ev_timeout.tv_sec = seconds;
    ev->ev_timeout.tv_usec = microseconds;
  }
  bool is_before(const timeval& time) const {
    return seconds != time.tv_sec ? seconds < time.tv_sec : microseconds < time.tv_usec;
  }
};

// Neither negative, nor with marks, nor so long that a sum could overflow.
inline bool is_ordinary(const timeval& delay) {
  constexpr unsigned long kLong = 1UL << 31;
  return static_cast<unsigned long>(delay.tv_sec) < kLong &&
         static_cast<unsigned long>(delay.tv_usec) < 1000000;
}

// Whether a time that an event shows has the marks of a common duration.
inline bool is_marked(const timeval& time) {
  return static_cast<unsigned long>(time.tv_usec) >= 1000000;
}

// Pre: the time is cached, and the delay ordinary. Divides nothing.
inline Due due_after_cached_now(const event_base* base, const timeval& delay) {
  time_t seconds = base->cached_shown.tv_sec + delay.tv_sec;
  suseconds_t microseconds = base->cached_shown.tv_usec + delay.tv_usec;
  if (microseconds >= 1000000) {
    microseconds -= 1000000;
    ++seconds;
  }
  return {base->cached_now + to_nanoseconds(delay), seconds, microseconds};
}

// Pre: room was reserved. `time` may carry the marks of a common duration.
void arm_timeout(event_base* base, Event* ev, const timeval& time, bool absolute);
// What most calls of event_add() with a timeout come to: servers start the idle timeout of a
// connection again for every message, so the event has one already, and is to be due later than
// before. The heap's word for it is still no later than the truth then, and is not even looked at:
// with many connections it would be a cache miss for each message. Nothing but the event is touched
// here. Does it and returns true, or does nothing. Pre: the time is cached.
inline bool postpone_timeout(const event_base* base, Event* ev, const timeval& delay) {
  if (is_marked(ev->ev_timeout) || !is_ordinary(delay)) return false;
  const Due due = due_after_cached_now(base, delay);
  if (due.is_before(ev->ev_timeout)) return false;
  due.show_in(ev);
  return true;
}
// The same for any other ordinary duration.
bool move_timeout(event_base* base, Event* ev, const timeval& delay);
// The same for an event that has none and watches nothing: a timer, set in a callback. Not where
// memory is needed first.
bool start_timeout(event_base* base, Event* ev, const timeval& delay);
void disarm_timeout(event_base* base, Event* ev);
// The same for an event that has a timeout and nothing else, or nothing done where that is a common
// one. Whose firing removed it last is forgotten with it.
bool cancel_timeout(event_base* base, Event* ev);
// Makes sure that the next arm_timeout() finds memory.
bool reserve_timeout(event_base* base);

// How long the loop may sleep: -1 for as long as it likes.
Nanoseconds time_to_next_timeout(event_base* base);
void activate_due_timeouts(event_base* base);

// What a program gets for a duration that it announced: the duration, with a magic number and an
// index in the bits of tv_usec that a duration has no use for.
struct CommonTimeout {
  timeval duration;
  event_base* base;
  netpoll::LinkedLane events;
  Event ticker;
};

// An event's place in the list of a common timeout, which has the shape of the core's link.
inline netpoll::QueueLink* common_link_of(Event* ev) {
  return reinterpret_cast<netpoll::QueueLink*>(&ev->ev_timeout_pos);
}
inline Event* event_of_common_link(netpoll::QueueLink* link) {
  constexpr std::size_t kPlace = offsetof(Event, ev_timeout_pos);
  return reinterpret_cast<Event*>(reinterpret_cast<char*>(link) - kPlace);
}

// Calls visit(ev) for every event with a timeout, plain ones first, until it returns other than 0.
template <class Visit>
int for_each_timeout(event_base* base, Visit&& visit) {
  netpoll::TimerHeap& timers = base->loop.timers();
  for (netpoll::TimerId id = 1; id < timers.end(); ++id) {
    if (!timers.is_armed(id)) continue;
    if (const int result = visit(static_cast<Event*>(timers.owner(id)))) return result;
  }
  for (int i = 0; i < base->common_timeout_count; ++i) {
    netpoll::QueueLink* link = base->common_timeouts[i]->events.first();
    for (; link != nullptr; link = link->next) {
      if (const int result = visit(event_of_common_link(link))) return result;
    }
  }
  return 0;
}

// One that has a timeout; nullptr when none has.
Event* any_timeout(event_base* base);

void free_timeouts(event_base* base);

}  // namespace pollshim::event
