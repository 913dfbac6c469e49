// One turn of an event_base, and everything that starts, stops and steers a run of the loop.
#include <cerrno>
#include <cstring>

#include "compat/event/base.h"
#include "compat/event/debug_mode.h"
#include "compat/event/io_watch.h"
#include "compat/event/log.h"
#include "compat/event/memory.h"
#include "compat/event/queue.h"
#include "compat/event/signal_watch.h"
#include "compat/event/timeout.h"

namespace pollshim::event {

// A loop that is not waiting looks at everything once more before it does: the lock says which.
void notify_elsewhere(event_base* base) {
  // Only a view wants to know, and the line of memory is the loop's.
  if (base->view != nullptr) ++base->figures.wakes_asked;
  if (base->lock == nullptr || base->loop.poller().waiting()) base->loop.wake();
}

void wait_for_current(event_base* base) {
  if (in_loop_thread(base) || base->current_done == nullptr) return;
  const std::uint64_t run = base->figures.delivered;
  const event_callback* waited_for = base->current;
  while (base->current == waited_for && base->figures.delivered == run) {
    ++base->current_waiters;
    if (wait_for(base->current_done, base->lock, nullptr) < 0) return;
  }
}

namespace {

using view::CallbackScope;

// Gives up the base's lock while a callback, or the kernel, has the thread.
class Unlocked {
 public:
  explicit Unlocked(event_base* base) : base_(base) { give_up(base_->lock); }
  ~Unlocked() { acquire(base_->lock); }
  Unlocked(const Unlocked&) = delete;
  Unlocked& operator=(const Unlocked&) = delete;

