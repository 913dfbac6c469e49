// Looking at everything a base holds: each event once, a dump for people, and activation by
// descriptor or signal number.
#include <cstdio>

#include "compat/event/base.h"
#include "compat/event/io_watch.h"
#include "compat/event/signal_watch.h"
#include "compat/event/timeout.h"

namespace pollshim::event {

namespace {

// The visitor decides to stop by returning other than 0. Order: descriptors, signals, timeouts,
// then what is only active.
template <class Visit>
int for_each_event(event_base* base, Visit&& visit) {
  for (int fd = 0; fd < base->loop.fds().end(); ++fd) {
    for (Event* ev = first_watcher(base, fd); ev != nullptr; ev = next_watcher(ev)) {
      if (const int result = visit(ev)) return result;
    }
  }
  for (int signal = 0; signal < netpoll::kSignals; ++signal) {
    for (Event* ev = first_signal_watcher(base, signal); ev != nullptr;
         ev = next_signal_watcher(ev)) {
      if (const int result = visit(ev)) return result;
    }
  }
  const int result = for_each_timeout(base, [&](Event* ev) {
    return (ev->ev_evcallback.evcb_flags & EVLIST_INSERTED) ? 0 : visit(ev);
  });
  if (result != 0) return result;
  const unsigned lanes = base->active.lane_count();
  for (unsigned lane = base->active.first_lane(); lane < lanes;
       lane = base->active.first_lane(lane + 1)) {
    for (netpoll::QueueLink* link = base->active.first(lane); link != nullptr; link = link->next) {
      auto* callback = reinterpret_cast<event_callback*>(link);
      const int flags = callback->evcb_flags;
      const bool seen =
          (flags & (EVLIST_INSERTED | EVLIST_TIMEOUT)) != 0 && !(flags & kFlagPresumed);
      if (seen || !(flags & EVLIST_INIT)) continue;
      if (const int stop = visit(event_of(callback))) return stop;
    }
  }
  return 0;
}

const char* kind_of(const Event* ev) {
  return (ev->ev_events & EV_SIGNAL) ? "sig" : "fd ";
}

void dump_inserted(event_base* base, const Event* ev, FILE* output) {
  const short flags = ev->ev_evcallback.evcb_flags;
  if (!(flags & (EVLIST_INSERTED | EVLIST_TIMEOUT))) return;
  const short events = ev->ev_events;
  std::fprintf(output, "  %p [%s %d]%s%s%s%s%s%s%s", static_cast<const void*>(ev), kind_of(ev),
               ev->ev_fd, (events & EV_READ) ? " Read" : "", (events & EV_WRITE) ? " Write" : "",
               (events & EV_CLOSED) ? " EOF" : "", (events & EV_SIGNAL) ? " Signal" : "",
               (events & EV_PERSIST) ? " Persist" : "", (events & EV_ET) ? " ET" : "",
               (flags & EVLIST_INTERNAL) ? " Internal" : "");
  if (flags & EVLIST_TIMEOUT) {
    const timeval due = to_wall_clock(base, plain(ev->ev_timeout));
    std::fprintf(output, " Timeout=%ld.%06d", static_cast<long>(due.tv_sec),
                 static_cast<int>(due.tv_usec));
  }
  std::fputc('\n', output);
}

void dump_active(const Event* ev, FILE* output) {
  const short flags = ev->ev_evcallback.evcb_flags;
  if (!(flags & (EVLIST_ACTIVE | EVLIST_ACTIVE_LATER))) return;
  const short result = ev->ev_res;
  std::fprintf(output, "  %p [%s %d, priority=%d]%s%s%s%s%s active%s%s\n",
               static_cast<const void*>(ev), kind_of(ev), ev->ev_fd, ev->ev_evcallback.evcb_pri,
               (result & EV_READ) ? " Read" : "", (result & EV_WRITE) ? " Write" : "",
               (result & EV_CLOSED) ? " EOF" : "", (result & EV_SIGNAL) ? " Signal" : "",
               (result & EV_TIMEOUT) ? " Timeout" : "",
               (flags & EVLIST_INTERNAL) ? " [Internal]" : "",
               (flags & EVLIST_ACTIVE_LATER) ? " [NextTime]" : "");
}

}  // namespace

}  // namespace pollshim::event

using namespace pollshim::event;

extern "C" {

int event_base_foreach_event(event_base* base, event_base_foreach_event_cb visit, void* argument) {
  if (visit == nullptr || base == nullptr) return -1;
  const Guard guard(base->lock);
  return for_each_event(base, [&](Event* ev) { return visit(base, ev, argument); });
}

void event_base_dump_events(event_base* base, FILE* output) {
  const Guard guard(base->lock);
  std::fprintf(output, "Inserted events:\n");
  for_each_event(base, [&](Event* ev) {
    dump_inserted(base, ev, output);
    return 0;
  });
  std::fprintf(output, "Active events:\n");
  for_each_event(base, [&](Event* ev) {
    dump_active(ev, output);
    return 0;
  });
}

void event_base_active_by_fd(event_base* base, evutil_socket_t fd, short events) {
  const Guard guard(base->lock);
  if (!(events & EV_TIMEOUT)) {
    activate_io(base, fd, events & kIoEvents);
    return;
  }
  for_each_timeout(base, [&](Event* ev) {
    if (ev->ev_fd == fd) activate_event(ev, EV_TIMEOUT, 1);
    return 0;
  });
}

void event_base_active_by_signal(event_base* base, int signal) {
  const Guard guard(base->lock);
  activate_signal(base, signal, 1);
}

}  // extern "C"
