// Token buckets: how many bytes may be moved in each direction, refilled by the tick. Arithmetic
// alone: knows no clock but the number of the tick it is told, and nothing of who moves bytes.
#pragma once

#include <sys/time.h>

#include <cstddef>
#include <cstdint>

#include "event2/util.h"

struct ev_token_bucket_cfg;

namespace pollshim::event {

enum Direction : std::uint8_t { kReading, kWriting };
inline constexpr Direction kDirections[] = {kReading, kWriting};

class TokenBucket {
 public:
  void fill_first(const ev_token_bucket_cfg& config, std::uint64_t tick);
  // Adds what has accrued since the last time.
  void refill(const ev_token_bucket_cfg& config, std::uint64_t tick);
  // A new configuration may allow less; what was used up under the old one stays used. Its ticks
  // may be other ones, which are then counted from a new number.
  void clip(const ev_token_bucket_cfg& config);
  void count_from(std::uint64_t tick) { last_tick_ = tick; }
  // `bytes` may be negative: those are given back.
  void take(Direction direction, ev_ssize_t bytes);

  [[nodiscard]] ev_ssize_t level(Direction direction) const { return levels_[direction]; }
  [[nodiscard]] bool is_empty(Direction direction) const { return levels_[direction] <= 0; }

 private:
  ev_ssize_t levels_[2] = {0, 0};  // below 0 if more was moved than was allowed
  std::uint64_t last_tick_ = 0;
};

}  // namespace pollshim::event

struct ev_token_bucket_cfg {
  struct Rate {
    ev_ssize_t per_tick;
    ev_ssize_t most;
  };
  Rate rates[2];
  std::uint64_t tick_milliseconds;

  [[nodiscard]] std::uint64_t tick_at(std::int64_t nanoseconds) const;
  [[nodiscard]] timeval tick_length() const;
};
