// Turning a delay in nanoseconds into what a kernel takes, always rounded up: a loop that wakes
// early would find its timer not yet due and spin. Used by every backend.
#pragma once

#include <sys/time.h>

#include <cstdint>
#include <ctime>

namespace netpoll {

inline constexpr std::int64_t kNanosecondsPerMicrosecond = 1'000;
inline constexpr std::int64_t kNanosecondsPerMillisecond = 1'000'000;
inline constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

// Longer delays are cut; a wait that ends too soon with nothing ready is simply entered again by
// its caller. Kernels of old overflow at about 35 minutes with HZ=1000.
inline constexpr std::int64_t kLongestDelay = 2'100 * kNanosecondsPerSecond;

constexpr int delay_in_milliseconds(std::int64_t delay) {
  if (delay < 0) return -1;
  if (delay > kLongestDelay) delay = kLongestDelay;
  return static_cast<int>((delay + kNanosecondsPerMillisecond - 1) / kNanosecondsPerMillisecond);
}

// Pre: delay >= 0.
inline timespec delay_as_timespec(std::int64_t delay) {
  if (delay > kLongestDelay) delay = kLongestDelay;
  timespec time{};
  time.tv_sec = static_cast<std::time_t>(delay / kNanosecondsPerSecond);
  time.tv_nsec = static_cast<long>(delay % kNanosecondsPerSecond);
  return time;
}

// Pre: delay >= 0.
inline timeval delay_as_timeval(std::int64_t delay) {
  if (delay > kLongestDelay) delay = kLongestDelay;
  const std::int64_t microseconds =
      (delay + kNanosecondsPerMicrosecond - 1) / kNanosecondsPerMicrosecond;
  timeval time{};
  time.tv_sec = static_cast<decltype(time.tv_sec)>(microseconds / 1'000'000);
  time.tv_usec = static_cast<decltype(time.tv_usec)>(microseconds % 1'000'000);
  return time;
}

}  // namespace netpoll
