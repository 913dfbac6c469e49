// A promise of the timer heap, "this timer is not due before that time", and the order in which
// promises are redeemed: by time, and where times are equal, by age.
#pragma once

#include <cstdint>

#include "core/clock.h"

namespace netpoll {

using TimerId = std::uint32_t;
inline constexpr TimerId kNoTimer = 0;

// (Stamps wrap after two thousand million; timers that are due at one moment and armed on both
// sides of that change places.)
struct Promise {
  TimerId timer;
  std::uint32_t stamp;
  Nanoseconds bound;  // never later than the timer's time
};

// As one wide number, because which of two comes first is anybody's guess, the branch predictor's
// too.
__extension__ using Rank = __int128;
inline Rank rank_of(const Promise& promise) {
  return static_cast<Rank>(promise.bound) << 64 |
         (static_cast<std::uint64_t>(promise.stamp) << 32 | promise.timer);
}
inline bool before(const Promise& a, const Promise& b) {
  return rank_of(a) < rank_of(b);
}

// Puts promises in order, in linear time: a pass for each byte in which their times differ.
// `spare` has room for as many, and is left in no order.
void sort_promises(Promise* promises, Promise* spare, std::uint32_t count);

}  // namespace netpoll
