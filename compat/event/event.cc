// Events: setting them up, adding, removing and activating them, and asking about them.
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

namespace {

// Stands for "the event itself" as a callback argument.
char self_argument;

// Whatever may have been done with an event since it was set up.
constexpr int kAnyState =
    EVLIST_TIMEOUT | EVLIST_INSERTED | EVLIST_ACTIVE | EVLIST_ACTIVE_LATER | EVLIST_FINALIZING;

short flags_of(const Event* ev) {
  return ev->ev_evcallback.evcb_flags;
}

void clear_flags(Event* ev, int flags) {
  ev->ev_evcallback.evcb_flags = static_cast<short>(ev->ev_evcallback.evcb_flags & ~flags);
}

// A signal event's callback may be in the middle of its repetitions: they end here. The count is
// the loop's to keep: a pointer to it in the event would outlive it.
void stop_repetition(event_base* base, const Event* ev) {
  if (base->calls_left != nullptr && base->current == &ev->ev_evcallback) *base->calls_left = 0;
}

// How often an active signal event is called; not changed under a callback that counts it down.
[[gnu::noinline]] void set_repetition(event_base* base, Event* ev, short calls) {
  if (base->current == callback_of(ev)) wait_for_current(base);
  ev->ev_.ev_signal.ev_ncalls = calls;
  ev->ev_.ev_signal.ev_pncalls = nullptr;
}

int insert_into_base(event_base* base, Event* ev) {
  if (!(ev->ev_events & (kIoEvents | EV_SIGNAL)) ||
      (flags_of(ev) & (EVLIST_INSERTED | EVLIST_ACTIVE | EVLIST_ACTIVE_LATER))) {
    return 0;
  }
  const int result = (ev->ev_events & kIoEvents) ? watch_io(base, ev) : watch_signal(base, ev);
  clear_flags(ev, kFlagJustFired);
  if (result == 0) count_inserted(base, ev);
  return result;
}

void add_timeout(event_base* base, Event* ev, const timeval& timeout, bool absolute) {
  if (ev->ev_evcallback.evcb_closure == kClosurePersist && !absolute) {
    ev->ev_.ev_io.ev_timeout = timeout;
  }
  // Setting a new time takes back an expiry that has not been reported yet.
  if ((flags_of(ev) & EVLIST_ACTIVE) && (ev->ev_res & EV_TIMEOUT)) {
    remove_active(base, callback_of(ev));
  }
  arm_timeout(base, ev, timeout, absolute);
}

// The loop sleeps on another thread, for longer than this event would have it.
void notify_if_sooner(event_base* base, const Event* ev) {
  if (!base->running || base->sleeps_until == 0) return;
  if (to_nanoseconds(plain(ev->ev_timeout)) < base->sleeps_until) notify_if_elsewhere(base);
}

bool remove(event_base* base, Event* ev) {
  const short undelivered = (flags_of(ev) & EVLIST_ACTIVE) ? ev->ev_res : short{0};
  stop_repetition(base, ev);
  if (flags_of(ev) & EVLIST_TIMEOUT) disarm_timeout(base, ev);
  if (flags_of(ev) & EVLIST_ACTIVE) {
    remove_active(base, callback_of(ev));
  } else if (flags_of(ev) & EVLIST_ACTIVE_LATER) {
    remove_later(base, callback_of(ev));
  }
  if (!(flags_of(ev) & EVLIST_INSERTED)) return true;
  uncount_inserted(base, ev);
  if (!(ev->ev_events & kIoEvents)) return unwatch_signal(base, ev) == 0;
  unwatch_io(base, ev, undelivered);
  return true;
}

// What users of debug logging look for, in the words that they know.
void debug_add(const Event* ev, const timeval* timeout) {
  log_debug(
      "event_add: event: %p (fd %d), %s%s%s%scall %p", static_cast<const void*>(ev), ev->ev_fd,
      (ev->ev_events & EV_READ) ? "EV_READ " : " ", (ev->ev_events & EV_WRITE) ? "EV_WRITE " : " ",
      (ev->ev_events & EV_CLOSED) ? "EV_CLOSED " : " ", timeout != nullptr ? "EV_TIMEOUT " : " ",
      reinterpret_cast<const void*>(ev->ev_evcallback.evcb_cb_union.evcb_callback));
}

void debug_remove(const Event* ev) {
  log_debug("event_del: %p (fd %d), callback %p", static_cast<const void*>(ev), ev->ev_fd,
            reinterpret_cast<const void*>(ev->ev_evcallback.evcb_cb_union.evcb_callback));
}

void debug_activate(const Event* ev, int result) {
  log_debug("event_active: %p (fd %d), res %d, callback %p", static_cast<const void*>(ev),
            ev->ev_fd, result,
            reinterpret_cast<const void*>(ev->ev_evcallback.evcb_cb_union.evcb_callback));
}

// Whether it was added before, with a timeout, and nothing has happened to it since.
inline bool is_only_waiting(const Event* ev) {
  constexpr int kWaiting = EVLIST_TIMEOUT | EVLIST_INSERTED;
  const int state = flags_of(ev) & (kWaiting | EVLIST_ACTIVE | EVLIST_ACTIVE_LATER);
  if (state == kWaiting) return true;
  return state == EVLIST_TIMEOUT && !(ev->ev_events & (kIoEvents | EV_SIGNAL));
}

// Whether it is a timer and nothing else, and was not added.
bool is_idle_timer(const Event* ev) {
  return (flags_of(ev) & kAnyState) == 0 && (ev->ev_events & (kIoEvents | EV_SIGNAL)) == 0;
}

bool missing_base(const Event* ev, const char* function) {
  if (__builtin_expect(ev->ev_base != nullptr, 1)) return false;
  log_warning("%s: event has no event_base set.", function);
  return true;
}

}  // namespace

