// Numbers for tests that take random steps: the same ones for the same seed, so that a failure can
// be found again.
#pragma once

#include <cstdint>

namespace netpoll::test {

class Random {
 public:
  explicit Random(std::uint64_t seed = 88172645463325252u) : state_(seed * 2 + 1) {}

  // All bits of it; the low ones are the least random.
  std::uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  // From 0 to limit - 1.
  template <class Integer>
  Integer below(Integer limit) {
    const auto bits = static_cast<std::uint32_t>(next() >> 16);
    return static_cast<Integer>(bits % static_cast<std::uint32_t>(limit));
  }
  bool one_in(int chances) { return below(chances) == 0; }

 private:
  std::uint64_t state_;
};

}  // namespace netpoll::test
