// What a poll hands back: the waiters that became ready, in the order in which the kernel reported
// them (the model's gList). A flat list with room for one poll's worth: filling it never allocates
// and reading it never chases pointers. Filled by the poller, emptied by whoever runs the waiters.
#pragma once

#include <cstdint>

#include "core/gate.h"
#include "core/modes.h"
#include "core/poll_desc.h"

namespace netpoll {

struct ReadyWaiter {
  Waiter* waiter;
  Slot slot;
  ModeSet modes;
};

class WaiterList {
 public:
  WaiterList() = default;
  WaiterList(const WaiterList&) = delete;
  WaiterList& operator=(const WaiterList&) = delete;
  ~WaiterList();

  // Makes room for `capacity` waiters in all; false when memory is short and nothing has changed.
  bool reserve(std::uint32_t capacity);

  void clear() { size_ = 0; }
  bool empty() const { return size_ == 0; }
  std::uint32_t size() const { return size_; }
  std::uint32_t capacity() const { return capacity_; }
  const ReadyWaiter* begin() const { return entries_; }
  const ReadyWaiter* end() const { return entries_ + size_; }

  // Pre: reserve() has made room.
  void push(Waiter* waiter, Slot slot, ModeSet modes) { entries_[size_++] = {waiter, slot, modes}; }

 private:
  ReadyWaiter* entries_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
};

}  // namespace netpoll
