// The 24 event_* functions of libev.so.4: libevent's interface of the 1.x days over libev's
// watchers. A base is a loop by another name, and an event is an io or signal watcher together with
// a timer, all three visible in the struct. Calls the loop's families directly, never the exported
// functions: a program may well define an event_init of its own.
#pragma GCC visibility push(default)
#include <libev/event.h>
#pragma GCC visibility pop

#include <cstddef>
#include <cstdlib>

#include "compat/ev/default_loop.h"
#include "compat/ev/loop.h"

using namespace pollshim::ev;

namespace {

constexpr int kDescriptorEvents = EV_READ | EV_WRITE;

// What event_init made last: the base of events that are not given another one.
ev_loop* current_base = nullptr;

ev_loop* loop_of(event_base* base) {
  return reinterpret_cast<ev_loop*>(base);
}
event_base* base_of(ev_loop* loop) {
  return reinterpret_cast<event_base*>(loop);
}
ev_loop& loop_of(event* ev) {
  return *loop_of(ev->ev_base);
}

// A timeout of zero is "soon": zero would mean "none" to a repeating timer.
ev_tstamp seconds_of_timeval(const timeval* time) {
  if (time == nullptr) return -1.;
  const ev_tstamp seconds =
      static_cast<ev_tstamp>(time->tv_sec) + static_cast<ev_tstamp>(time->tv_usec) * 1e-6;
  return seconds != 0. ? seconds : 1e-6;
}

int remove(event* ev) {
  ev_loop& loop = loop_of(ev);
  if (ev->ev_events & EV_SIGNAL) {
    loop.signals.stop(loop, &ev->iosig.sig);
  } else if (ev->ev_events & kDescriptorEvents) {
    loop.ios.stop(loop, &ev->iosig.io);
  }
  if (ev->to.active != 0) Timers::stop(loop, &ev->to);
  ev->ev_flags = EVLIST_INIT;
  return 0;
}

void call(event* ev, int events) {
  events &= kDescriptorEvents | EV_TIMER | EV_SIGNAL;
  ev->ev_res = events;
  ev->ev_callback(ev->ev_fd, static_cast<short>(events), ev->ev_arg);
}

template <class Part>
event* event_of(Part* part, std::size_t offset) {
  return reinterpret_cast<event*>(reinterpret_cast<char*>(part) - offset);
}

void on_io(ev_loop*, ev_io* watcher, int events) {
  event* ev = event_of(watcher, offsetof(event, iosig));
  if ((events & EV_ERROR) || !(ev->ev_events & EV_PERSIST)) remove(ev);
  call(ev, events);
}

void on_signal(ev_loop*, ev_signal* watcher, int events) {
  event* ev = event_of(watcher, offsetof(event, iosig));
  if (events & EV_ERROR) remove(ev);
  call(ev, events);
}

void on_timer(ev_loop*, ev_timer* watcher, int events) {
  event* ev = event_of(watcher, offsetof(event, to));
  remove(ev);
  call(ev, events);
}

// ev_run's "watchers are left" is the opposite of what libevent returns.
int run(event_base* base, int flags) {
  return loop_of(base)->run(flags) == 0 ? 1 : 0;
}

void break_loop(int, void* loop) {
  static_cast<ev_loop*>(loop)->break_how = EVBREAK_ONE;
}

int exit_after(event_base* base, const timeval* time) {
  const ev_tstamp after = seconds_of_timeval(time);
  ev_loop& loop = *loop_of(base);
  loop.onces.start(loop, -1, 0, after >= 0. ? after : 0., break_loop, base);
  return 0;
}

struct OnceEvent {
  int fd;
  event_callback_fn callback;
  void* argument;
};

void on_once(int events, void* at) {
  const OnceEvent once = *static_cast<OnceEvent*>(at);
  std::free(at);
  once.callback(once.fd, static_cast<short>(events), once.argument);
}

int add_once(event_base* base, int fd, short events, event_callback_fn callback, void* argument,
             const timeval* time) {
  auto* once = static_cast<OnceEvent*>(std::malloc(sizeof(OnceEvent)));
  if (once == nullptr) return -1;
  *once = {fd, callback, argument};
  ev_loop& loop = *loop_of(base);
  loop.onces.start(loop, fd, events & kDescriptorEvents, seconds_of_timeval(time), on_once, once);
  return 0;
}

bool is_waiting(const ev_watcher* watcher) {
  return watcher->active != 0 || watcher->pending != 0;
}

}  // namespace