static inline void note_interval(Event* ev, const timeval& timeout) {
  if (ev->ev_evcallback.evcb_closure != kClosurePersist) return;
  ev->ev_.ev_io.ev_timeout.tv_sec = timeout.tv_sec;
  ev->ev_.ev_io.ev_timeout.tv_usec = timeout.tv_usec;
}
static inline void note_new_timeout(event_base* base, Event* ev, const timeval& timeout) {
  note_interval(ev, timeout);
  if (__builtin_expect(base->sleeps_until != 0, 0)) notify_if_sooner(base, ev);
}

// Adding an event that has been added, for another timeout: what servers do for every message. True
// if that is what it was, and done.
static inline bool only_rearmed(event_base* base, Event* ev, const timeval& timeout) {
  if (!is_only_waiting(ev) || base->cached_now == 0) return false;
  if (!postpone_timeout(base, ev, timeout) && !move_timeout(base, ev, timeout)) return false;
  note_new_timeout(base, ev, timeout);
  return true;
}

static inline bool only_started(event_base* base, Event* ev, const timeval& timeout) {
  if (!is_idle_timer(ev) || !start_timeout(base, ev, timeout)) return false;
  note_new_timeout(base, ev, timeout);
  return true;
}

int add_event(Event* ev, const timeval* timeout, bool absolute) {
  event_base* base = ev->ev_base;
  debug_require_setup(ev);
  if (__builtin_expect(debug_logging_enabled(), 0)) debug_add(ev, timeout);
  if (flags_of(ev) & EVLIST_FINALIZING) return -1;
  if (timeout != nullptr && !absolute && only_rearmed(base, ev, *timeout)) return 0;
  // Nothing may have changed when this fails, so memory comes first.
  if (timeout != nullptr && !reserve_timeout(base)) {
    errno = ENOMEM;
    return -1;
  }
  if (base->current == callback_of(ev) && (ev->ev_events & EV_SIGNAL)) wait_for_current(base);
  if (insert_into_base(base, ev) != 0) {
    debug_note_added(ev);
    return -1;
  }
  if (timeout != nullptr) {
    add_timeout(base, ev, *timeout, absolute);
    notify_if_sooner(base, ev);
  }
  debug_note_added(ev);
  return 0;
}

int remove_event(Event* ev, Blocking blocking) {
  event_base* base = ev->ev_base;
  if (__builtin_expect(debug_logging_enabled(), 0)) debug_remove(ev);
  if (base == nullptr) return -1;
  if (blocking != Blocking::kEvenIfFinalizing && (flags_of(ev) & EVLIST_FINALIZING)) return 0;
  clear_flags(ev, kFlagJustFired);
  const bool was_inserted = (flags_of(ev) & EVLIST_INSERTED) != 0;
  const bool removed = remove(base, ev);
  // A loop without events left has to notice, so that it can return.
  if (was_inserted && !has_events(base) && base->active_count.now() == 0) notify_if_elsewhere(base);
  debug_note_removed(ev);
  const bool may_wait =
      blocking == Blocking::kYes || (blocking != Blocking::kNo && !(ev->ev_events & EV_FINALIZE));
  if (may_wait && base->current == callback_of(ev)) wait_for_current(base);
  return removed ? 0 : -1;
}

