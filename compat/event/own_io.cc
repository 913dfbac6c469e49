#include "compat/event/own_io.h"

#include "compat/event/base.h"
#include "compat/event/io_watch.h"

namespace pollshim::event {

namespace {

void set_flag(Event* ev, short flag, bool on) {
  short& flags = ev->ev_evcallback.evcb_flags;
  flags = static_cast<short>(on ? flags | flag : flags & ~flag);
}

}  // namespace

void prefer_edges(Event* ev) {
  if (ev->ev_base->features & EV_FEATURE_ET) set_flag(ev, kFlagEdgeMode, true);
}

bool prefer_levels(Event* reader, Event* writer) {
  event_base* base = reader->ev_base;
  const Guard guard(base->lock);
  const auto prefer = [&](bool edges) {
    set_flag(reader, kFlagEdgeMode, edges);
    set_flag(writer, kFlagEdgeMode, edges);
  };
  if (!(reader->ev_evcallback.evcb_flags & kFlagEdgeMode)) return true;
  prefer(false);
  const bool is_watched = (reader->ev_evcallback.evcb_flags & EVLIST_INSERTED) != 0;
  if (!is_watched || watch_io_anew(base, reader) == 0) return true;
  prefer(true);
  return false;
}

void hold_io(event_base* base, int fd) {
  const Guard guard(base->lock);
  base->loop.fds().hold(fd);  // without it, all is the same and costs more
}

void release_io(event_base* base, int fd, bool closing) {
  const Guard guard(base->lock);
  base->loop.fds().release(fd, closing);
}

void leave_ready(event_base* base, int fd, short events) {
  const Guard guard(base->lock);
  base->loop.fds().remember(fd, modes_of(events));
}

void call_again(Event* ev) {
  const Guard guard(ev->ev_base->lock);
  activate_event_later(ev, ev->ev_events & (EV_READ | EV_WRITE));
}

bool end_is_near(event_base* base, int fd) {
  const Guard guard(base->lock);
  return base->loop.fds().end_seen(fd);
}

int add_presumed(Event* ev, const timeval* timeout) {
  event_base* base = ev->ev_base;
  const Guard guard(base->lock);
  constexpr int kKnown = EVLIST_INSERTED | EVLIST_ACTIVE | EVLIST_ACTIVE_LATER;
  const bool is_new = (ev->ev_evcallback.evcb_flags & kKnown) == 0;
  if (is_new) set_flag(ev, kFlagPresumed, true);
  if (add_event(ev, timeout, false) != 0) {
    if (is_new) set_flag(ev, kFlagPresumed, false);
    return -1;
  }
  activate_event(ev, EV_WRITE, 1);
  return 0;
}

int await_edge(Event* ev) {
  event_base* base = ev->ev_base;
  const Guard guard(base->lock);
  base->loop.fds().forget(ev->ev_fd, netpoll::kWrite);
  if (!(ev->ev_evcallback.evcb_flags & kFlagPresumed)) return 0;
  set_flag(ev, kFlagPresumed, false);
  if (watch_io(base, ev) == 0) return 0;
  set_flag(ev, kFlagPresumed, true);
  return -1;
}

}  // namespace pollshim::event
