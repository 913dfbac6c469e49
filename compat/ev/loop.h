// struct ev_loop: one event loop in libev's manner. Owns what its watchers share: the core loop
// underneath, the pending queue, the reference count, and the order of a turn, which loop.cc tells
// on one page. Each family of watchers lives in a file of its own and has a part here.
//
// Called by edge.cc, which is the C interface, and by the families. Nothing here takes a lock: a
// program that shares a loop between threads brings its own, and lends it out around the wait.
#pragma once

#include <ev.h>
#include <sys/types.h>

#include "compat/ev/async.h"
#include "compat/ev/child.h"
#include "compat/ev/io.h"
#include "compat/ev/once.h"
#include "compat/ev/pending.h"
#include "compat/ev/periodic.h"
#include "compat/ev/phase.h"
#include "compat/ev/signal.h"
#include "compat/ev/stat.h"
#include "compat/ev/time.h"
#include "compat/ev/timer.h"
#include "compat/view/view.h"
#include "core/loop.h"

struct ev_loop {
  // ---- the order of a turn (loop.cc) ----

  // nullptr when no backend of `flags` works or memory is short.
  [[gnu::cold]] static ev_loop* make(unsigned flags);
  // Runs the cleanup watchers first.
  [[gnu::cold]] static void destroy(ev_loop* loop);

  int run(int flags);
  void invoke_pending();

  // ---- what every watcher has in common ----

  // Brings the priority into range and counts the watcher. False when memory is short: the watcher
  // is not started, and has been told so. All of this is a few instructions, in place.
  bool start(ev_watcher* watcher, int active_value) {
    const unsigned lane = pollshim::ev::PendingQueue::lane_of(watcher);
    if (!pending.make_room(lane)) [[unlikely]] {
      refuse(watcher);
      return false;
    }
    count_in(watcher, lane, active_value);
    return true;
  }
  // The same where there is room among what is pending, in the lane of its priority.
  void count_in(ev_watcher* watcher, unsigned lane, int active_value) {
    watcher->priority = pollshim::ev::PendingQueue::priority_of(lane);
    count_in_lane(watcher, lane, active_value);
  }
  // The same for one whose priority is in range.
  void count_in_lane(ev_watcher* watcher, unsigned lane, int active_value) {
    pending.reserve(lane);
    watcher->active = active_value;
    ++active;
  }
  // Pre: active.
  void stop(ev_watcher* watcher) {
    pending.unreserve(pollshim::ev::PendingQueue::lane_of(watcher));
    watcher->active = 0;
    --active;
  }

  // A watcher that can not be started, or not go on, is told by EV_ERROR.
  void refuse(ev_watcher* watcher, int events = 0);

  void feed(ev_watcher* watcher, int events) { pending.feed(watcher, events); }

  // ---- time ----

  void update_time() {
    if (time.update()) [[unlikely]]
      periodics.reschedule(*this);
  }
  [[gnu::cold]] void resume();
  // Before anybody else may wake the loop. As in libev, there is no going on without.
  [[gnu::cold]] void expect_wakes();

  // ---- state ----

  netpoll::Loop core;
  pollshim::ev::PendingQueue pending;
  pollshim::ev::LoopTime time;

  pollshim::ev::IoTable ios;
  pollshim::ev::Timers timers;
  pollshim::ev::Periodics periodics;
  pollshim::ev::Signals signals;
  pollshim::ev::Children children;
  pollshim::ev::Stats stats;
  pollshim::ev::Idles idles;
  pollshim::ev::PhaseWatchers prepares;
  pollshim::ev::PhaseWatchers checks;
  pollshim::ev::PhaseWatchers forks;
  pollshim::ev::PhaseWatchers cleanups;
  pollshim::ev::Asyncs asyncs;
  pollshim::ev::Onces onces;

  int active = 0;  // references: one for every active watcher, and the program's own
  int break_how = EVBREAK_CANCEL;
  unsigned depth = 0;  // runs that are nested now
  unsigned iteration = 0;
  unsigned backend = 0;          // its EVBACKEND_ bit
  unsigned flags = 0;            // as the program gave them
  ev_tstamp shortest_wait = 0.;  // what the backend can tell from nothing
  ev_tstamp io_interval = 0.;
  ev_tstamp timeout_interval = 0.;
  pid_t checked_process = 0;  // EVFLAG_FORKCHECK: who ran the loop last
  bool forked = false;        // the kernel's side is to be built anew
  bool waiting = false;
  void* userdata = nullptr;
  ev_loop_callback invoke_callback = nullptr;  // instead of invoke_pending()
  void (*release_callback)(ev_loop*) EV_NOEXCEPT = nullptr;
  void (*acquire_callback)(ev_loop*) EV_NOEXCEPT = nullptr;
  pollshim::view::LoopView* view = nullptr;
  std::uint64_t events_delivered = 0;
  std::uint64_t timers_fired = 0;
  std::uint64_t wakes_asked = 0;

 private:
  ev_loop() = default;
  [[gnu::cold]] ~ev_loop();
  [[gnu::cold]] int init(unsigned flags);
  void invoke();
  [[gnu::noinline]] void invoke_in_view(ev_watcher* watcher, int events);
  void queue(const pollshim::ev::PhaseWatchers& watchers, int events);
  void notice_fork();
  [[gnu::cold]] void rebuild_kernel_state();
  ev_tstamp time_to_wait(int run_flags, ev_tstamp steady_before);
  void wait(ev_tstamp seconds);
};
