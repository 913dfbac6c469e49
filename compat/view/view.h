// The view into running loops: what POLLSHIM_VERBOSE, POLLSHIM_STATS, POLLSHIM_STALL_MS and
// POLLSHIM_TOP switch on.
//
// A loop keeps one pointer, from open_loop() to close_loop(). While nothing was asked for that
// pointer is null, and each hook below is one predictable branch on it: no clock is read, no system
// call is made, nothing is allocated. Counting is the loop's own business (plain increments it
// keeps anyway); the view pulls the figures through `collect`, always on the loop's thread. This
// room knows no poller, no watcher and neither of the two interfaces that ride on it.
#pragma once

#include <cstdint>

namespace pollshim::view {

// What a loop has done since it was opened. A figure that a loop does not have stays zero.
struct Counters {
  uint64_t turns;             // times round the loop
  uint64_t waits;             // calls into the kernel to collect events, blocking or not
  uint64_t wakes_asked;       // other threads, signals: requests to wake the loop
  uint64_t wakes_written;     // of these, the ones that cost a write
  uint64_t registrations;     // descriptors added to the kernel's set
  uint64_t modifications;     // registrations changed in the kernel
  uint64_t removals;          // registrations taken out of the kernel's set
  uint64_t events_delivered;  // readiness and signals handed to watchers
  uint64_t stale_dropped;     // kernel events rejected by their tag
  uint64_t timers_fired;
  uint64_t timers_pending;  // a level, not a sum
};

// One watched loop. Opaque: loops hold a pointer and pass it back.
struct LoopView;

using Collect = void (*)(const void* loop, Counters* into);

// Null when nothing is switched on, or when there is no memory: a view never makes a loop fail.
// `backend` must outlive the loop (a name such as "epoll"). Any thread.
LoopView* open_loop(const void* loop, const char* backend, Collect collect);

// Takes the last figures. A null pointer is fine. The loop must not be running.
void close_loop(LoopView* view);

// The state of one running callback, on the stack of the loop that runs it: a callback may run the
// loop again, or run another loop, or never return, and nothing needs to be put right afterwards.
struct CallbackFrame {
  LoopView* view;
  const void* function;
  uint64_t started_ns;
  uint64_t waiting_before_ns;
  uint64_t callbacks_before_ns;
};

// Only through the classes and `paused` below, with a view that is not null.
void wait_begin(LoopView& view);
void wait_end(LoopView& view);
void callback_begin(CallbackFrame& frame);
void callback_end(CallbackFrame& frame);
void take_figures(LoopView& view);

// Around the call that waits for the kernel.
class WaitScope {
 public:
  explicit WaitScope(LoopView* view) : view_(view) {
    if (__builtin_expect(view_ != nullptr, 0)) wait_begin(*view_);
  }
  ~WaitScope() {
    if (__builtin_expect(view_ != nullptr, 0)) wait_end(*view_);
  }
  WaitScope(const WaitScope&) = delete;
  WaitScope& operator=(const WaitScope&) = delete;

 private:
  LoopView* view_;
};

// Around one user callback; `function` is the user's own function, so that a report can name it.
class CallbackScope {
 public:
  CallbackScope(LoopView* view, const void* function) {
    frame_.view = view;
    if (__builtin_expect(view != nullptr, 0)) {
      frame_.function = function;
      callback_begin(frame_);
    }
  }
  ~CallbackScope() {
    if (__builtin_expect(frame_.view != nullptr, 0)) callback_end(frame_);
  }
  CallbackScope(const CallbackScope&) = delete;
  CallbackScope& operator=(const CallbackScope&) = delete;

 private:
  CallbackFrame frame_;
};

// When a run of the loop returns to its caller: the figures shown at exit then include its last
// turn.
inline void paused(LoopView* view) {
  if (__builtin_expect(view != nullptr, 0)) take_figures(*view);
}

// What an engine (one shared library, or one archive) says of itself. Each engine defines `engine`
// exactly once, in a file of its own: event_engine.cc, ev_engine.cc.
struct Engine {
  const char* name;                // "libevent", "libev"
  const char* version;             // the original's version that this engine reports
  const char* (*first_backend)();  // what a loop made now would run on
};
extern const Engine engine;

}  // namespace pollshim::view