 private:
  event_base* base_;
};

template <class Function>
const void* address_of(Function function) {
  return reinterpret_cast<const void*>(function);
}

// A signal that was caught several times calls its event as often. The count lives here while it
// does, where deleting the event finds it and ends the repetition; after that the event may be
// gone.
void call_signal(event_base* base, Event* ev) {
  auto& signal = ev->ev_.ev_signal;
  short calls = signal.ev_ncalls;
  base->calls_left = &calls;
  while (calls != 0) {
    signal.ev_ncalls = --calls;
    const auto callback = ev->ev_evcallback.evcb_cb_union.evcb_callback;
    {
      const CallbackScope scope(base->view, address_of(callback));
      const Unlocked unlocked(base);
      callback(ev->ev_fd, ev->ev_res, ev->ev_evcallback.evcb_arg);
    }
    if (base->break_asked) break;
  }
  base->calls_left = nullptr;
}

// A persistent event with a timeout starts it again: from when it was due if it was that which
// fired, so that it keeps its rhythm, and from now if it was anything else, or if it is behind.
[[gnu::noinline]] void restart_timeout(event_base* base, Event* ev) {
  const timeval& interval = ev->ev_.ev_io.ev_timeout;
  const bool common = is_common(base, interval);
  const Nanoseconds delay = to_nanoseconds(common ? plain(interval) : interval);
  const Nanoseconds now = round_up_to_microsecond(loop_now(base));
  const bool expired = (ev->ev_res & EV_TIMEOUT) != 0;
  const Nanoseconds from = expired ? to_nanoseconds(plain(ev->ev_timeout)) : now;
  Nanoseconds due = delay < 0 ? from + delay : netpoll::add_saturating(from, delay);
  if (due < now) due = delay < 0 ? now + delay : netpoll::add_saturating(now, delay);
  timeval due_time = to_timeval(due);
  if (common) due_time.tv_usec |= interval.tv_usec & ~kMicrosecondsMask;
  add_event(ev, &due_time, true);
}

[[gnu::noinline]] void call_event_in_scope(event_base* base, Event* ev) {
  const event_callback& own = ev->ev_evcallback;
  const auto callback = own.evcb_cb_union.evcb_callback;
  const evutil_socket_t fd = ev->ev_fd;
  const short result = ev->ev_res;
  void* const argument = own.evcb_arg;
  const CallbackScope scope(base->view, address_of(callback));
  const Unlocked unlocked(base);
  callback(fd, result, argument);
}

// What it is called with is read while the lock is held: another thread may change it after that.
void call_event_unlocked(event_base* base, Event* ev) {
  const event_callback& own = ev->ev_evcallback;
  const auto callback = own.evcb_cb_union.evcb_callback;
  const evutil_socket_t fd = ev->ev_fd;
  const short result = ev->ev_res;
  void* const argument = own.evcb_arg;
  const Unlocked unlocked(base);
  callback(fd, result, argument);
}

void call_self(event_base* base, event_callback* callback) {
  const auto function = callback->evcb_cb_union.evcb_selfcb;
  void* const argument = callback->evcb_arg;
  const CallbackScope scope(base->view, address_of(function));
  const Unlocked unlocked(base);
  function(callback, argument);
}

// Finalizers run when nothing else can be running for their object any more, which includes them:
// nobody may wait for a callback that frees what is waited for.
void call_event_finalizer(event_base* base, Event* ev, bool free_it) {
  const auto finalizer = ev->ev_evcallback.evcb_cb_union.evcb_evfinalize;
  void* const argument = ev->ev_evcallback.evcb_arg;
  base->current = nullptr;
  const CallbackScope scope(base->view, address_of(finalizer));
  const Unlocked unlocked(base);
  debug_note_teardown(ev);
  finalizer(ev, argument);
  if (free_it) release(ev);
}

void call_finalizer(event_base* base, event_callback* callback) {
  const auto finalizer = callback->evcb_cb_union.evcb_cbfinalize;
  base->current = nullptr;
  const CallbackScope scope(base->view, address_of(finalizer));
  const Unlocked unlocked(base);
  finalizer(callback, callback->evcb_arg);
}

bool has_interval(const Event* ev) {
  const timeval& interval = ev->ev_.ev_io.ev_timeout;
  return (interval.tv_sec | interval.tv_usec) != 0;
}

[[gnu::noinline]] void call_unusual(event_base* base, event_callback* callback) {
  switch (callback->evcb_closure) {
    case kClosureSignal:
      return call_signal(base, event_of(callback));
    case kClosureSelf:
      return call_self(base, callback);
    case kClosureEventFinalize:
      return call_event_finalizer(base, event_of(callback), false);
    case kClosureEventFinalizeFree:
      return call_event_finalizer(base, event_of(callback), true);
    case kClosureFinalize:
      return call_finalizer(base, callback);
    default:
      EVENT_CHECK(false && "an active callback has a closure");
  }
}

// Takes the first callback off its queue, and with it what its firing takes back.
inline void dequeue(event_base* base, event_callback* callback, unsigned priority) {
  const int flags = callback->evcb_flags;
  const bool one_shot = callback->evcb_closure != kClosurePersist && is_event(callback) &&
                        !(event_of(callback)->ev_events & EV_PERSIST) &&
                        !(flags & EVLIST_FINALIZING);
  if (one_shot && ((flags & (EVLIST_TIMEOUT | EVLIST_INSERTED)) || debug_mode_on)) [[unlikely]] {
    remove_fired(base, event_of(callback));
  } else {
    remove_first_active(base, callback, priority);
  }
}

// Calls what others look at or wait for, and tells them that it is over.
[[gnu::noinline]] void call_observed(event_base* base, event_callback* callback) {
  ++base->figures.delivered;
  const unsigned closure = callback->evcb_closure;
  if (closure != kClosureEvent && closure != kClosurePersist) {
    call_unusual(base, callback);
  } else if (base->view != nullptr) {
    call_event_in_scope(base, event_of(callback));
  } else {
    call_event_unlocked(base, event_of(callback));
  }
  if (__builtin_expect(base->current_waiters != 0, 0)) {
    base->current_waiters = 0;
    broadcast(base->current_done);
  }
}

// Runs one callback, which has left its queue.
inline void run_callback(event_base* base, event_callback* callback) {
  base->current = callback;
  const unsigned closure = callback->evcb_closure;
  Event* ev = event_of(callback);
  if (closure == kClosurePersist && has_interval(ev)) restart_timeout(base, ev);
  const bool usual = closure == kClosurePersist || closure == kClosureEvent;
  if (usual && base->view == nullptr && base->lock == nullptr) [[likely]] {
    // With nobody to lock out and nobody who looks on, a callback is a call and nothing else.
    const event_callback& own = ev->ev_evcallback;
    own.evcb_cb_union.evcb_callback(ev->ev_fd, ev->ev_res, own.evcb_arg);
  } else {
    call_observed(base, callback);
  }
  base->current = nullptr;
}

// How far one pass over a queue may go.
struct Limit {
  int callbacks = INT_MAX;
  Nanoseconds end = netpoll::kForever;

  bool reached(event_base* base, int count) const {
    if (count >= callbacks) return true;
    if (count == 0 || end == netpoll::kForever) return false;
    update_cached_time(base);
    return loop_now(base) >= end;
  }
};

// Runs a queue until it is empty or the limit, if any, is reached. Returns how many callbacks that
// count were run, or -1 when the loop was told to break.
[[gnu::noinline]] int run_queue(event_base* base, unsigned priority, const Limit* limit) {
  int count = 0;
  while (event_callback* callback = first_active(base, priority)) {
    // The flags are looked at first: a callback may free its own memory.
    if (!(callback->evcb_flags & EVLIST_INTERNAL)) [[likely]]
      ++count;
    dequeue(base, callback, priority);
    run_callback(base, callback);
    if (base->break_asked) return -1;
    if (limit != nullptr && limit->reached(base, count)) return count;
    if (base->continue_asked) break;
  }
  return count;
}

// Runs the most urgent queue that has work of its user's; queues with nothing but our own work do
// not keep less urgent ones waiting. Returns what run_queue() did.
int run_active(event_base* base) {
  Limit limit{.callbacks = base->max_dispatch_callbacks};
  if (base->max_dispatch_time >= 0) {
    update_cached_time(base);
    limit.end = netpoll::add_saturating(loop_now(base), base->max_dispatch_time);
  }
  int count = 0;
  const unsigned lanes = base->active.lane_count();
  for (unsigned priority = base->active.first_lane(); priority < lanes && count == 0;
       priority = base->active.first_lane(priority + 1)) {
    base->running_priority = static_cast<int>(priority);
    const bool limited = base->running_priority >= base->limit_callbacks_after_priority;
    count = run_queue(base, priority, limited ? &limit : nullptr);
  }
  base->running_priority = -1;
  return count;
}

// Activates the events of what a wait finds.
class ActivateReady {
 public:
  // Only a backend that knows edges says so to those who asked for them.
  explicit ActivateReady(event_base* base)
      : base_(base), edge_((base->features & EV_FEATURE_ET) ? EV_ET : 0) {}