void remove_fired(event_base* base, Event* ev) {
  if (flags_of(ev) & EVLIST_FINALIZING) return;
  const bool was_inserted = (flags_of(ev) & EVLIST_INSERTED) != 0;
  remove(base, ev);
  if (was_inserted) {
    ev->ev_evcallback.evcb_flags = static_cast<short>(flags_of(ev) | kFlagJustFired);
  }
  debug_note_removed(ev);
}

int remove_timer(Event* ev) {
  debug_require_setup(ev);
  if (flags_of(ev) & EVLIST_TIMEOUT) {
    disarm_timeout(ev->ev_base, ev);
    ev->ev_.ev_io.ev_timeout = timeval{};
  }
  return 0;
}

void activate_event(Event* ev, int result, short calls) {
  event_base* base = ev->ev_base;
  if (activate_idle(base, ev, result)) {
    notify_if_elsewhere(base);
    return;
  }
  if (__builtin_expect(debug_logging_enabled(), 0)) debug_activate(ev, result);
  const short flags = flags_of(ev);
  if (flags & (EVLIST_FINALIZING | EVLIST_ACTIVE | EVLIST_ACTIVE_LATER)) {
    if (flags & EVLIST_FINALIZING) return;
    ev->ev_res = static_cast<short>(ev->ev_res | result);
    if (flags & EVLIST_ACTIVE) return;
  } else {
    ev->ev_res = static_cast<short>(result);
  }
  if (ev->ev_evcallback.evcb_pri < base->running_priority) base->continue_asked = true;
  if (ev->ev_events & EV_SIGNAL) set_repetition(base, ev, calls);
  activate_callback(base, callback_of(ev));
}

[[gnu::noinline]] static void activate_guarded(Event* ev, int result, short calls) {
  event_base* base = ev->ev_base;
  const Guard guard(base->lock);
  if (activate_idle(base, ev, result)) return notify_if_elsewhere(base);
  debug_require_setup(ev);
  activate_event(ev, result, calls);
}

void activate_event_later(Event* ev, int result) {
  if (flags_of(ev) & (EVLIST_ACTIVE | EVLIST_ACTIVE_LATER)) {
    ev->ev_res = static_cast<short>(ev->ev_res | result);
    return;
  }
  ev->ev_res = static_cast<short>(result);
  activate_callback_later(ev->ev_base, callback_of(ev));
}

bool activate_callback(event_base* base, event_callback* callback) {
  if (callback->evcb_flags & (EVLIST_FINALIZING | EVLIST_ACTIVE)) return false;
  bool was_idle = true;
  if (callback->evcb_flags & EVLIST_ACTIVE_LATER) {
    remove_later(base, callback);
    was_idle = false;
  }
  insert_active(base, callback);
  notify_if_elsewhere(base);
  return was_idle;
}

bool activate_callback_later(event_base* base, event_callback* callback) {
  if (callback->evcb_flags & (EVLIST_ACTIVE | EVLIST_ACTIVE_LATER)) return false;
  insert_later(base, callback);
  notify_if_elsewhere(base);
  return true;
}

void cancel_callback(event_base* base, event_callback* callback, bool even_if_finalizing) {
  if ((callback->evcb_flags & EVLIST_FINALIZING) && !even_if_finalizing) return;
  if (is_event(callback)) {
    remove_event(event_of(callback),
                 even_if_finalizing ? Blocking::kEvenIfFinalizing : Blocking::kUnlessFinalizing);
  } else if (callback->evcb_flags & EVLIST_ACTIVE) {
    remove_active(base, callback);
  } else if (callback->evcb_flags & EVLIST_ACTIVE_LATER) {
    remove_later(base, callback);
  }
}

}  // namespace pollshim::event

using namespace pollshim::event;

