// Time as libev shows it: seconds in a double, from a clock that never jumps and from the wall
// clock, both read once a turn. The wall clock is asked only now and then and reckoned from the
// other in between; a jump of it is noticed by that reckoning.
//
// Heaps of timers compare integers, so a moment has a key: the double's own bits, arranged so that
// they order as the numbers do. Nothing is rounded and nothing overflows; infinities keep their
// place and a NaN stands behind all of them, where it is never due.
#pragma once

#include <ev.h>

#include <bit>
#include <cstdint>
#include <limits>

#include "core/clock.h"

namespace pollshim::ev {

using Key = netpoll::Nanoseconds;  // what netpoll::TimerHeap orders by; not nanoseconds here

inline constexpr auto kInfinityBits =
    std::bit_cast<std::uint64_t>(std::numeric_limits<ev_tstamp>::infinity());
// Neither NaN nor with a minus, not even in front of zero: one comparison tells.
constexpr bool is_plain(ev_tstamp number) {
  return std::bit_cast<std::uint64_t>(number) <= kInfinityBits;
}
constexpr Key key_of(ev_tstamp moment) {
  const auto bits = std::bit_cast<std::int64_t>(moment);
  if (is_plain(moment)) [[likely]]
    return bits;
  return moment != moment ? netpoll::kForever - 1 : bits ^ INT64_MAX;
}
constexpr ev_tstamp moment_of(Key key) {
  return std::bit_cast<ev_tstamp>(key >= 0 ? key : key ^ INT64_MAX);
}
// The last key that is before `moment`: libev's timers fire behind their time, never at it.
constexpr Key last_key_before(ev_tstamp moment) {
  return key_of(moment) - 1;
}
static_assert(key_of(-1.) < key_of(0.) && key_of(0.) < key_of(1e-300) && key_of(1.) < key_of(2.));
static_assert(moment_of(key_of(-3.5)) == -3.5 && moment_of(key_of(3.5)) == 3.5);

constexpr ev_tstamp seconds_of(netpoll::Nanoseconds time) {
  const netpoll::Nanoseconds whole = time / netpoll::kSecond;
  const netpoll::Nanoseconds rest = time % netpoll::kSecond;
  return static_cast<ev_tstamp>(whole) + static_cast<ev_tstamp>(rest) * 1e-9;
}

// The largest whole number that is not above `value`. libm has it too, but would be a dependency.
constexpr ev_tstamp round_down(ev_tstamp value) {
  constexpr ev_tstamp kAllWhole = 4503599627370496.;  // from here on doubles have no fraction
  if (!(value > -kAllWhole && value < kAllWhole)) return value;
  const auto whole = static_cast<ev_tstamp>(static_cast<std::int64_t>(value));
  return whole > value ? whole - 1. : whole;
}
static_assert(round_down(-1.5) == -2. && round_down(2.75) == 2. && round_down(-3.) == -3.);

inline ev_tstamp wall_time() {
  return seconds_of(netpoll::wall_now());
}
inline ev_tstamp steady_time() {
  return seconds_of(netpoll::monotonic_now());
}

// Returns at once for nothing, less than nothing and NaN.
void sleep_for(ev_tstamp delay);

// What to wait in the kernel for a delay in seconds; nearest, so that the noise of a subtraction
// does not cost a millisecond.
constexpr netpoll::Nanoseconds delay_of(ev_tstamp seconds) {
  return static_cast<netpoll::Nanoseconds>(round_down(seconds * 1e9 + .5));
}

class LoopTime {
 public:
  void start();

  // Reads the clocks. True if the wall clock has jumped since the last time.
  bool update();

  // Something says that the wall clock jumped: it is reckoned anew from here on. The other clock
  // stands still within a turn, and goes on doing so.
  void read_wall() {
    wall_ = wall_time();
    difference_ = wall_ - steady_time();
  }

  ev_tstamp steady() const { return steady_; }
  ev_tstamp wall() const { return wall_; }

 private:
  [[gnu::cold]] bool ask_wall();

  ev_tstamp steady_;
  ev_tstamp wall_;
  ev_tstamp asked_at_;    // when the wall clock itself was read last
  ev_tstamp difference_;  // of the two clocks, then
};

}  // namespace pollshim::ev