extern "C" {

#define POLLSHIM_TEXT(x) #x
#define POLLSHIM_VERSION(major, minor) POLLSHIM_TEXT(major) "." POLLSHIM_TEXT(minor)

const char* event_get_version() {
  return POLLSHIM_VERSION(EV_VERSION_MAJOR, EV_VERSION_MINOR);
}
const char* event_get_method() {
  return "libev";
}
const char* event_base_get_method(const event_base*) {
  return "libev";
}

// ---- bases ----

void* event_init() {
  current_base = current_base != nullptr ? ev_loop::make(EVFLAG_AUTO) : default_loop(EVFLAG_AUTO);
  return current_base;
}
event_base* event_base_new() {
  return base_of(ev_loop::make(EVFLAG_AUTO));
}
void event_base_free(event_base* base) {
  if (!is_default_loop(loop_of(base))) destroy_loop(loop_of(base));
}

int event_dispatch() {
  return run(base_of(current_base), 0);
}
int event_loop(int flags) {
  return run(base_of(current_base), flags);
}
int event_loopexit(timeval* tv) {
  return exit_after(base_of(current_base), tv);
}
int event_base_dispatch(event_base* base) {
  return run(base, 0);
}
int event_base_loop(event_base* base, int flags) {
  return run(base, flags);
}
int event_base_loopexit(event_base* base, timeval* tv) {
  return exit_after(base, tv);
}

// ---- events ----

void event_set(event* ev, int fd, short events, void (*cb)(int, short, void*), void* arg) {
  if (events & EV_SIGNAL) {
    ev_init(&ev->iosig.sig, on_signal);
  } else {
    ev_init(&ev->iosig.io, on_io);
  }
  ev_init(&ev->to, on_timer);
  ev->ev_base = base_of(current_base);
  ev->ev_fd = fd;
  ev->ev_events = events;
  ev->ev_pri = 0;
  ev->ev_callback = cb;
  ev->ev_arg = arg;
  ev->ev_res = 0;
  ev->ev_flags = EVLIST_INIT;
}

int event_base_set(event_base* base, event* ev) {
  ev->ev_base = base;
  return 0;
}

event_callback_fn event_get_callback(const event* ev) {
  return ev->ev_callback;
}

int event_add(event* ev, timeval* tv) {
  ev_loop& loop = loop_of(ev);
  if (ev->ev_events & EV_SIGNAL) {
    if (ev->iosig.sig.active == 0) {
      ev_signal_set(&ev->iosig.sig, ev->ev_fd);
      loop.signals.start(loop, &ev->iosig.sig);
      ev->ev_flags |= EVLIST_SIGNAL;
    }
  } else if (ev->ev_events & kDescriptorEvents) {
    if (ev->iosig.io.active == 0) {
      ev_io_set(&ev->iosig.io, ev->ev_fd, ev->ev_events & kDescriptorEvents);
      loop.ios.start(loop, &ev->iosig.io);
      ev->ev_flags |= EVLIST_INSERTED;
    }
  }
  if (tv != nullptr) {
    ev->to.repeat = seconds_of_timeval(tv);
    loop.timers.again(loop, &ev->to);
    ev->ev_flags |= EVLIST_TIMEOUT;
  } else {
    Timers::stop(loop, &ev->to);
    ev->ev_flags &= ~EVLIST_TIMEOUT;
  }
  ev->ev_flags |= EVLIST_ACTIVE;
  return 0;
}

int event_del(event* ev) {
  return remove(ev);
}

void event_active(event* ev, int res, short) {
  ev_loop& loop = loop_of(ev);
  if (res & EV_TIMER) loop.feed(head_of(&ev->to), EV_TIMER);
  if (res & EV_SIGNAL) loop.feed(head_of(&ev->iosig.sig), EV_SIGNAL);
  if (res & kDescriptorEvents) loop.feed(head_of(&ev->iosig.io), res & kDescriptorEvents);
}

int event_pending(event* ev, short events, timeval* tv) {
  int waiting = 0;
  if (ev->ev_events & EV_SIGNAL) {
    if (is_waiting(head_of(&ev->iosig.sig))) waiting |= EV_SIGNAL;
  } else if (ev->ev_events & kDescriptorEvents) {
    if (is_waiting(head_of(&ev->iosig.io))) waiting |= ev->ev_events & kDescriptorEvents;
  }
  if ((ev->ev_events & EV_TIMER) || is_waiting(head_of(&ev->to))) {
    waiting |= EV_TIMER;
    if (tv != nullptr) {
      // The time of now, not of the expiry: programs know libev's answer.
      const ev_tstamp now = loop_of(ev).time.wall();
      tv->tv_sec = static_cast<time_t>(now);
      tv->tv_usec = static_cast<suseconds_t>((now - static_cast<ev_tstamp>(tv->tv_sec)) * 1e6);
    }
  }
  return events & waiting;
}

int event_once(int fd, short events, void (*cb)(int, short, void*), void* arg, timeval* tv) {
  return add_once(base_of(current_base), fd, events, cb, arg, tv);
}
int event_base_once(event_base* base, int fd, short events, void (*cb)(int, short, void*),
                    void* arg, timeval* tv) {
  return add_once(base, fd, events, cb, arg, tv);
}

// ---- priorities: accepted, and without effect ----

int event_priority_init(int) {
  return 0;
}
int event_base_priority_init(event_base*, int) {
  return 0;
}
int event_priority_set(event* ev, int pri) {
  ev->ev_pri = pri;
  return 0;
}

}  // extern "C"
