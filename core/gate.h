// A Gate is one direction of a PollDesc: a binary semaphore in a single word (the model's rg and
// wg). It owns the transitions between nil, ready, wait and a parked waiter; it knows no
// descriptor, no lock and no list. Every transition is lock-free, so a poller may open a gate while
// a waiter is still on its way into it.
//
// The word is a template over its atomic so that the model checker in conformance/unit runs this
// very code. The orders are sequentially consistent on purpose: the gate is one half of a
// store/load handshake (see InfoWord), for which acquire and release are not enough.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/atomic.h"

namespace netpoll {

// A parked continuation: a blocked thread, or whatever a loop wants back when a descriptor is
// ready. The core never looks inside; it needs only that the address is neither 0, 1 nor 2.
struct Waiter;

enum class Arrival : std::uint8_t {
  kWasReady,  // a remembered edge was consumed: do not park
  kMayPark,   // the gate now says "wait": re-check the info word, then commit
  kOccupied,  // somebody else waits here: a bug in the caller
};

template <template <class> class AtomicOf>
class BasicGate {
 public:
  static constexpr std::uintptr_t kNil = 0;
  static constexpr std::uintptr_t kReady = 1;
  static constexpr std::uintptr_t kWait = 2;

  // ready -> nil, or nil -> wait.
  Arrival arrive() {
    for (;;) {
      std::uintptr_t expected = kReady;
      if (word_.compare_exchange_strong(expected, kNil, std::memory_order_seq_cst,
                                        std::memory_order_seq_cst)) {
        return Arrival::kWasReady;
      }
      expected = kNil;
      if (word_.compare_exchange_strong(expected, kWait, std::memory_order_seq_cst,
                                        std::memory_order_seq_cst)) {
        return Arrival::kMayPark;
      }
      if (expected != kReady) return Arrival::kOccupied;
    }
  }

  // wait -> waiter. False when readiness or a time-out got in between: then do not sleep.
  bool commit(Waiter* waiter) {
    std::uintptr_t expected = kWait;
    return word_.compare_exchange_strong(expected, reinterpret_cast<std::uintptr_t>(waiter),
                                         std::memory_order_seq_cst, std::memory_order_seq_cst);
  }

  // Readiness (io_ready) leaves a remembered edge behind, a time-out or close does not. Returns the
  // waiter that was parked and is now the caller's to wake.
  Waiter* unblock(bool io_ready) {
    std::uintptr_t old = word_.load(std::memory_order_seq_cst);
    for (;;) {
      if (old == kReady) return nullptr;
      if (old == kNil && !io_ready) return nullptr;
      const std::uintptr_t next = io_ready ? kReady : kNil;
      if (word_.compare_exchange_strong(old, next, std::memory_order_seq_cst,
                                        std::memory_order_seq_cst)) {
        return old > kWait ? reinterpret_cast<Waiter*>(old) : nullptr;
      }
    }
  }

  // After the waiter runs again, parked or not: takes what is there. True if it was an edge.
  bool settle() { return word_.exchange(kNil, std::memory_order_seq_cst) == kReady; }

  // Drops a remembered edge, before the first attempt at I/O of a new operation.
  void reset() { word_.store(kNil, std::memory_order_seq_cst); }

  std::uintptr_t peek() const { return word_.load(std::memory_order_relaxed); }

  // The rest is for the thread that owns a loop: its watchers stay parked from one event to the
  // next, and nobody else touches the gate, so plain loads and stores do.
  Waiter* parked() const {
    const std::uintptr_t word = peek();
    return word > kWait ? reinterpret_cast<Waiter*>(word) : nullptr;
  }
  bool remembers() const { return peek() == kReady; }
  void park(Waiter* waiter) {
    word_.store(reinterpret_cast<std::uintptr_t>(waiter), std::memory_order_relaxed);
  }
  void remember() { word_.store(kReady, std::memory_order_relaxed); }
  void clear() { word_.store(kNil, std::memory_order_relaxed); }

 private:
  AtomicOf<std::uintptr_t> word_{kNil};
};

using Gate = BasicGate<StdAtomic>;

}  // namespace netpoll
