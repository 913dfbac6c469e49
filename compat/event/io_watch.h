// Which events watch which descriptor. The events of a descriptor are chained through themselves,
// newest first, and the head of the chain is the waiter that the fd table parks; the sum of what
// they want is the demand. Called by event.cc, inspect.cc and loop.cc.
#pragma once

#include "compat/event/base.h"

namespace pollshim::event {

// How epoll's reports, and those of the other backends, become EV_READ, EV_WRITE and EV_CLOSED.
extern const netpoll::ReadinessMap kEpollReadiness;
extern const netpoll::ReadinessMap kPlainReadiness;

// 0, or -1 with errno set and nothing changed. A negative descriptor is watched in name only.
int watch_io(event_base* base, Event* ev);
void unwatch_io(event_base* base, Event* ev);

// Activates the events of `fd` that want any of `events` (EV_*).
void activate_io(event_base* base, int fd, short events);
// The same for what a wait has collected.
void activate_ready(event_base* base, const netpoll::WaiterList& ready);

Event* first_watcher(event_base* base, int fd);
inline Event* next_watcher(const Event* ev) {
  return ev->ev_.ev_io.ev_io_next.le_next;
}

}  // namespace pollshim::event
