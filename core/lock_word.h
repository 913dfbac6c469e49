// A lock of one word: free, held, or held while somebody may sleep until it is not. Decides who has
// it and whether anybody is to be woken; the sleeping is the caller's, on the word as a futex.
//
//     free ---try_take()---------> held
//     any ----take_or_announce()-> awaited      (it is taken if it was free)
//     held ---give_back()--------> free         (nobody is to be woken)
//     awaited give_back()--------> free         (one sleeper is to be woken)
//
// Whoever has announced a sleep goes on announcing until the lock is taken that way: only then is
// the next sleeper, of whom nobody keeps count, woken by whoever gives it back.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/atomic.h"

namespace netpoll {

template <template <class> class AtomicOf>
class BasicLockWord {
 public:
  bool try_take() {
    std::uint32_t expected = kFree;
    return word_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire,
                                         std::memory_order_relaxed);
  }

  // False: sleep for as long as the word is kAwaited, and ask again.
  bool take_or_announce() { return word_.exchange(kAwaited, std::memory_order_acquire) == kFree; }

  // True: wake one that sleeps.
  bool give_back() { return word_.exchange(kFree, std::memory_order_release) == kAwaited; }

  // A hint, for who tries for a while before sleeping.
  bool looks_free() const { return word_.load(std::memory_order_relaxed) == kFree; }

  // The same where there is no other thread. One that is started later takes the word as it is.
  bool try_take_alone() {
    if (!looks_free()) return false;
    word_.store(kHeld, std::memory_order_relaxed);
    return true;
  }
  void give_back_alone() { word_.store(kFree, std::memory_order_relaxed); }

  // What a sleeper expects to find.
  static constexpr std::uint32_t kAwaited = 2;
  AtomicOf<std::uint32_t>& word() { return word_; }

 private:
  static constexpr std::uint32_t kFree = 0;
  static constexpr std::uint32_t kHeld = 1;

  AtomicOf<std::uint32_t> word_{kFree};
};

using LockWord = BasicLockWord<StdAtomic>;

}  // namespace netpoll
