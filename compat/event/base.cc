// Making and unmaking an event_base, and what can be set and asked about it as a whole.
#include "compat/event/base.h"

#include <unistd.h>

#include <cerrno>
#include <new>

#include "compat/event/buffer/shelf.h"
#include "compat/event/config.h"
#include "compat/event/debug_mode.h"
#include "compat/event/io_watch.h"
#include "compat/event/log.h"
#include "compat/event/memory.h"
#include "compat/event/signal_watch.h"
#include "compat/event/timeout.h"

event_base* event_global_current_base_ = nullptr;

namespace pollshim::event {
namespace {

constexpr int kMostPriorities = 256;

void collect_figures(const void* loop, view::Counters* into) {
  auto* base = const_cast<event_base*>(static_cast<const event_base*>(loop));
  const netpoll::PollerCounters& poller = base->loop.poller().counters();
  into->turns = base->figures.turns;
  into->waits = poller.waits;
  into->wakes_asked = base->figures.wakes_asked;
  into->wakes_written = poller.wakes_written.load(std::memory_order_relaxed);
  into->registrations = poller.registrations;
  into->modifications = poller.modifications;
  into->removals = poller.removals;
  into->events_delivered = base->figures.delivered;
  into->stale_dropped = poller.stale;
  into->timers_fired = base->figures.timers_fired;
  into->timers_pending = base->loop.timers().size() + base->on_common_timeouts;
}

void apply_config(event_base* base, const event_config* config) {
  base->limit_callbacks_after_priority = 1;
  if (config != nullptr) {
    base->flags = config->flags;
    const timeval& interval = config->max_dispatch_interval;
    base->max_dispatch_time = interval.tv_sec >= 0 ? to_nanoseconds(interval) : -1;
    base->max_dispatch_callbacks = config->max_dispatch_callbacks;
    base->limit_callbacks_after_priority = config->limit_callbacks_after_priority;
  }
  const bool unlimited = base->max_dispatch_callbacks == INT_MAX && base->max_dispatch_time < 0;
  if (unlimited) base->limit_callbacks_after_priority = INT_MAX;
  const bool heeds_environment = !(base->flags & EVENT_BASE_FLAG_IGNORE_ENV);
  if (heeds_environment && environment("EVENT_PRECISE_TIMER") != nullptr) {
    base->flags |= EVENT_BASE_FLAG_PRECISE_TIMER;
  }
}

bool try_method(event_base* base, const Method& method) {
  netpoll::LoopOptions options;
  options.backend = method.backend;
  options.backend_options.precise_waits = (base->flags & EVENT_BASE_FLAG_PRECISE_TIMER) != 0;
  // Without locks only a signal wakes a base, and its program was tested with a pipe for that.
  const bool shared = locking_enabled() && !(base->flags & EVENT_BASE_FLAG_NOLOCK);
  if (!shared) options.backend_options.wake = netpoll::WakeKind::kPipe;
  const bool epoll = (method.features & EV_FEATURE_ET) != 0;
  options.fds.readiness = epoll ? kEpollReadiness : kPlainReadiness;
  const int error = base->loop.init(options);
  if (error != 0) {
    errno = error;
    return false;
  }
  base->features = method.features;
  base->method_name = method.name;
  const bool heeds_environment = !(base->flags & EVENT_BASE_FLAG_IGNORE_ENV);
  const bool changelist =
      (base->flags & EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) ||
      (heeds_environment && environment("EVENT_EPOLL_USE_CHANGELIST") != nullptr);
  // Every base collects its changes; the name is what programs look at.
  if (epoll && changelist) base->method_name = "epoll (with changelist)";
  return true;
}

bool choose_method(event_base* base, const event_config* config) {
  const bool heeds_environment = !(base->flags & EVENT_BASE_FLAG_IGNORE_ENV);
  const int required = config != nullptr ? config->required_features : 0;
  for (const Method& method : kMethods) {
    if (is_avoided(config, method.name)) continue;
    if ((method.features & required) != required) continue;
    if (heeds_environment && environment(method.disabled_by) != nullptr) continue;
    if (try_method(base, method)) return true;
  }
  log_warning("event_base_new_with_config: no event mechanism available");
  return false;
}

bool set_priorities(event_base* base, int count) {
  if (base->active_count.now() != 0 || count < 1 || count >= kMostPriorities) return false;
  if (count == static_cast<int>(base->active.lane_count())) return true;
  auto* lanes = static_cast<netpoll::LinkedLane*>(
      allocate_zeroed(static_cast<unsigned>(count), sizeof(netpoll::LinkedLane)));
  if (lanes == nullptr) {
    log_warning_errno("event_base_priority_init: calloc");
    return false;
  }
  if (base->active.lanes() != nullptr) release(base->active.lanes());
  base->active.adopt(lanes, static_cast<unsigned>(count));
  return true;
}

void remove_all_watchers(event_base* base) {
  for (int fd = 0; fd < base->loop.fds().end(); ++fd) {
    while (Event* ev = first_watcher(base, fd))
      remove_event(ev, Blocking::kEvenIfFinalizing);
  }
  for (int signal = 0; signal < netpoll::kSignals; ++signal) {
    while (Event* ev = first_signal_watcher(base, signal)) {
      remove_event(ev, Blocking::kEvenIfFinalizing);
    }
  }
}

void remove_all_timeouts(event_base* base) {
  while (Event* ev = any_timeout(base))
    remove_event(ev, Blocking::kEvenIfFinalizing);
}

void run_finalizer(event_callback* callback) {
  switch (callback->evcb_closure) {
    case kClosureEventFinalize:
    case kClosureEventFinalizeFree: {
      Event* ev = event_of(callback);
      const bool free_it = callback->evcb_closure == kClosureEventFinalizeFree;
      callback->evcb_cb_union.evcb_evfinalize(ev, callback->evcb_arg);
      if (free_it) release(ev);
      return;
    }
    case kClosureFinalize:
      callback->evcb_cb_union.evcb_cbfinalize(callback, callback->evcb_arg);
      return;
    default:
      return;
  }
}

// Takes whatever is queued out of the queues. A finalizer may queue another, so this goes on until
// nothing is left.
void empty_queues(event_base* base, bool run_finalizers) {
  for (;;) {
    netpoll::QueueLink* link = nullptr;
    if (!base->active.empty()) {
      link = base->active.first(base->active.first_lane());
    } else {
      link = base->later.first();
    }
    if (link == nullptr) return;
    auto* callback = reinterpret_cast<event_callback*>(link);
    const bool finalizing = (callback->evcb_flags & EVLIST_FINALIZING) != 0;
    cancel_callback(base, callback, true);
    if (finalizing && run_finalizers) run_finalizer(callback);
  }
}

void free_base(event_base* base, bool run_finalizers) {
  if (base == nullptr) base = current_base;
  if (base == nullptr) {
    log_warning("event_base_free_: no base to free");
    return;
  }
  remove_all_watchers(base);
  remove_all_timeouts(base);
  empty_queues(base, run_finalizers);
  free_once_events(base);
  view::close_loop(base->view);
  base->loop.shut_down();
  free_timeouts(base);
  free_signals(base);
  if (base->active.lanes() != nullptr) release(base->active.lanes());
  free_lock(base->lock, 0);
  free_condition(base->current_done);
  ChunkShelf::free(base->shelf);
  if (base == current_base) current_base = nullptr;
  base->~event_base();
  release(base);
}

int count_of(const event_base* base, unsigned type, int (Counted::*which)() const) {
  int sum = 0;
  if (type & EVENT_BASE_COUNT_ACTIVE) sum += (base->active_count.*which)();
  if (type & EVENT_BASE_COUNT_VIRTUAL) sum += (base->virtual_count.*which)();
  if (type & EVENT_BASE_COUNT_ADDED) sum += (base->inserted_count.*which)();
  return sum;
}

}  // namespace

}  // namespace pollshim::event

