#include "core/timer_heap.h"

#include <cstdlib>

namespace netpoll {

namespace {

constexpr std::uint32_t kBranches = 4;
// Below this many void promises a sweep is not worth its pass over the heap.
constexpr std::uint32_t kSweepThreshold = 64;

template <class T>
bool grow(T*& array, std::uint32_t& capacity, std::uint32_t needed) {
  if (needed <= capacity) return true;
  std::uint32_t wider = capacity == 0 ? 16 : capacity;
  while (wider < needed) {
    if (wider > UINT32_MAX / 2) return false;
    wider *= 2;
  }
  void* memory = std::realloc(static_cast<void*>(array), sizeof(T) * std::size_t{wider});
  if (memory == nullptr) return false;
  array = static_cast<T*>(memory);
  capacity = wider;
  return true;
}

}  // namespace

TimerHeap::~TimerHeap() {
  std::free(heap_);
  std::free(table_);
}

bool TimerHeap::reserve_promises(std::uint32_t count) {
  return grow(heap_, heap_capacity_, heap_size_ + count);
}

bool TimerHeap::reserve_timers(std::uint32_t count) {
  return grow(table_, table_capacity_, table_end_ + count);
}

bool TimerHeap::reserve(std::uint32_t count) {
  return reserve_promises(count) && reserve_timers(count);
}

TimerId TimerHeap::arm(void* owner, Nanoseconds when) {
  if (!reserve_promises(1) || (free_ == kNoTimer && !reserve_timers(1))) return kNoTimer;
  TimerId id = free_;
  if (id != kNoTimer) {
    free_ = table_[id].next_free;
  } else {
    id = table_end_++;
  }
  const std::uint32_t stamp = next_stamp_++;
  Timer& timer = table_[id];
  timer.owner = owner;
  timer.when = when;
  timer.stamp = timer.order = stamp;
  ++live_;
  push({when, id, stamp});
  return id;
}

bool TimerHeap::move_earlier(TimerId id, Nanoseconds when) {
  if (!reserve_promises(1)) return false;
  Timer& timer = table_[id];
  timer.when = when;
  timer.stamp = timer.order = next_stamp_++;
  push({when, id, timer.stamp});
  if (heap_size_ > 2 * live_ + kSweepThreshold) sweep();
  return true;
}

void TimerHeap::cancel(TimerId id) {
  release(id);
  if (heap_size_ > 2 * live_ + kSweepThreshold) sweep();
}

void TimerHeap::release(TimerId id) {
  Timer& timer = table_[id];
  timer.owner = nullptr;
  timer.next_free = free_;
  free_ = id;
  --live_;
}

Nanoseconds TimerHeap::earliest() {
  return settle(kForever) ? heap_[0].bound : kForever;
}

TimerId TimerHeap::first() {
  return settle(kForever) ? heap_[0].timer : kNoTimer;
}

TimerId TimerHeap::first_due(Nanoseconds now) {
  // A bound in the future settles it without looking at the timer at all.
  return settle(now) ? heap_[0].timer : kNoTimer;
}

void* TimerHeap::pop_due(Nanoseconds now) {
  const TimerId id = first_due(now);
  if (id == kNoTimer) return nullptr;
  void* owner = table_[id].owner;
  remove_root();
  release(id);
  return owner;
}

bool TimerHeap::settle(Nanoseconds until) {
  while (heap_size_ != 0 && heap_[0].bound <= until) {
    const Promise root = heap_[0];
    Timer& timer = table_[root.timer];
    if (timer.owner == nullptr || timer.stamp != root.stamp) {
      remove_root();
      continue;
    }
    if (timer.when == root.bound && timer.order == root.stamp) return true;
    timer.stamp = timer.order;
    sift_down(0, {timer.when, root.timer, timer.stamp});
  }
  return false;
}

void TimerHeap::push(const Promise& promise) {
  sift_up(heap_size_++, promise);
}

void TimerHeap::sift_up(std::uint32_t hole, Promise promise) {
  while (hole != 0) {
    const std::uint32_t parent = (hole - 1) / kBranches;
    if (!before(promise, heap_[parent])) break;
    heap_[hole] = heap_[parent];
    hole = parent;
    ++sift_steps_;
  }
  heap_[hole] = promise;
}

void TimerHeap::sift_down(std::uint32_t hole, Promise promise) {
  for (;;) {
    const std::uint32_t first_child = hole * kBranches + 1;
    if (first_child >= heap_size_) break;
    const std::uint32_t end =
        heap_size_ - first_child < kBranches ? heap_size_ : first_child + kBranches;
    std::uint32_t least = first_child;
    for (std::uint32_t child = first_child + 1; child < end; ++child) {
      if (before(heap_[child], heap_[least])) least = child;
    }
    if (!before(heap_[least], promise)) break;
    heap_[hole] = heap_[least];
    hole = least;
    ++sift_steps_;
  }
  heap_[hole] = promise;
}

void TimerHeap::remove_root() {
  const Promise last = heap_[--heap_size_];
  if (heap_size_ != 0) sift_down(0, last);
}

// Drops what is void, makes the rest exact, and restores the heap bottom-up: one pass, paid for by
// the operations that left the void promises behind.
void TimerHeap::sweep() {
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < heap_size_; ++i) {
    const Promise promise = heap_[i];
    if (is_void(promise)) continue;
    Timer& timer = table_[promise.timer];
    timer.stamp = timer.order;
    heap_[kept++] = {timer.when, promise.timer, timer.stamp};
  }
  heap_size_ = kept;
  if (kept < 2) return;
  for (std::uint32_t node = (kept - 2) / kBranches + 1; node-- > 0;)
    sift_down(node, heap_[node]);
}

}  // namespace netpoll