  void awake() { queue_caught_signals(base_); }
  void ready(netpoll::Waiter* waiter, int, netpoll::ModeSet modes) {
    activate_ready(base_, waiter, modes, edge_);
  }
  void woken() {}  // what there is to see is looked at in every turn

 private:
  event_base* base_;
  short edge_;
};

// 0, or an errno. Nothing of the user's runs in here.
int wait_for_events(event_base* base, Nanoseconds delay) {
  const auto sleep = [base](auto&& in_kernel) {
    const view::WaitScope scope(base->view);
    const Unlocked unlocked(base);
    in_kernel();
  };
  const int error = base->loop.wait(delay, sleep, ActivateReady(base));
  base->sleeps_until = 0;
  return error;
}

enum class Turn : std::uint8_t { kGoOn, kDone, kEmpty, kFailed };

Turn run_turn(event_base* base, int flags) {
  ++base->figures.turns;
  base->continue_asked = false;
  base->deferreds_queued = 0;
  if (base->exit_asked || base->break_asked) return Turn::kDone;

  const bool may_wait = base->active_count.now() == 0 && !(flags & EVLOOP_NONBLOCK);
  const Nanoseconds delay = may_wait ? time_to_next_timeout(base) : 0;
  if (!(flags & EVLOOP_NO_EXIT_ON_EMPTY) && !has_events(base) && base->active_count.now() == 0) {
    if (debug_logging_enabled()) log_debug("event_base_loop: no events registered.");
    return Turn::kEmpty;
  }
  make_later_active(base);
  clear_cached_time(base);
  const int error = wait_for_events(base, delay);
  if (error != 0) {
    errno = error;
    log_warning_errno("%s", base->loop.poller().traits().name);
    return Turn::kFailed;
  }
  update_cached_time(base);
  activate_due_timeouts(base);

  if (base->active_count.now() == 0) return (flags & EVLOOP_NONBLOCK) ? Turn::kDone : Turn::kGoOn;
  const int count = run_active(base);
  const bool once = (flags & EVLOOP_ONCE) && base->active_count.now() == 0 && count != 0;
  return once ? Turn::kDone : Turn::kGoOn;
}

void ask_exit(evutil_socket_t, short, void* base) {
  static_cast<event_base*>(base)->exit_asked = true;
}

}  // namespace

}  // namespace pollshim::event

using namespace pollshim::event;

extern "C" {

int event_base_loop(event_base* base, int flags) {
  const Guard guard(base->lock);
  if (base->running) {
    log_warning(
        "event_base_loop: reentrant invocation.  Only one event_base_loop can run on each "
        "event_base at once.");
    return -1;
  }
  base->running = true;
  clear_cached_time(base);
  base->owner = current_thread();
  base->exit_asked = base->break_asked = false;

  Turn turn = Turn::kGoOn;
  while (turn == Turn::kGoOn)
    turn = run_turn(base, flags);

  // What left in the last turn may come back before the next run, at the price of asking the kernel
  // whether it is still the same: who knows what happens to its descriptor until then.
  base->loop.fds().distrust_departed();
  clear_cached_time(base);
  base->running = false;
  pollshim::view::paused(base->view);
  if (turn == Turn::kFailed) return -1;
  return turn == Turn::kEmpty ? 1 : 0;
}

int event_base_dispatch(event_base* base) {
  return event_base_loop(base, 0);
}

int event_base_loopexit(event_base* base, const timeval* delay) {
  return event_base_once(base, -1, EV_TIMEOUT, ask_exit, base, delay);
}

int event_base_loopbreak(event_base* base) {
  if (base == nullptr) return -1;
  const Guard guard(base->lock);
  base->break_asked = true;
  notify_if_elsewhere(base);
  return 0;
}

int event_base_loopcontinue(event_base* base) {
  if (base == nullptr) return -1;
  const Guard guard(base->lock);
  base->continue_asked = true;
  notify_if_elsewhere(base);
  return 0;
}

int event_base_got_break(event_base* base) {
  const Guard guard(base->lock);
  return base->break_asked;
}

int event_base_got_exit(event_base* base) {
  const Guard guard(base->lock);
  return base->exit_asked;
}

Event* event_base_get_running_event(event_base* base) {
  const Guard guard(base->lock);
  if (!in_loop_thread(base) || base->current == nullptr || !is_event(base->current)) {
    return nullptr;
  }
  return event_of(base->current);
}

}  // extern "C"