using namespace pollshim::event;

extern "C" {

event_base* event_base_new_with_config(const event_config* config) {
  note_anything_created();
  void* memory = allocate_zeroed(1, sizeof(event_base));
  if (memory == nullptr) {
    log_warning_errno("event_base_new_with_config: calloc");
    return nullptr;
  }
  auto* base = new (memory) event_base;
  base->later.init();
  apply_config(base, config);
  init_signals(base);
  if (!choose_method(base, config) || !set_priorities(base, 1)) {
    event_base_free(base);
    return nullptr;
  }
  if (environment("EVENT_SHOW_METHOD") != nullptr) {
    log_message("libevent using: %s", base->method_name);
  }
  note_lockable_created();
  if (locking_enabled() && !(base->flags & EVENT_BASE_FLAG_NOLOCK)) {
    base->lock = make_lock(0);
    base->current_done = make_condition();
    const bool wants_condition = threading.conditions.alloc_condition != nullptr;
    if (base->lock == nullptr || (wants_condition && base->current_done == nullptr)) {
      event_base_free(base);
      return nullptr;
    }
  }
  base->view = pollshim::view::open_loop(base, base->method_name, collect_figures);
  return base;
}

event_base* event_base_new(void) {
  return event_base_new_with_config(nullptr);
}

void event_base_free(event_base* base) {
  free_base(base, true);
}
void event_base_free_nofinalize(event_base* base) {
  free_base(base, false);
}

int event_reinit(event_base* base) {
  const Guard guard(base->lock);
  const int error = base->loop.after_fork();
  forget_caught_signals(base);
  if (error == 0) return 0;
  errno = error;
  fatal(1, "event_reinit: could not reinitialize event mechanism");
}

int event_base_priority_init(event_base* base, int count) {
  const Guard guard(base->lock);
  return set_priorities(base, count) ? 0 : -1;
}

int event_base_get_npriorities(event_base* base) {
  if (base == nullptr) base = current_base;
  const Guard guard(base->lock);
  return static_cast<int>(base->active.lane_count());
}

const char* event_base_get_method(const event_base* base) {
  EVENT_CHECK(base);
  return base->method_name;
}

int event_base_get_features(const event_base* base) {
  return base->features;
}

int event_base_get_num_events(event_base* base, unsigned int type) {
  const Guard guard(base->lock);
  return count_of(base, type, &Counted::now);
}

int event_base_get_max_events(event_base* base, unsigned int type, int clear) {
  const Guard guard(base->lock);
  const int most = count_of(base, type, &Counted::most);
  if (clear) {
    if (type & EVENT_BASE_COUNT_ACTIVE) base->active_count.start_anew();
    if (type & EVENT_BASE_COUNT_VIRTUAL) base->virtual_count.start_anew();
    if (type & EVENT_BASE_COUNT_ADDED) base->inserted_count.start_anew();
  }
  return most;
}

// Every base can be woken from the day it is made.
int evthread_make_base_notifiable(event_base* base) {
  return base != nullptr ? 0 : -1;
}

}  // extern "C"
