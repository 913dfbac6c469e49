// event_base_once: an event that belongs to the library, lives until it has fired, and is freed
// with its base if it never does.
#include <new>

#include "compat/event/base.h"
#include "compat/event/debug_mode.h"
#include "compat/event/memory.h"

namespace pollshim::event {

struct OnceEvent {
  Event ev;
  OnceEvent* next;
  OnceEvent** previous_next;
  event_callback_fn callback;
  void* argument;
};

namespace {

void link(event_base* base, OnceEvent* once) {
  once->next = base->once_events;
  once->previous_next = &base->once_events;
  if (once->next != nullptr) once->next->previous_next = &once->next;
  base->once_events = once;
}

void unlink(OnceEvent* once) {
  if (once->next != nullptr) once->next->previous_next = once->previous_next;
  *once->previous_next = once->next;
}

void fire(evutil_socket_t fd, short events, void* argument) {
  auto* once = static_cast<OnceEvent*>(argument);
  once->callback(fd, events, once->argument);
  {
    const Guard guard(once->ev.ev_base->lock);
    unlink(once);
  }
  event_debug_unassign(&once->ev);
  release(once);
}

bool is_set(const timeval* time) {
  return time != nullptr && (time->tv_sec != 0 || time->tv_usec != 0);
}

}  // namespace

void free_once_events(event_base* base) {
  while (OnceEvent* once = base->once_events) {
    unlink(once);
    debug_note_teardown(&once->ev);
    release(once);
  }
}

}  // namespace pollshim::event

using namespace pollshim::event;

extern "C" int event_base_once(event_base* base, evutil_socket_t fd, short events,
                               event_callback_fn callback, void* argument, const timeval* timeout) {
  if (base == nullptr || (events & (EV_SIGNAL | EV_PERSIST))) return -1;
  const bool timeout_only = (events & (EV_TIMEOUT | kIoEvents)) == EV_TIMEOUT;
  if (!timeout_only && !(events & kIoEvents)) return -1;

  void* memory = allocate_zeroed(1, sizeof(OnceEvent));
  if (memory == nullptr) return -1;
  auto* once = new (memory) OnceEvent{};
  once->callback = callback;
  once->argument = argument;
  if (timeout_only) {
    event_assign(&once->ev, base, -1, 0, fire, once);
  } else {
    event_assign(&once->ev, base, fd, events & kIoEvents, fire, once);
  }

  const Guard guard(base->lock);
  if (timeout_only && !is_set(timeout)) {
    // Due at once: straight into the queue, in the order of the calls.
    activate_event(&once->ev, EV_TIMEOUT, 1);
  } else if (add_event(&once->ev, timeout, false) != 0) {
    debug_note_teardown(&once->ev);
    release(once);
    return -1;
  }
  link(base, once);
  return 0;
}
