// Between struct timeval, which the API speaks, and nanoseconds, which the core counts in.
#pragma once

#include <sys/time.h>

#include "core/clock.h"

namespace pollshim::event {

using netpoll::Nanoseconds;

// Saturates: a timeout of 1e12 seconds is "never", not a wrapped number in the past.
inline Nanoseconds to_nanoseconds(const timeval& time) {
  Nanoseconds seconds;
  if (__builtin_mul_overflow(static_cast<Nanoseconds>(time.tv_sec), netpoll::kSecond, &seconds)) {
    return time.tv_sec < 0 ? -netpoll::kForever : netpoll::kForever;
  }
  Nanoseconds sum;
  if (__builtin_add_overflow(seconds, static_cast<Nanoseconds>(time.tv_usec) * 1000, &sum)) {
    return seconds < 0 ? -netpoll::kForever : netpoll::kForever;
  }
  return sum;
}

inline timeval to_timeval(Nanoseconds time) {
  timeval result{};
  Nanoseconds seconds = time / netpoll::kSecond;
  Nanoseconds rest = time % netpoll::kSecond;
  if (rest < 0) {
    rest += netpoll::kSecond;
    --seconds;
  }
  result.tv_sec = static_cast<time_t>(seconds);
  result.tv_usec = static_cast<suseconds_t>(rest / netpoll::kMicrosecond);
  return result;
}

inline Nanoseconds round_down_to_microsecond(Nanoseconds time) {
  return time - time % netpoll::kMicrosecond;
}

// The next full microsecond, so that a time which was stored as a timeval is never early.
inline Nanoseconds round_up_to_microsecond(Nanoseconds time) {
  const Nanoseconds rest = time % netpoll::kMicrosecond;
  return rest == 0 ? time : time + (netpoll::kMicrosecond - rest);
}

}  // namespace pollshim::event
