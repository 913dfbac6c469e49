// Finalizers: a way to tear an event down from any thread without waiting for its callback. The
// event takes part in nothing more, and its finalizer runs through the loop when no callback of it
// can be running.
#include "compat/event/base.h"
#include "compat/event/deferred.h"
#include "compat/event/log.h"

namespace pollshim::event {

namespace {

void mark_finalizing(event_callback* callback) {
  callback->evcb_flags = static_cast<short>(callback->evcb_flags | EVLIST_FINALIZING);
}

void finalize_callback(event_base* base, event_callback* callback,
                       void (*finalizer)(event_callback*, void*)) {
  if (is_event(callback)) {
    remove_event(event_of(callback), Blocking::kNo);
  } else {
    cancel_callback(base, callback, false);
  }
  callback->evcb_closure = kClosureFinalize;
  callback->evcb_cb_union.evcb_cbfinalize = finalizer;
  activate_callback(base, callback);
  mark_finalizing(callback);
}

}  // namespace

void finalize_event(event_base*, Event* ev, bool free_it, event_finalize_callback_fn finalizer) {
  remove_event(ev, Blocking::kNo);
  event_callback& own = ev->ev_evcallback;
  own.evcb_closure = free_it ? kClosureEventFinalizeFree : kClosureEventFinalize;
  own.evcb_cb_union.evcb_evfinalize = finalizer;
  activate_event(ev, EV_FINALIZE, 1);
  mark_finalizing(&own);
}

void finalize_callbacks(event_base* base, int count, event_callback** callbacks,
                        void (*finalizer)(event_callback*, void*)) {
  if (base == nullptr) base = current_base;
  const Guard guard(base->lock);
  bool pending = false;
  for (int i = 0; i < count; ++i) {
    if (callbacks[i] == base->current) {
      finalize_callback(base, callbacks[i], finalizer);
      pending = true;
    } else {
      cancel_callback(base, callbacks[i], false);
    }
  }
  if (!pending) finalize_callback(base, callbacks[0], finalizer);
}

}  // namespace pollshim::event

using namespace pollshim::event;

static int finalize(Event* ev, bool free_it, event_finalize_callback_fn finalizer) {
  event_base* base = ev->ev_base;
  if (base == nullptr) {
    log_warning("event_finalize_impl_: event has no event_base set.");
    return -1;
  }
  const Guard guard(base->lock);
  finalize_event(base, ev, free_it, finalizer);
  return 0;
}

extern "C" {

int event_finalize(unsigned, Event* ev, event_finalize_callback_fn finalizer) {
  return finalize(ev, false, finalizer);
}

int event_free_finalize(unsigned, Event* ev, event_finalize_callback_fn finalizer) {
  return finalize(ev, true, finalizer);
}

}  // extern "C"