extern "C" {

int event_assign(Event* ev, event_base* base, evutil_socket_t fd, short events,
                 event_callback_fn callback, void* argument) {
  if (base == nullptr) base = current_base;
  if (argument == &self_argument) argument = ev;
  if (!(events & EV_SIGNAL)) debug_require_nonblocking(fd);
  debug_require_not_added(ev);

  event_callback& own = ev->ev_evcallback;
  ev->ev_base = base;
  own.evcb_cb_union.evcb_callback = callback;
  own.evcb_arg = argument;
  own.evcb_flags = EVLIST_INIT;
  ev->ev_fd = fd;
  ev->ev_events = events;
  ev->ev_res = 0;
  ev->ev_.ev_signal.ev_ncalls = 0;
  ev->ev_.ev_signal.ev_pncalls = nullptr;
  if (events & EV_SIGNAL) {
    if (events & kIoEvents) {
      log_warning("event_assign: EV_SIGNAL is not compatible with EV_READ, EV_WRITE or EV_CLOSED");
      return -1;
    }
    own.evcb_closure = kClosureSignal;
  } else if (events & EV_PERSIST) {
    ev->ev_.ev_io.ev_timeout = timeval{};
    own.evcb_closure = kClosurePersist;
  } else {
    own.evcb_closure = kClosureEvent;
  }
  ev->ev_timeout_pos.min_heap_idx = -1;
  if (base != nullptr) own.evcb_pri = static_cast<ev_uint8_t>(base->active.lane_count() / 2);
  note_anything_created();
  debug_note_setup(ev);
  return 0;
}

Event* event_new(event_base* base, evutil_socket_t fd, short events, event_callback_fn callback,
                 void* argument) {
  auto* ev = static_cast<Event*>(allocate(sizeof(Event)));
  if (ev == nullptr) return nullptr;
  if (event_assign(ev, base, fd, events, callback, argument) < 0) {
    release(ev);
    return nullptr;
  }
  return ev;
}

void event_free(Event* ev) {
  event_del(ev);
  debug_note_teardown(ev);
  release(ev);
}

void event_debug_unassign(Event* ev) {
  debug_require_not_added(ev);
  debug_note_teardown(ev);
  clear_flags(ev, EVLIST_INIT);
}

void* event_self_cbarg(void) {
  return &self_argument;
}

int event_base_set(event_base* base, Event* ev) {
  // Only an event that nothing has been done with may move to another base.
  constexpr int kOwnFlags = kFlagJustFired | kFlagEdgeMode;
  if ((flags_of(ev) & ~kOwnFlags) != EVLIST_INIT) return -1;
  debug_require_setup(ev);
  ev->ev_base = base;
  ev->ev_evcallback.evcb_pri = static_cast<ev_uint8_t>(base->active.lane_count() / 2);
  clear_flags(ev, kOwnFlags);
  return 0;
}

[[gnu::noinline]] static int add_guarded(Event* ev, const timeval* timeout) {
  if (missing_base(ev, "event_add")) return -1;
  const Guard guard(ev->ev_base->lock);
  return add_event(ev, timeout, false);
}

// The rest of event_add() where there is nobody to lock out, and nobody debugging.
[[gnu::noinline]] static int rearm_straight(event_base* base, Event* ev, const timeval* timeout) {
  if (!move_timeout(base, ev, *timeout)) return add_guarded(ev, timeout);
  note_new_timeout(base, ev, *timeout);
  return 0;
}
[[gnu::noinline]] static int start_straight(event_base* base, Event* ev, const timeval* timeout) {
  return only_started(base, ev, *timeout) ? 0 : add_guarded(ev, timeout);
}

int event_add(Event* ev, const timeval* timeout) {
  event_base* base = ev->ev_base;
  const bool unusual = base == nullptr || base->lock != nullptr || base->cached_now == 0 ||
                       timeout == nullptr || debug_mode_on || debug_logging_enabled();
  if (__builtin_expect(unusual, 0)) return add_guarded(ev, timeout);
  if (!is_only_waiting(ev)) return start_straight(base, ev, timeout);
  // The one path that is not a jump elsewhere: so nothing here needs a stack frame.
  if (!postpone_timeout(base, ev, *timeout)) return rearm_straight(base, ev, timeout);
  note_interval(ev, *timeout);
  return 0;
}

// Deleting a timer that waits, with nobody to lock out or to tell. True if that is what it was, and
// done.
static inline bool only_cancelled(event_base* base, Event* ev) {
  const bool unusual = base == nullptr || base->lock != nullptr || base->calls_left != nullptr ||
                       debug_mode_on || debug_logging_enabled();
  if (__builtin_expect(unusual, 0) || (flags_of(ev) & kAnyState) != EVLIST_TIMEOUT) return false;
  return cancel_timeout(base, ev);
}

[[gnu::noinline]] static int delete_event(Event* ev, Blocking blocking) {
  if (missing_base(ev, "event_del_")) return -1;
  const Guard guard(ev->ev_base->lock);
  return remove_event(ev, blocking);
}

int event_del(Event* ev) {
  if (only_cancelled(ev->ev_base, ev)) return 0;
  return delete_event(ev, Blocking::kUnlessFinalizing);
}
int event_del_block(Event* ev) {
  return delete_event(ev, Blocking::kYes);
}
int event_del_noblock(Event* ev) {
  return delete_event(ev, Blocking::kNo);
}

int event_remove_timer(Event* ev) {
  if (missing_base(ev, "event_remove_timer")) return -1;
  const Guard guard(ev->ev_base->lock);
  return remove_timer(ev);
}

void event_active(Event* ev, int result, short calls) {
  if (missing_base(ev, "event_active")) return;
  // Straight through where it is nothing but a place in a queue, because whole programs are built
  // on activating by hand.
  event_base* base = ev->ev_base;
  const bool alone = base->lock == nullptr && !knows_threads();
  if (!alone || !activate_idle(base, ev, result)) activate_guarded(ev, result, calls);
}

int event_priority_set(Event* ev, int priority) {
  debug_require_setup(ev);
  if (flags_of(ev) & EVLIST_ACTIVE) return -1;
  if (priority < 0 || priority >= static_cast<int>(ev->ev_base->active.lane_count())) return -1;
  ev->ev_evcallback.evcb_pri = static_cast<ev_uint8_t>(priority);
  return 0;
}

int event_pending(const Event* ev, short events, timeval* due) {
  if (missing_base(ev, "event_pending")) return 0;
  const Guard guard(ev->ev_base->lock);
  debug_require_setup(ev);
  int pending = 0;
  if (flags_of(ev) & EVLIST_INSERTED) pending |= ev->ev_events & (kIoEvents | EV_SIGNAL);
  if (flags_of(ev) & (EVLIST_ACTIVE | EVLIST_ACTIVE_LATER)) pending |= ev->ev_res;
  if (flags_of(ev) & EVLIST_TIMEOUT) pending |= EV_TIMEOUT;
  pending &= events & (EV_TIMEOUT | kIoEvents | EV_SIGNAL);
  if (due != nullptr && (pending & EV_TIMEOUT)) {
    *due = to_wall_clock(ev->ev_base, plain(ev->ev_timeout));
  }
  return pending;
}

int event_initialized(const Event* ev) {
  return (flags_of(ev) & EVLIST_INIT) != 0;
}

void event_get_assignment(const Event* ev, event_base** base, evutil_socket_t* fd, short* events,
                          event_callback_fn* callback, void** argument) {
  debug_require_setup(ev);
  if (base != nullptr) *base = ev->ev_base;
  if (fd != nullptr) *fd = ev->ev_fd;
  if (events != nullptr) *events = ev->ev_events;
  if (callback != nullptr) *callback = ev->ev_evcallback.evcb_cb_union.evcb_callback;
  if (argument != nullptr) *argument = ev->ev_evcallback.evcb_arg;
}

size_t event_get_struct_event_size(void) {
  return sizeof(Event);
}

evutil_socket_t event_get_fd(const Event* ev) {
  debug_require_setup(ev);
  return ev->ev_fd;
}

event_base* event_get_base(const Event* ev) {
  debug_require_setup(ev);
  return ev->ev_base;
}

short event_get_events(const Event* ev) {
  debug_require_setup(ev);
  return ev->ev_events;
}

event_callback_fn event_get_callback(const Event* ev) {
  debug_require_setup(ev);
  return ev->ev_evcallback.evcb_cb_union.evcb_callback;
}

void* event_get_callback_arg(const Event* ev) {
  debug_require_setup(ev);
  return ev->ev_evcallback.evcb_arg;
}

int event_get_priority(const Event* ev) {
  debug_require_setup(ev);
  return ev->ev_evcallback.evcb_pri;
}

}  // extern "C"
