// Time as everything here counts it: signed nanoseconds since an arbitrary start (monotonic) or
// since 1970 (wall). 292 years fit; sums saturate instead of wrapping. A LoopClock is the cached
// time of one loop. Tests replace the sources with a virtual clock.
#pragma once

#include <cstdint>
#include <ctime>

namespace netpoll {

using Nanoseconds = std::int64_t;
inline constexpr Nanoseconds kMicrosecond = 1'000;
inline constexpr Nanoseconds kMillisecond = 1'000'000;
inline constexpr Nanoseconds kSecond = 1'000'000'000;
inline constexpr Nanoseconds kForever = INT64_MAX;

// Sum of a point in time and a delay, both not negative: a deadline too far away is "never".
constexpr Nanoseconds add_saturating(Nanoseconds time, Nanoseconds delay) {
  return delay > kForever - time ? kForever : time + delay;
}

constexpr Nanoseconds from_timespec(const timespec& time) {
  return static_cast<Nanoseconds>(time.tv_sec) * kSecond + time.tv_nsec;
}

// Pre: time >= 0.
constexpr timespec to_timespec(Nanoseconds time) {
  timespec result{};
  result.tv_sec = static_cast<std::time_t>(time / kSecond);
  result.tv_nsec = static_cast<long>(time % kSecond);
  return result;
}

// Where time comes from. Process-wide; replaced by tests before any loop exists.
struct ClockSource {
  Nanoseconds (*monotonic)();
  Nanoseconds (*wall)();
};
void set_clock_source(const ClockSource& source);
void restore_clock_source();

Nanoseconds monotonic_now();
Nanoseconds wall_now();

// The time a loop shows to its callbacks: read once a turn, so that everything that happens in one
// turn happens at one time, and asking for it costs nothing.
class LoopClock {
 public:
  Nanoseconds now() const { return now_; }
  Nanoseconds update() { return now_ = monotonic_now(); }

 private:
  Nanoseconds now_ = 0;
};

}  // namespace netpoll
