#include "compat/ev/time.h"

#include <ctime>

namespace pollshim::ev {

namespace {

// A smaller difference is the clock being adjusted, or this thread losing the processor between two
// readings.
constexpr ev_tstamp kSmallestJump = 1.;
// How often to read again before believing in a jump.
constexpr int kReadings = 3;

constexpr ev_tstamp distance(ev_tstamp a, ev_tstamp b) {
  return a < b ? b - a : a - b;
}

}  // namespace

void sleep_for(ev_tstamp delay) {
  if (!(delay > 0.)) return;
  constexpr ev_tstamp kLongest = 1e9;
  if (delay > kLongest) delay = kLongest;
  timespec time{};
  time.tv_sec = static_cast<std::time_t>(delay);
  time.tv_nsec = static_cast<long>((delay - static_cast<ev_tstamp>(time.tv_sec)) * 1e9);
  ::nanosleep(&time, nullptr);
}

void LoopTime::start() {
  wall_ = wall_time();
  steady_ = steady_time();
  asked_at_ = steady_;
  difference_ = wall_ - steady_;
}

bool LoopTime::update() {
  steady_ = steady_time();
  if (steady_ - asked_at_ < kSmallestJump / 2) {
    wall_ = difference_ + steady_;
    return false;
  }
  return ask_wall();
}

bool LoopTime::ask_wall() {
  const ev_tstamp before = difference_;
  asked_at_ = steady_;
  wall_ = wall_time();
  for (int reading = 0; reading < kReadings; ++reading) {
    difference_ = wall_ - steady_;
    if (distance(before, difference_) < kSmallestJump) return false;
    wall_ = wall_time();
    steady_ = steady_time();
    asked_at_ = steady_;
  }
  return true;
}

}  // namespace pollshim::ev
