// The published summary of a PollDesc (the model's atomicInfo): closing, event error, read and
// write deadline expired, and the generation, in one word that a waiter reads without a lock.
//
// The handshake that it is half of:
//     closer or deadline:  change fields -> publish() -> look at the gate
//     waiter:              gate nil->wait             -> look at the word
// All four steps are sequentially consistent, so at least one side sees the other. publish() is a
// read-modify-write even when nothing changes, because it doubles as the fence.
//
// The event-error bit lives only here, beside the generation, so that "set the error on the right
// incarnation" is one atomic step: an error of a closed descriptor can not land on its successor.
#pragma once

#include <atomic>
#include <cstdint>

namespace netpoll {

#ifndef NETPOLL_GENERATION_BITS
#define NETPOLL_GENERATION_BITS 28
#endif

using Generation = std::uint32_t;
inline constexpr unsigned kGenerationBits = NETPOLL_GENERATION_BITS;
inline constexpr unsigned kGenerationShift = 4;
inline constexpr Generation kGenerationMask =
    static_cast<Generation>((std::uint64_t{1} << kGenerationBits) - 1);
static_assert(kGenerationBits >= 1 && kGenerationBits + kGenerationShift <= 32,
              "the generation and four flags share one 32-bit word");

// Zero means "any incarnation", so an open descriptor never has it.
constexpr Generation next_generation(Generation generation) {
  const Generation next = (generation + 1) & kGenerationMask;
  return next == 0 ? 1 : next;
}

inline constexpr std::uint32_t kInfoClosing = 1;
inline constexpr std::uint32_t kInfoEventError = 2;
inline constexpr std::uint32_t kInfoReadExpired = 4;
inline constexpr std::uint32_t kInfoWriteExpired = 8;

template <template <class> class AtomicOf>
class BasicInfoWord {
 public:
  // Stores what the caller derived from the locked fields; keeps the event-error bit.
  void publish(Generation generation, std::uint32_t flags) {
    const std::uint32_t base = generation << kGenerationShift | (flags & ~kInfoEventError);
    std::uint32_t old = word_.load(std::memory_order_relaxed);
    while (!word_.compare_exchange_weak(old, base | (old & kInfoEventError),
                                        std::memory_order_seq_cst, std::memory_order_relaxed)) {
    }
  }

  // Generation 0 sets or clears unconditionally; any other only on that incarnation.
  bool set_event_error(bool error, Generation generation) {
    std::uint32_t old = word_.load(std::memory_order_seq_cst);
    for (;;) {
      if (generation != 0 && old >> kGenerationShift != generation) return false;
      const std::uint32_t next = error ? old | kInfoEventError : old & ~kInfoEventError;
      if (word_.compare_exchange_weak(old, next, std::memory_order_seq_cst,
                                      std::memory_order_seq_cst)) {
        return true;
      }
    }
  }

  // The next incarnation, of which nothing is known yet. For a word that nobody reads but who holds
  // the lock.
  void renew() {
    word_.store(next_generation(generation()) << kGenerationShift, std::memory_order_relaxed);
  }

  std::uint32_t flags() const {
    return word_.load(std::memory_order_seq_cst) & ((1u << kGenerationShift) - 1);
  }
  Generation generation() const {
    return word_.load(std::memory_order_acquire) >> kGenerationShift;
  }

 private:
  AtomicOf<std::uint32_t> word_{0};
};

}  // namespace netpoll
