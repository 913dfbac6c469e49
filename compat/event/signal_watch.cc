#include "compat/event/signal_watch.h"

#include <cerrno>

#include "compat/event/log.h"
#include "compat/event/memory.h"
#include "compat/event/queue.h"

namespace pollshim::event {

namespace {

bool is_signal(int signal) {
  return signal >= 0 && signal < netpoll::kSignals;
}

// Runs in the queue of the highest priority, so that signals come before I/O of lower ones and
// behind what is queued already at their own.
void hand_out_signals(event_callback*, void* argument) {
  auto* base = static_cast<event_base*>(argument);
  const Guard guard(base->lock);
  netpoll::SignalSink& caught = base->loop.signals();
  if (!caught.take_any()) return;
  // Whoever watches a signal now gets it, even if it was caught for somebody who has left.
  for (int signal = 1; signal < netpoll::kSignals; ++signal) {
    const std::uint32_t times = caught.take(signal);
    if (times == 0) continue;
    activate_signal(base, signal, static_cast<short>(times < SHRT_MAX ? times : SHRT_MAX));
  }
}

}  // namespace

void init_signals(event_base* base) {
  base->signals_caught = event_callback{};
  base->signals_caught.evcb_flags = EVLIST_INTERNAL;
  base->signals_caught.evcb_closure = kClosureSelf;
  base->signals_caught.evcb_cb_union.evcb_selfcb = hand_out_signals;
  base->signals_caught.evcb_arg = base;
}

void free_signals(event_base* base) {
  if (base->signal_watchers != nullptr) release(base->signal_watchers);
  base->signal_watchers = nullptr;
}

Event* first_signal_watcher(const event_base* base, int signal) {
  if (base->signal_watchers == nullptr || !is_signal(signal)) return nullptr;
  return base->signal_watchers[signal];
}

int watch_signal(event_base* base, Event* ev) {
  const int signal = ev->ev_fd;
  if (!is_signal(signal)) {
    errno = EINVAL;
    return -1;
  }
  if (base->signal_watchers == nullptr) {
    base->signal_watchers =
        static_cast<Event**>(allocate_zeroed(netpoll::kSignals, sizeof(Event*)));
    if (base->signal_watchers == nullptr) return -1;
  }
  Event*& head = base->signal_watchers[signal];
  if (head == nullptr) {
    const int error = base->loop.watch_signal(signal);
    if (error != 0) {
      errno = error;
      log_warning_errno("sigaction");
      errno = error;
      return -1;
    }
  }
  auto& place = ev->ev_.ev_signal.ev_signal_next;
  place.le_next = head;
  place.le_prev = &head;
  if (head != nullptr) head->ev_.ev_signal.ev_signal_next.le_prev = &place.le_next;
  head = ev;
  return 0;
}

int unwatch_signal(event_base* base, Event* ev) {
  const int signal = ev->ev_fd;
  if (first_signal_watcher(base, signal) == nullptr) return -1;
  auto& place = ev->ev_.ev_signal.ev_signal_next;
  if (place.le_next != nullptr) place.le_next->ev_.ev_signal.ev_signal_next.le_prev = place.le_prev;
  *place.le_prev = place.le_next;
  if (base->signal_watchers[signal] != nullptr) return 0;
  const int error = base->loop.unwatch_signal(signal);
  if (error == 0) return 0;
  errno = error;
  log_warning_errno("sigaction");
  return -1;
}

void activate_signal(event_base* base, int signal, short calls) {
  Event* next;
  for (Event* ev = first_signal_watcher(base, signal); ev != nullptr; ev = next) {
    next = next_signal_watcher(ev);
    activate_event(ev, EV_SIGNAL, calls);
  }
}

void forget_caught_signals(event_base* base) {
  event_callback* callback = &base->signals_caught;
  if (callback->evcb_flags & EVLIST_ACTIVE) remove_active(base, callback);
}

void queue_caught_signals(event_base* base) {
  if (base->loop.signals().has_any()) activate_callback(base, &base->signals_caught);
}

}  // namespace pollshim::event
