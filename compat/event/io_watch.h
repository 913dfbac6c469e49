// Which events watch which descriptor. The events of a descriptor are chained through themselves,
// newest first, and the head of the chain is the waiter that the fd table parks; the sum of what
// they want is the demand. Called by event.cc, own_io.cc, inspect.cc and loop.cc.
#pragma once

#include "compat/event/base.h"

namespace pollshim::event {

// How epoll's reports, and those of the other backends, become EV_READ, EV_WRITE and EV_CLOSED.
extern const netpoll::ReadinessMap kEpollReadiness;
extern const netpoll::ReadinessMap kPlainReadiness;

// EV_READ, EV_WRITE and EV_CLOSED in the words of the core.
netpoll::ModeSet modes_of(short events);

// 0, or -1 with errno set and nothing changed. A negative descriptor is watched in name only, and
// so is one that is presumed to be ready.
int watch_io(event_base* base, Event* ev);
// A watched event wants levels instead of edges now. 0, or an errno with all as it was.
int watch_io_anew(event_base* base, Event* ev);
// `undelivered`: what was reported to the event and has not reached its callback.
void unwatch_io(event_base* base, Event* ev, short undelivered);

// Activates the events of `fd` that want any of `events` (EV_*).
void activate_io(event_base* base, int fd, short events);
// The same for one that a wait has found ready. `extra` comes with it where it was asked for.
void activate_ready(event_base* base, netpoll::Waiter* waiter, netpoll::ModeSet modes, short extra);

Event* first_watcher(event_base* base, int fd);
inline Event* next_watcher(const Event* ev) {
  return ev->ev_.ev_io.ev_io_next.le_next;
}

}  // namespace pollshim::event
