#include "core/clock.h"

namespace netpoll {

namespace {

Nanoseconds read_clock(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return from_timespec(time);
}

Nanoseconds system_monotonic() {
  return read_clock(CLOCK_MONOTONIC);
}
Nanoseconds system_wall() {
  return read_clock(CLOCK_REALTIME);
}

constexpr ClockSource kSystemClock = {system_monotonic, system_wall};
ClockSource source_in_use = kSystemClock;

}  // namespace

void set_clock_source(const ClockSource& source) {
  source_in_use = source;
}
void restore_clock_source() {
  source_in_use = kSystemClock;
}

Nanoseconds monotonic_now() {
  return source_in_use.monotonic();
}
Nanoseconds wall_now() {
  return source_in_use.wall();
}

}  // namespace netpoll
