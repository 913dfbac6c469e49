// Timeouts of events: when each is due, which are due now, and the "common" durations that a
// program may announce. The core's timer heap does the work; this room keeps what the API shows:
// ev_timeout, EVLIST_TIMEOUT, and the marks that a common duration carries in tv_usec.
//
// Common durations used to be queues beside the heap, for speed; the heap needs no such help. What
// remains is their order: they become active a step later than the other timeouts of a turn.
#pragma once

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

// Pre: room was reserved. `time` may carry the marks of a common duration.
void arm_timeout(event_base* base, Event* ev, const timeval& time, bool absolute);
// What most calls of event_add() with a timeout come to: the event has one already, and gets
// another of an ordinary duration. Does it and returns true, or does nothing.
bool rearm_timeout(event_base* base, Event* ev, const timeval& delay);
void disarm_timeout(event_base* base, Event* ev);
// Makes sure that the next arm_timeout() finds memory.
bool reserve_timeout(event_base* base, const Event* ev, const timeval& time);

// How long the loop may sleep: -1 for as long as it likes.
Nanoseconds time_to_next_timeout(event_base* base);
void activate_due_timeouts(event_base* base);

// Calls visit(ev) for every event with a timeout, plain ones first, until it returns other than 0.
template <class Visit>
int for_each_timeout(event_base* base, Visit&& visit) {
  for (netpoll::TimerHeap* heap : {&base->loop.timers(), &base->common_timers}) {
    for (netpoll::TimerId id = 1; id < heap->end(); ++id) {
      if (!heap->is_armed(id)) continue;
      const int result = visit(static_cast<Event*>(heap->owner(id)));
      if (result != 0) return result;
    }
  }
  return 0;
}

void init_timeouts(event_base* base);
void free_timeouts(event_base* base);

}  // namespace pollshim::event
