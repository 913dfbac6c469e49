// What a wait shows to its visitor, kept for a test to look at: waiters in their order, and where
// among them the wake-up was.
#pragma once

#include <cstdint>
#include <cstdlib>

#include "core/poll_desc.h"

namespace netpoll::test {

// The wait of a loop without a lock.
inline constexpr auto kSleepInKernel = [](auto&& sleep) { sleep(); };

struct Ready {
  Waiter* waiter;
  int fd;
  ModeSet modes;
};

class ReadyList {
 public:
  static constexpr std::uint32_t kNoPlace = UINT32_MAX;

  void awake() {}
  void ready(Waiter* waiter, int fd, ModeSet modes) {
    if (size_ == kMost) std::abort();
    entries_[size_++] = {waiter, fd, modes};
  }
  void woken() { wake_place_ = size_; }

  void clear() {
    size_ = 0;
    wake_place_ = kNoPlace;
  }
  std::uint32_t size() const { return size_; }
  const Ready* begin() const { return entries_; }
  const Ready* end() const { return entries_ + size_; }
  // In front of the waiter of this place, or behind all of them; kNoPlace for none.
  std::uint32_t wake_place() const { return wake_place_; }

 private:
  static constexpr std::uint32_t kMost = 1024;

  Ready entries_[kMost];
  std::uint32_t size_ = 0;
  std::uint32_t wake_place_ = kNoPlace;
};

}  // namespace netpoll::test
