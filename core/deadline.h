// Deadlines of descriptors: the cold half of the model's pollDesc. Reading and writing have one
// each; when they are equal one timer serves both. When a deadline passes, its bit is published in
// the descriptor's info word first, and whoever waits in that direction is unblocked second.
//
// Everything here happens under the netpoller's lock, timers included: a timer that was stopped
// can not fire any more, and no sequence number has to tell a late firing from a current one.
#pragma once

#include "core/clock.h"
#include "core/poll_cache.h"
#include "core/timer_heap.h"
#include "core/waiter.h"

namespace netpoll {

// Waiters that a change has freed, at most one for each direction: the caller wakes them.
struct Unblocked {
  Waiter* waiters[2] = {nullptr, nullptr};
  unsigned count = 0;
  void add(Waiter* waiter) {
    if (waiter != nullptr) waiters[count++] = waiter;
  }
};

class Deadlines {
 public:
  explicit Deadlines(PollCache& cache) : cache_(cache) {}
  Deadlines(const Deadlines&) = delete;
  Deadlines& operator=(const Deadlines&) = delete;
  ~Deadlines();

  // A slot begins its life: no deadline, not closing. False when memory is short.
  bool open(Slot slot);

  // `delay` > 0: that long from now; 0: no deadline; < 0: past already. ENOMEM leaves the old
  // deadline in force. A closing descriptor takes no deadlines, silently.
  int set(Slot slot, Nanoseconds delay, ModeSet modes, Nanoseconds now, Unblocked& freed);

  // Marks the descriptor as closing, frees both directions and stops its timers. False if it was
  // closing already.
  bool evict(Slot slot, Unblocked& freed);
  bool closing(Slot slot) const { return halves_[slot].closing; }

  // Frees who waits for one deadline that has passed. False when none has, or there is nobody left.
  bool expire_one(Nanoseconds now, Unblocked& freed);
  Nanoseconds earliest() { return timers_.earliest(); }

  // Absolute time; 0 for none, negative once it has passed.
  Nanoseconds read_deadline(Slot slot) const { return halves_[slot].read_at; }
  Nanoseconds write_deadline(Slot slot) const { return halves_[slot].write_at; }
  std::uint32_t timer_count() const { return timers_.size(); }

 private:
  static constexpr Nanoseconds kPassed = -1;

  struct ColdHalf {
    Nanoseconds read_at = 0;
    Nanoseconds write_at = 0;
    TimerId read_timer = kNoTimer;  // for both directions while the deadlines are equal
    TimerId write_timer = kNoTimer;
    bool closing = false;
  };

  static void* owner_of(Slot slot, bool write);
  void publish(Slot slot);
  int arm(TimerId& timer, Slot slot, bool write, Nanoseconds when);
  void stop(TimerId& timer);
  int settle_timers(Slot slot);

  PollCache& cache_;
  TimerHeap timers_;
  ColdHalf* halves_ = nullptr;
  Slot size_ = 0;
};

}  // namespace netpoll
