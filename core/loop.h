// What every event loop shares: a poller, its fd table, timers, a clock, signals, and one wait that
// brings them together. Front ends differ in the order of a turn, and write that themselves.
//
// Everything here is called with the loop's lock held, if its front end has one, apart from wake().
// The lock is dropped only while the kernel waits.
#pragma once

#include "core/clock.h"
#include "core/fd_table.h"
#include "core/poller.h"
#include "core/signal_table.h"
#include "core/timer_heap.h"

namespace netpoll {

struct LoopOptions {
  const BackendOps* backend = nullptr;
  BackendOptions backend_options;
  FdTableOptions fds;
};

class Loop {
 public:
  Loop() : fds_(poller_) {}
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // 0, or an errno with nothing left behind.
  int init(const LoopOptions& options);
  void shut_down();

  Poller& poller() { return poller_; }
  FdTable& fds() { return fds_; }
  TimerHeap& timers() { return timers_; }
  LoopClock& clock() { return clock_; }

  // The loop's share of the process's signals; opened by its first use. 0 or an errno.
  int watch_signal(int signal);
  int unwatch_signal(int signal);
  SignalSink& signals() { return signals_; }

  // Ends the wait under way or makes the next one short. Any thread, signal handlers too.
  void wake() { poller_.wake(); }

  // Tells the kernel what it has to know, waits for at most `delay` nanoseconds (negative: for
  // ever), and shows the visitor what is ready, as the fd table does: after a wait that did not
  // fail, and after `visitor.awake()`, which may come more than once. `unlocked` is called with the
  // function to run between dropping the loop's lock and taking it again. 0 or an errno.
  template <class Unlocked, class Visitor>
  int wait(Nanoseconds delay, Unlocked&& unlocked, Visitor&& visitor) {
    if (fds_.has_instant() || signals_.has_any()) delay = 0;
    if (delay != 0 && may_speculate()) {
      fds_.reconcile(false);
      bool visited = false;
      const int error = wait_once(0, unlocked, visitor, visited);
      if (error != 0 || visited) return error;
      stop_speculating();
    }
    const bool verify = delay != 0 || trusted_turns_ >= kLongestTrust;
    fds_.reconcile(verify);
    if (!fds_.has_unverified()) trusted_turns_ = 0;
    // Reconciling may have found descriptors that are closed, and owes somebody the news.
    bool visited = false;
    return wait_once(fds_.has_instant() ? 0 : delay, unlocked, visitor, visited);
  }

  // In a forked child. 0 or an errno. Signals that were caught before are the parent's, unless the
  // front end promises them to both.
  enum class Caught : std::uint8_t { kForget, kKeep };
  int after_fork(Caught caught = Caught::kForget);

 private:
  // Registrations that are trusted to be unchanged must be verified before the loop sleeps. While
  // the last attempts to find work without sleeping succeeded, that is put off once more, but not
  // for more than kLongestTrust turns on end; after a failed attempt it is not tried for a while,
  // because a wait that finds nothing costs as much as it saves.
  static constexpr unsigned kLongestTrust = 32;
  static constexpr unsigned kPause = 8;

  bool may_speculate() {
    if (!fds_.has_unverified() || trusted_turns_ >= kLongestTrust) return false;
    if (pause_ != 0) {
      --pause_;
      return false;
    }
    ++trusted_turns_;
    return true;
  }
  void stop_speculating() { pause_ = kPause; }

  template <class Unlocked, class Visitor>
  int wait_once(Nanoseconds delay, Unlocked&& unlocked, Visitor&& visitor, bool& visited) {
    delay = poller_.begin_wait(delay);
    int error = 0;
    unlocked([&] { error = poller_.wait(delay); });
    poller_.finish_wait();
    if (error != 0) return error;
    visitor.awake();
    visited = fds_.visit_ready(visitor);
    return 0;
  }

  Poller poller_;
  FdTable fds_;
  TimerHeap timers_;
  LoopClock clock_;
  SignalSink signals_;
  unsigned trusted_turns_ = 0;
  unsigned pause_ = 0;
};

}  // namespace netpoll
