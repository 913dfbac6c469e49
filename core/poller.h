// A Poller is one netpoller: a kernel set behind a backend, the slab of descriptors registered with
// it, and the wake-up that ends its sleep. It rejects stale events by generation; what a live event
// means is decided by whoever rides on it: the fd table of a loop, or the native API's threads.
//
// One thread at a time waits in it. Unless said otherwise, calls are made with the owner's lock
// held, if the owner has one; wait() alone is made without.
#pragma once

#include <cstdint>

#include "core/backend.h"
#include "core/poll_cache.h"
#include "core/waiter.h"
#include "core/wake.h"

namespace netpoll {

struct PollerCounters {
  std::uint64_t waits = 0;           // calls into the kernel to wait
  std::uint64_t events = 0;          // reports that the kernel made
  std::uint64_t stale = 0;           // ... of incarnations that are gone
  std::uint64_t registrations = 0;   // additions to the kernel set
  std::uint64_t removals = 0;        // removals from it
  std::uint64_t modifications = 0;   // changes of what is there
  std::uint64_t rebuilds = 0;        // kernel sets thrown away because of zombies
  std::uint64_t wakes_received = 0;  // waits that a wake-up ended
  std::atomic<std::uint64_t> wakes_written{0};
};

class Poller {
 public:
  Poller() = default;
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller() { shut_down(); }

  // 0, or an errno with nothing left behind.
  int init(const BackendOps& backend, const BackendOptions& options);
  void shut_down();
  bool initialized() const { return backend_ != nullptr; }

  // One wait, in three steps so that the owner can drop its lock for the middle one.
  //
  // begin: announces the sleep. Returns the delay to wait for: the one given, or 0 if somebody has
  // called wake() since the last wait.
  std::int64_t begin_wait(std::int64_t delay);
  // wait, without any lock: sleeps in the kernel. 0 or an errno.
  int wait(std::int64_t delay);
  // finish: takes back the announcement, lowers the wake facility. The owner must look at all
  // shared state after this, and before the next begin_wait().
  void finish_wait();

  // Walks the events of the last wait. `live(cookie, desc, bits)`, `stale(cookie)` and `woken()`.
  struct Ignore {
    void operator()() const {}
  };
  template <class Live, class Stale, class Woken = Ignore>
  void for_each_event(Live&& live, Stale&& stale, Woken&& woken = Woken()) {
    const KernelEvent* const end = events_ + event_count_;
    for (const KernelEvent* at = events_; at != end; ++at) {
      const KernelEvent event = *at;
      if (event.cookie == kWakeCookie) {
        woken();
        continue;
      }
      PollDesc* desc = cache_.find_live(event.cookie);
      if (desc != nullptr) {
        live(event.cookie, *desc, event.bits);
      } else {
        ++counters_.stale;
        stale(event.cookie);
      }
    }
    event_count_ = 0;
  }
  int event_count() const { return event_count_; }

  // Position of the wake-up among the events of the last wait, or -1: a front end that runs
  // cross-thread work in the kernel's order needs it.
  int wake_position() const { return wake_position_; }

  // Ends the wait under way, or makes the next one not sleep. Async-signal-safe, any thread, no
  // lock. One system call for each sleep at most.
  void wake() {
    if (!wake_flag_.notify()) return;
    counters_.wakes_written.fetch_add(1, std::memory_order_relaxed);
    ops_->wake(backend_);
  }

  // Forgets a wake() that found the loop awake, so that it does not cut the next sleep short. For
  // the waiting thread, when it is about to look at all shared state anyway.
  void take_note() {
    if (wake_flag_.notified()) wake_flag_.settle();
  }

  // Before the first wake(), if the wake facility was left for later. By the waiting thread, or
  // while nobody waits. 0 or an errno.
  int expect_wakes() { return ops_->open_wake != nullptr ? ops_->open_wake(backend_) : 0; }

  bool waiting() const { return waiting_; }

  // A descriptor that is readable while the kernel set has events, or -1 where there is none.
  int descriptor() const { return ops_->descriptor != nullptr ? ops_->descriptor(backend_) : -1; }

  // Thin wrappers over the backend that count.
  int add(Slot slot, Interest interest);
  // Under a cookie of the next generation, for a slot that is renewed only if this succeeds.
  int add_as(Cookie cookie, int fd, Interest interest) {
    ++counters_.registrations;
    return ops_->add(backend_, fd, cookie, interest);
  }
  int modify(Slot slot, Interest from, Interest to);
  int remove(Slot slot, Interest from);
  int reset(ResetReason reason);

  bool owns(int fd) const { return ops_->owns(backend_, fd); }
  const BackendTraits& traits() const { return ops_->traits; }
  PollCache& cache() { return cache_; }
  const PollCache& cache() const { return cache_; }
  PollerCounters& counters() { return counters_; }

  // How many events one wait can bring; doubling it after a full wait saves the next one. Failure
  // is harmless: what does not fit comes with the next wait.
  std::uint32_t event_capacity() const { return static_cast<std::uint32_t>(capacity_); }
  bool wait_was_full() const { return event_count_ == capacity_ && capacity_ < kLastCapacity; }
  void double_event_capacity();

 private:
  // Enough for a busy loop, small enough for ten thousand quiet ones; a full buffer doubles.
  static constexpr int kFirstCapacity = 64;
  static constexpr int kLastCapacity = 4096;

  const BackendOps* ops_ = nullptr;
  Backend* backend_ = nullptr;
  WakeFlag wake_flag_;
  bool waiting_ = false;
  bool announced_ = false;
  KernelEvent* events_ = nullptr;
  int capacity_ = 0;
  int event_count_ = 0;
  int wake_position_ = -1;
  PollCache cache_;
  PollerCounters counters_;
};

}  // namespace netpoll
