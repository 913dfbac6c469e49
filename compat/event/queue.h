// Which queues of a base a callback is in, and the counts of what is in them. Every membership is
// taken and given up here and nowhere else, so that the counts hold. On the way of every callback
// that runs, and therefore inline; called by event.cc, which decides, and loop.cc, which runs them.
// Must never know what a callback does, or how it is called.
//
// The base's lock is held.
#pragma once

#include "compat/event/base.h"
#include "compat/event/debug_mode.h"
#include "compat/event/log.h"

namespace pollshim::event {

// An event_callback begins with its place in a tail queue; the core's link has the same shape.
static_assert(sizeof(netpoll::QueueLink) == sizeof(event_callback::evcb_active_next));
static_assert(offsetof(event_callback, evcb_active_next) == 0);

namespace queue {

inline netpoll::QueueLink* link_of(event_callback* callback) {
  return reinterpret_cast<netpoll::QueueLink*>(callback);
}
inline event_callback* callback_at(netpoll::QueueLink* link) {
  return reinterpret_cast<event_callback*>(link);
}

// Our own events are not counted among the user's.
inline void enter(event_base* base, event_callback* callback, int membership) {
  const int flags = callback->evcb_flags;
  if (!(flags & EVLIST_INTERNAL)) [[likely]]
    base->inserted_count.up();
  callback->evcb_flags = static_cast<short>(flags | membership);
}
inline void leave(event_base* base, event_callback* callback, int membership) {
  const int flags = callback->evcb_flags;
  if (!(flags & EVLIST_INTERNAL)) [[likely]]
    base->inserted_count.down();
  callback->evcb_flags = static_cast<short>(flags & ~membership);
}

}  // namespace queue

// Pre: it is in neither queue. The same for insert_later().
inline void insert_active(event_base* base, event_callback* callback) {
  EVENT_CHECK(callback->evcb_pri < base->active.lane_count());
  queue::enter(base, callback, EVLIST_ACTIVE);
  base->active_count.up();
  base->active.push(callback->evcb_pri, queue::link_of(callback));
}

// activate_event() where it is nothing but a place in a queue: an idle event, and nobody debugging.
// False if it is anything more, and then nothing was done. A loop that sleeps has to be told.
inline bool activate_idle(event_base* base, Event* ev, int result) {
  constexpr int kBusy = EVLIST_FINALIZING | EVLIST_ACTIVE | EVLIST_ACTIVE_LATER;
  const bool unusual = debug_mode_on || debug_logging_enabled() ||
                       (ev->ev_evcallback.evcb_flags & kBusy) || (ev->ev_events & EV_SIGNAL);
  if (__builtin_expect(unusual, 0)) return false;
  ev->ev_res = static_cast<short>(result);
  if (ev->ev_evcallback.evcb_pri < base->running_priority) base->continue_asked = true;
  insert_active(base, callback_of(ev));
  return true;
}

inline void remove_active(event_base* base, event_callback* callback) {
  queue::leave(base, callback, EVLIST_ACTIVE);
  base->active_count.down();
  base->active.remove(callback->evcb_pri, queue::link_of(callback));
}

// The callback that runs next at this priority, nullptr for none.
inline event_callback* first_active(const event_base* base, unsigned priority) {
  return queue::callback_at(base->active.first(priority));
}

// remove_active() of that one.
inline void remove_first_active(event_base* base, event_callback* callback, unsigned priority) {
  queue::leave(base, callback, EVLIST_ACTIVE);
  base->active_count.down();
  base->active.remove_first(priority);
}

inline void insert_later(event_base* base, event_callback* callback) {
  EVENT_CHECK(callback->evcb_pri < base->active.lane_count());
  queue::enter(base, callback, EVLIST_ACTIVE_LATER);
  base->active_count.up();
  base->later.push_back(queue::link_of(callback));
}

inline void remove_later(event_base* base, event_callback* callback) {
  queue::leave(base, callback, EVLIST_ACTIVE_LATER);
  base->active_count.down();
  base->later.remove(queue::link_of(callback));
}

// What was put off until this turn has its turn.
inline void make_later_active(event_base* base) {
  while (netpoll::QueueLink* link = base->later.first()) {
    event_callback* callback = queue::callback_at(link);
    remove_later(base, callback);
    insert_active(base, callback);
    if (callback->evcb_closure == kClosureSelf) ++base->deferreds_queued;
  }
}

inline void count_inserted(event_base* base, Event* ev) {
  queue::enter(base, callback_of(ev), EVLIST_INSERTED);
}
inline void uncount_inserted(event_base* base, Event* ev) {
  queue::leave(base, callback_of(ev), EVLIST_INSERTED);
}

}  // namespace pollshim::event
