#include "compat/event/deferred.h"

#include "compat/event/base.h"

namespace pollshim::event {

namespace {

// More than this in one turn wait for the next, so that callbacks which schedule one another do not
// keep the loop from its descriptors.
constexpr int kMostDeferredsInOneTurn = 32;

event_base* base_or_current(event_base* base) {
  return base != nullptr ? base : current_base;
}

}  // namespace

void init_deferred(event_callback* callback, std::uint8_t priority, DeferredFunction function,
                   void* argument) {
  *callback = event_callback{};
  callback->evcb_cb_union.evcb_selfcb = function;
  callback->evcb_arg = argument;
  callback->evcb_pri = priority;
  callback->evcb_closure = kClosureSelf;
}

void set_deferred_priority(event_callback* callback, std::uint8_t priority) {
  callback->evcb_pri = priority;
}

bool schedule_deferred(event_base* base, event_callback* callback) {
  base = base_or_current(base);
  const Guard guard(base->lock);
  if (base->deferreds_queued > kMostDeferredsInOneTurn) {
    return activate_callback_later(base, callback);
  }
  if (!activate_callback(base, callback)) return false;
  ++base->deferreds_queued;
  return true;
}

void cancel_deferred(event_base* base, event_callback* callback) {
  base = base_or_current(base);
  const Guard guard(base->lock);
  cancel_callback(base, callback, false);
}

std::uint8_t lowest_priority(event_base* base) {
  return static_cast<std::uint8_t>(base->active.lane_count() - 1);
}

void add_virtual_event(event_base* base) {
  const Guard guard(base->lock);
  base->virtual_count.up();
}

void remove_virtual_event(event_base* base) {
  const Guard guard(base->lock);
  base->virtual_count.down();
  if (base->virtual_count.now() == 0) notify_if_elsewhere(base);
}

}  // namespace pollshim::event
