#include "compat/event/base.h"
#include "compat/event/log.h"

namespace pollshim::event {

namespace {

// An event_callback begins with its place in a tail queue; the core's link has the same shape.
static_assert(sizeof(netpoll::QueueLink) == sizeof(event_callback::evcb_active_next));
static_assert(offsetof(event_callback, evcb_active_next) == 0);

netpoll::QueueLink* link_of(event_callback* callback) {
  return reinterpret_cast<netpoll::QueueLink*>(callback);
}

void count(event_base* base, short flags) {
  if (!(flags & EVLIST_INTERNAL)) base->inserted_count.up();
}

void uncount(event_base* base, short flags) {
  if (!(flags & EVLIST_INTERNAL)) base->inserted_count.down();
}

void set_flag(event_callback* callback, int flag) {
  callback->evcb_flags = static_cast<short>(callback->evcb_flags | flag);
}

void clear_flag(event_callback* callback, int flag) {
  callback->evcb_flags = static_cast<short>(callback->evcb_flags & ~flag);
}

}  // namespace

void insert_active(event_base* base, event_callback* callback) {
  if (callback->evcb_flags & EVLIST_ACTIVE) return;
  count(base, callback->evcb_flags);
  set_flag(callback, EVLIST_ACTIVE);
  base->active_count.up();
  EVENT_CHECK(callback->evcb_pri < base->active.lane_count());
  base->active.push(callback->evcb_pri, link_of(callback));
}

void remove_active(event_base* base, event_callback* callback) {
  uncount(base, callback->evcb_flags);
  clear_flag(callback, EVLIST_ACTIVE);
  base->active_count.down();
  base->active.remove(callback->evcb_pri, link_of(callback));
}

void insert_later(event_base* base, event_callback* callback) {
  if (callback->evcb_flags & (EVLIST_ACTIVE | EVLIST_ACTIVE_LATER)) return;
  count(base, callback->evcb_flags);
  set_flag(callback, EVLIST_ACTIVE_LATER);
  base->active_count.up();
  EVENT_CHECK(callback->evcb_pri < base->active.lane_count());
  base->later.push_back(link_of(callback));
}

void remove_later(event_base* base, event_callback* callback) {
  uncount(base, callback->evcb_flags);
  clear_flag(callback, EVLIST_ACTIVE_LATER);
  base->active_count.down();
  base->later.remove(link_of(callback));
}

void make_later_active(event_base* base) {
  while (netpoll::QueueLink* link = base->later.first()) {
    auto* callback = reinterpret_cast<event_callback*>(link);
    base->later.remove(link);
    clear_flag(callback, EVLIST_ACTIVE_LATER);
    set_flag(callback, EVLIST_ACTIVE);
    EVENT_CHECK(callback->evcb_pri < base->active.lane_count());
    base->active.push(callback->evcb_pri, link);
    if (callback->evcb_closure == kClosureSelf) ++base->deferreds_queued;
  }
}

void count_inserted(event_base* base, Event* ev) {
  count(base, ev->ev_evcallback.evcb_flags);
  set_flag(callback_of(ev), EVLIST_INSERTED);
}

void uncount_inserted(event_base* base, Event* ev) {
  uncount(base, ev->ev_evcallback.evcb_flags);
  clear_flag(callback_of(ev), EVLIST_INSERTED);
}

}  // namespace pollshim::event
