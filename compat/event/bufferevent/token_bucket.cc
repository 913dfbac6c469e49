// What token_bucket.h promises, and the configurations that programs make.
#include "compat/event/bufferevent/token_bucket.h"

#include <cstdint>

#include "compat/event/memory.h"
#include "compat/event/timeout.h"
#include "core/clock.h"
#include "event2/bufferevent.h"

namespace pollshim::event {

void TokenBucket::fill_first(const ev_token_bucket_cfg& config, std::uint64_t tick) {
  for (const Direction direction : kDirections) {
    levels_[direction] = config.rates[direction].per_tick;
  }
  last_tick_ = tick;
}

void TokenBucket::refill(const ev_token_bucket_cfg& config, std::uint64_t tick) {
  if (tick <= last_tick_) return;
  const std::uint64_t ticks = tick - last_tick_;
  last_tick_ = tick;
  for (const Direction direction : kDirections) {
    const auto& [per_tick, most] = config.rates[direction];
    ev_ssize_t& level = levels_[direction];
    if (level >= most) continue;
    // The difference of two numbers of any sign fits when it is unsigned; their product may not.
    const std::uint64_t missing =
        static_cast<std::uint64_t>(most) - static_cast<std::uint64_t>(level);
    const auto rate = static_cast<std::uint64_t>(per_tick);
    level = missing / ticks < rate ? most : level + static_cast<ev_ssize_t>(ticks * rate);
  }
}

void TokenBucket::clip(const ev_token_bucket_cfg& config) {
  for (const Direction direction : kDirections) {
    const ev_ssize_t most = config.rates[direction].most;
    if (levels_[direction] > most) levels_[direction] = most;
  }
}

void TokenBucket::take(Direction direction, ev_ssize_t bytes) {
  ev_ssize_t& level = levels_[direction];
  if (__builtin_sub_overflow(level, bytes, &level)) {
    level = bytes > 0 ? EV_SSIZE_MIN : EV_SSIZE_MAX;
  }
}

}  // namespace pollshim::event

std::uint64_t ev_token_bucket_cfg::tick_at(std::int64_t nanoseconds) const {
  return static_cast<std::uint64_t>(nanoseconds / netpoll::kMillisecond) / tick_milliseconds;
}

timeval ev_token_bucket_cfg::tick_length() const {
  return {static_cast<time_t>(tick_milliseconds / 1000),
          static_cast<suseconds_t>(tick_milliseconds % 1000 * 1000)};
}

using namespace pollshim::event;

extern "C" {

ev_token_bucket_cfg* ev_token_bucket_cfg_new(size_t read_rate, size_t read_burst, size_t write_rate,
                                             size_t write_burst, const timeval* tick_len) {
  if (read_rate < 1 || write_rate < 1 || read_rate > read_burst || write_rate > write_burst ||
      read_burst > EV_RATE_LIMIT_MAX || write_burst > EV_RATE_LIMIT_MAX) {
    return nullptr;
  }
  std::int64_t milliseconds = 1000;
  if (tick_len != nullptr) {
    // One that event_base_init_common_timeout() made has more than microseconds in it.
    const auto microseconds = static_cast<std::int64_t>(tick_len->tv_usec & kMicrosecondsMask);
    if (__builtin_mul_overflow(static_cast<std::int64_t>(tick_len->tv_sec), 1000, &milliseconds) ||
        __builtin_add_overflow(milliseconds, microseconds / 1000, &milliseconds)) {
      return nullptr;
    }
    if (milliseconds < 1) return nullptr;
  }
  auto* config = static_cast<ev_token_bucket_cfg*>(allocate_zeroed(1, sizeof(ev_token_bucket_cfg)));
  if (config == nullptr) return nullptr;
  config->rates[kReading] = {static_cast<ev_ssize_t>(read_rate),
                             static_cast<ev_ssize_t>(read_burst)};
  config->rates[kWriting] = {static_cast<ev_ssize_t>(write_rate),
                             static_cast<ev_ssize_t>(write_burst)};
  config->tick_milliseconds = static_cast<std::uint64_t>(milliseconds);
  return config;
}

void ev_token_bucket_cfg_free(ev_token_bucket_cfg* cfg) {
  release(cfg);
}

}  // extern "C"
