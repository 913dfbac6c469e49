// Which events watch which signal. The process-wide table in the core catches signals for any
// number of bases; here they become the activity of this base's events.
#pragma once

#include "compat/event/base.h"

namespace pollshim::event {

// 0, or -1 with errno set and nothing changed.
int watch_signal(event_base* base, Event* ev);
int unwatch_signal(event_base* base, Event* ev);

// Activates the watchers of `signal`, as if it had been caught `calls` times.
void activate_signal(event_base* base, int signal, short calls);

// After a wait: if any signal was caught, queues the internal callback that hands them out.
void queue_caught_signals(event_base* base);
// After a fork: what was caught before it is the parent's, and so is that callback.
void forget_caught_signals(event_base* base);

void init_signals(event_base* base);
void free_signals(event_base* base);

Event* first_signal_watcher(const event_base* base, int signal);
inline Event* next_signal_watcher(const Event* ev) {
  return ev->ev_.ev_signal.ev_signal_next.le_next;
}

}  // namespace pollshim::event
