#include "core/waiter.h"

#include <cstdlib>

namespace netpoll {

WaiterList::~WaiterList() {
  std::free(entries_);
}

bool WaiterList::reserve(std::uint32_t capacity) {
  if (capacity <= capacity_) return true;
  void* memory = std::realloc(entries_, sizeof(ReadyWaiter) * capacity);
  if (memory == nullptr) return false;
  entries_ = static_cast<ReadyWaiter*>(memory);
  capacity_ = capacity;
  return true;
}

}  // namespace netpoll
