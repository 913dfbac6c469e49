// Waking a loop from elsewhere. WakeFlag decides whether a wake-up needs a system call at all, and
// WakeDescriptor is the eventfd or pipe that carries it. Loops and the native poller use both;
// neither knows what the wake-up is for.
//
// One word has three states. A loop that is awake looks at its queues again before it sleeps, so
// waking it only leaves a note; a loop that has announced its sleep needs one write, and whoever
// moves the word away from "blocking" is the one who owes it. However many threads call, a sleep
// costs at most one write.
//
//     awake ----announce----> blocking ---settle---> awake
//     awake ----notify------> notified               (no write: announce() will fail)
//     blocking -notify------> notified               (this caller writes)
//
// Order in the waiting thread: drain the descriptor, then look at shared state, then announce.
// Announcing before draining loses a wake-up for ever: a breaker sees "blocking" and writes, the
// drain swallows that write, and the loop sleeps on with the word at "notified".
#pragma once

#include <atomic>
#include <cstdint>

#include "core/atomic.h"
#include "core/backend.h"

namespace netpoll {

template <template <class> class AtomicOf>
class BasicWakeFlag {
 public:
  // The waiting thread is about to block. False: somebody asked for it in the meantime, so look at
  // the shared state again instead.
  bool announce() {
    std::uint32_t expected = kAwake;
    if (state_.compare_exchange_strong(expected, kBlocking, std::memory_order_seq_cst,
                                       std::memory_order_seq_cst)) {
      return true;
    }
    state_.exchange(kAwake, std::memory_order_seq_cst);
    return false;
  }

  // True: the waiting thread sleeps, or is about to, and the caller must raise its descriptor.
  // An unconditional exchange: a failed compare-and-swap would release nothing, and the loop could
  // miss what the caller wrote before.
  bool notify() { return state_.exchange(kNotified, std::memory_order_seq_cst) == kBlocking; }

  // The waiting thread is back, and has drained its descriptor if that was raised. True if it was
  // notified.
  bool settle() { return state_.exchange(kAwake, std::memory_order_seq_cst) == kNotified; }

  bool notified() const { return state_.load(std::memory_order_acquire) == kNotified; }
  bool blocking() const { return state_.load(std::memory_order_acquire) == kBlocking; }

  // In a forked child, whose loop is certainly awake.
  void reset() { state_.store(kAwake, std::memory_order_seq_cst); }

 private:
  static constexpr std::uint32_t kAwake = 0;
  static constexpr std::uint32_t kBlocking = 1;
  static constexpr std::uint32_t kNotified = 2;

  AtomicOf<std::uint32_t> state_{kAwake};
};

using WakeFlag = BasicWakeFlag<StdAtomic>;

// An eventfd where there is one and a pipe is not asked for, a non-blocking pipe elsewhere.
class WakeDescriptor {
 public:
  int open(WakeKind kind = WakeKind::kCheapest);  // 0 or an errno; kLater: leaves it closed
  // One of the same kind, which may be none.
  int open_like(const WakeDescriptor& other);
  void close();
  bool is_open() const { return read_ >= 0; }
  int read_end() const { return read_; }
  bool owns(int fd) const { return fd >= 0 && (fd == read_ || fd == write_); }
  void raise() const;  // async-signal-safe, leaves errno alone; nothing while it is closed
  void drain() const;

 private:
  int read_ = -1;
  int write_ = -1;
};

}  // namespace netpoll
