// struct event_base, as the rooms of the libevent layer share it: a core loop, the run queue of
// active callbacks, the lists that hang off descriptors and signals, and the counts that the API
// reports. Each group of members has one owner among these rooms, named beside it.
//
// Everything is guarded by `lock`, where the user asked for locks; functions whose comment does not
// say otherwise expect it held.
#pragma once

#include <climits>
#include <cstdint>

#include "compat/event/lock.h"
#include "compat/view/view.h"
#include "core/loop.h"
#include "core/run_queue.h"
#include "event2/event.h"
#include "event2/event_struct.h"

namespace pollshim::event {

using netpoll::Nanoseconds;
using Event = struct ::event;  // inside of here, plain "event" is this namespace

// How an active callback is to be called. Lives in event_callback::evcb_closure.
enum Closure : std::uint8_t {
  kClosureEvent,
  kClosureSignal,
  kClosurePersist,
  kClosureSelf,
  kClosureFinalize,
  kClosureEventFinalize,
  kClosureEventFinalizeFree,
};

// Private bits of ev_flags, above the ones that programs know.
inline constexpr short kFlagEdgeMode = 0x100;   // one of our own, content with edges
inline constexpr short kFlagJustFired = 0x200;  // removed by its own firing, not by its user
inline constexpr short kFlagPresumed = 0x400;   // pending and active, but the kernel was not asked

inline constexpr short kIoEvents = EV_READ | EV_WRITE | EV_CLOSED;

class ChunkShelf;
struct OnceEvent;
struct CommonTimeout;

// How many there are now, and the most that there were since that was last asked to start anew.
// Kept as the most and how far below it we are, so that counting up and down is one instruction and
// a look at its sign. Less than none below: the most was started anew, and there is more by now.
class Counted {
 public:
  int now() const { return most_ - below_; }
  int most() const { return most_; }
  void up() {
    if (__builtin_expect(--below_ < 0, 0)) {
      most_ -= below_;
      below_ = 0;
    }
  }
  void down() { ++below_; }
  void start_anew() {
    below_ -= most_;
    most_ = 0;
  }

 private:
  int most_ = 0;
  int below_ = 0;
};

struct LoopFigures {
  std::uint64_t turns = 0;
  std::uint64_t delivered = 0;
  std::uint64_t timers_fired = 0;
  std::uint64_t wakes_asked = 0;
};

}  // namespace pollshim::event

struct event_base {
  netpoll::Loop loop;

  // base.cc: what it was made with.
  void* lock = nullptr;
  const char* method_name = nullptr;
  int features = 0;
  int flags = 0;
  std::int64_t max_dispatch_time = -1;
  int max_dispatch_callbacks = INT_MAX;
  int limit_callbacks_after_priority = INT_MAX;
  pollshim::view::LoopView* view = nullptr;

  // loop.cc: who runs the loop. Other threads look at this whenever they activate an event, so what
  // the loop writes for every callback lies elsewhere.
  unsigned long owner = 0;
  bool running = false;
  bool exit_asked = false;
  bool break_asked = false;
  bool continue_asked = false;
  int running_priority = -1;

  // queue.h: what is active, and how much there is of everything.
  netpoll::LinkedRunQueue active;
  netpoll::LinkedLane later;
  pollshim::event::Counted inserted_count;
  pollshim::event::Counted active_count;
  pollshim::event::Counted virtual_count;

  // buffer/shelf.h: what the socket bufferevents keep of emptied chunks, made with the first.
  pollshim::event::ChunkShelf* shelf = nullptr;

  // loop.cc: the run under way.
  pollshim::event::LoopFigures figures;
  int deferreds_queued = 0;
  event_callback* current = nullptr;
  short* calls_left = nullptr;   // of the current callback, if it is a signal event's
  void* current_done = nullptr;  // condition: the current callback has returned
  int current_waiters = 0;       // 0 between callbacks

  // clock.cc: the cached time, 0 for none, the same as events show it, and what turns it into
  // wall-clock time.
  std::int64_t cached_now = 0;
  timeval cached_shown = {};
  std::int64_t wall_offset = 0;
  std::int64_t wall_offset_taken = 0;
  bool wall_offset_known = false;

  // timeout.cc
  pollshim::event::CommonTimeout** common_timeouts = nullptr;
  int common_timeout_count = 0;
  unsigned on_common_timeouts = 0;  // events, in all of them
  std::int64_t sleeps_until = 0;

  // signal_watch.cc: lists of events by signal number; allocated with the first.
  event** signal_watchers = nullptr;
  event_callback signals_caught;

  // once.cc
  pollshim::event::OnceEvent* once_events = nullptr;
};

// No header has it, but a program may read and set it, and may have a copy relocation on it.
extern "C" __attribute__((visibility("default"))) event_base* event_global_current_base_;

namespace pollshim::event {

// The base of the 1.x functions, set by event_init(), under the name that libverto's module knows.
inline constexpr event_base*& current_base = event_global_current_base_;

inline Event* event_of(event_callback* callback) {
  return reinterpret_cast<Event*>(callback);
}
inline event_callback* callback_of(Event* ev) {
  return &ev->ev_evcallback;
}
inline bool is_event(const event_callback* callback) {
  return (callback->evcb_flags & EVLIST_INIT) != 0;
}

inline bool in_loop_thread(const event_base* base) {
  return !knows_threads() || base->owner == current_thread();
}

inline bool has_events(const event_base* base) {
  return base->virtual_count.now() > 0 || base->inserted_count.now() > 0;
}

// ---- event.cc ----

enum class Blocking : std::uint8_t {
  kNo,
  kYes,
  kUnlessFinalizing,  // wait for a running callback, but not for one that has a finalizer
  kEvenIfFinalizing,  // the base goes away: no exception for events that are being finalized
};

// 0 or -1. `timeout` is a point in monotonic time if `absolute`.
int add_event(Event* ev, const timeval* timeout, bool absolute);
int remove_event(Event* ev, Blocking blocking);
int remove_timer(Event* ev);
void activate_event(Event* ev, int result, short calls);
void activate_event_later(Event* ev, int result);
// The removal that comes with firing, as opposed to the user's own.
void remove_fired(event_base* base, Event* ev);

bool activate_callback(event_base* base, event_callback* callback);
bool activate_callback_later(event_base* base, event_callback* callback);
void cancel_callback(event_base* base, event_callback* callback, bool even_if_finalizing);

// ---- loop.cc ----

// Makes the loop look at its state again, if it runs on another thread.
void notify_elsewhere(event_base* base);
inline void notify_if_elsewhere(event_base* base) {
  if (base->running && !in_loop_thread(base)) notify_elsewhere(base);
}

// Waits until the callback that runs right now on the loop's thread has returned.
void wait_for_current(event_base* base);

// ---- clock.cc ----

Nanoseconds loop_now(event_base* base);
void update_cached_time(event_base* base);
inline void clear_cached_time(event_base* base) {
  base->cached_now = 0;
}
timeval to_wall_clock(event_base* base, const timeval& monotonic);

// ---- once.cc ----

void free_once_events(event_base* base);

// ---- finalize.cc ----

void finalize_event(event_base* base, Event* ev, bool free_it,
                    event_finalize_callback_fn finalizer);

}  // namespace pollshim::event
