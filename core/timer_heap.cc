#include "core/timer_heap.h"

#include <sys/mman.h>

#include <bit>
#include <cstdlib>
#include <cstring>

namespace netpoll {

namespace {

constexpr std::uint32_t kBranches = 4;
constexpr std::size_t kCacheLine = 64;
constexpr std::uint32_t kSmallest = 16;

// Timers are visited in no order of memory: where there are very many, most of what a visit costs
// is the walk through the page tables. Advice only: nothing depends on its being taken.
void prefer_large_pages(void* memory, std::size_t bytes) {
  constexpr std::uintptr_t kLargePage = 2 << 20;
  if (bytes < 2 * kLargePage) return;
  const auto start = reinterpret_cast<std::uintptr_t>(memory);
  const std::uintptr_t first = (start + kLargePage - 1) / kLargePage * kLargePage;
  const std::uintptr_t end = (start + bytes) / kLargePage * kLargePage;
  if (first < end) ::madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);
}

template <class T>
bool grow(T*& array, std::uint32_t& capacity, std::uint32_t needed) {
  if (needed <= capacity) return true;
  std::uint32_t wider = capacity == 0 ? kSmallest : capacity;
  while (wider < needed) {
    if (wider > UINT32_MAX / 2) return false;
    wider *= 2;
  }
  void* memory = std::realloc(static_cast<void*>(array), sizeof(T) * std::size_t{wider});
  if (memory == nullptr) return false;
  prefer_large_pages(memory, sizeof(T) * std::size_t{wider});
  array = static_cast<T*>(memory);
  capacity = wider;
  return true;
}

}  // namespace

TimerHeap::~TimerHeap() {
  std::free(heap_memory_);
  std::free(table_);
}

bool TimerHeap::reserve_promises(std::uint32_t count) {
  const std::uint32_t needed = promises_ + count;
  if (needed <= heap_capacity_) return true;
  if (needed > kMostPlaces) return false;
  const std::uint32_t wider = std::bit_ceil(needed < kSmallest ? kSmallest : needed);
  const std::size_t bytes = (sizeof(Promise) + sizeof(TimerId)) * std::size_t{wider} + kCacheLine;
  void* memory = std::malloc(bytes);
  if (memory == nullptr) return false;
  prefer_large_pages(memory, bytes);
  // The root fills the end of a line, so that the families behind it fill one line each.
  static_assert(kBranches * sizeof(Promise) == kCacheLine);
  const auto start = reinterpret_cast<std::uintptr_t>(memory) + sizeof(Promise);
  const std::uintptr_t family = (start + kCacheLine - 1) / kCacheLine * kCacheLine;
  auto* heap = reinterpret_cast<Promise*>(family - sizeof(Promise));
  auto* newest = reinterpret_cast<TimerId*>(heap + wider);
  const std::uint32_t ordered = in_run() ? run_end_ : heap_size_;
  if (ordered != 0) std::memcpy(heap, heap_, sizeof(Promise) * std::size_t{ordered});
  for (std::uint32_t place = heap_size_; place < promises_; ++place)
    newest[place] = newest_[place];
  std::free(heap_memory_);
  heap_memory_ = memory;
  heap_ = heap;
  newest_ = newest;
  heap_capacity_ = wider;
  return true;
}

bool TimerHeap::reserve_timers(std::uint32_t count) {
  return grow(table_, table_capacity_, table_end_ + count);
}

bool TimerHeap::reserve(std::uint32_t count) {
  return reserve_promises(count) && reserve_timers(count);
}

bool TimerHeap::move_earlier(TimerId id, Nanoseconds when) {
  if (!reserve_promises(1)) return false;
  table_[id].when = when;
  table_[id].tags = tags_of(0, next_stamp());
  place_newest(promises_++, id);
  if (when < newest_bound_) newest_bound_ = when;
  sweep_if_worth_it();
  return true;
}

TimerId TimerHeap::look_for_first(Nanoseconds now) {
  if (in_run() || run_may_pay(now)) [[unlikely]] {
    const TimerId due = first_due(now);
    if (due != kNoTimer) return due;
  }
  return settle(kForever) ? heap_[0].timer : kNoTimer;
}

TimerId TimerHeap::first_due(Nanoseconds now) {
  if (in_run()) {
    const TimerId next = next_in_run(now);
    if (next != kNoTimer) return next;
  }
  if (run_may_pay(now) && start_run(now)) return next_in_run(now);
  // A bound in the future settles it without looking at the timer at all.
  const bool due = settle(now);
  due_in_a_row_ = due ? due_in_a_row_ + 1 : 0;
  return due ? heap_[0].timer : kNoTimer;
}

void* TimerHeap::pop_due(Nanoseconds now) {
  const TimerId id = first_due(now);
  if (id == kNoTimer) return nullptr;
  cancel(id);
  return table_[id].owner;
}

bool TimerHeap::settle(Nanoseconds until) {
  for (;;) {
    if (must_join(until)) join();
    if (heap_size_ == 0 || heap_[0].bound > until) return false;
    const Promise root = heap_[0];
    if (is_exact(root)) return true;
    if (is_valid(root)) {
      sift_down(0, exact(root.timer));
    } else {
      remove_root();
    }
  }
}

// The newest promises take their places. Many of them are cheaper to put in order all together.
void TimerHeap::join() {
  const std::uint32_t newest = promises_ - heap_size_;
  if (newest > heap_size_ / 4) {
    sweep();
    for (; heap_size_ < promises_; ++heap_size_)
      heap_[heap_size_] = exact(newest_[heap_size_]);
    order_from_bottom();
  } else {
    const std::uint32_t end = promises_;
    for (std::uint32_t place = heap_size_; place < end; ++place) {
      const TimerId id = give_up_place(place);
      if (id != kNoTimer) sift_up(heap_size_++, exact(id));
    }
    promises_ = heap_size_;
  }
  newest_bound_ = kForever;
}

// The promise of a timer, as it stands in the heap from now on.
Promise TimerHeap::exact(TimerId id) {
  Timer& timer = table_[id];
  timer.tags = tags_of(timer.order(), timer.order());
  return {id, timer.order(), timer.when};
}

void TimerHeap::place_newest(std::uint32_t place, TimerId id) {
  newest_[place] = id;
  table_[id].tags = tags_of(kNewest | place, table_[id].order());
}

// Among the newest there is no order: the last ones fill the places that nothing stands in.
void TimerHeap::close_gap(std::uint32_t first, std::uint32_t end) {
  while (first != end && promises_ != end) {
    const TimerId id = give_up_place(--promises_);
    if (id != kNoTimer) place_newest(first++, id);
  }
  if (promises_ == end) promises_ = first;
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

inline std::uint32_t TimerHeap::least_child(std::uint32_t first_child) const {
  const Promise* child = heap_ + first_child;
  if (heap_size_ - first_child >= kBranches) {
    // Sums and masks keep the compiler from making branches of it after all.
    const std::uint32_t left = static_cast<std::uint32_t>(before(child[1], child[0]));
    const std::uint32_t right = 2 + static_cast<std::uint32_t>(before(child[3], child[2]));
    const std::uint32_t mask = 0 - static_cast<std::uint32_t>(before(child[right], child[left]));
    return first_child + (left ^ ((left ^ right) & mask));
  }
  std::uint32_t least = 0;
  for (std::uint32_t i = 1; i < heap_size_ - first_child; ++i) {
    if (before(child[i], child[least])) least = i;
  }
  return first_child + least;
}

// Moves a promise up into the hole above it. The next few roots come from the families below the
// root. Their timers are looked at soon, and what those belong to after that, and all of it is far
// apart in memory: the timer is sent for two families ahead, its owner one.
inline void TimerHeap::fill(std::uint32_t hole, std::uint32_t from) {
  const Promise& promise = heap_[hole] = heap_[from];
  if (hole <= kBranches) {
    const auto* owner = static_cast<const char*>(table_[promise.timer].owner);
    __builtin_prefetch(owner);
    __builtin_prefetch(owner + kCacheLine);
  } else if (hole <= kBranches * (kBranches + 1)) {
    __builtin_prefetch(&table_[promise.timer]);
  }
  ++sift_steps_;
}

void TimerHeap::sift_down(std::uint32_t hole, Promise promise) {
  for (;;) {
    const std::uint32_t first_child = hole * kBranches + 1;
    if (first_child >= heap_size_) break;
    const std::uint32_t least = least_child(first_child);
    if (!before(heap_[least], promise)) break;
    fill(hole, least);
    hole = least;
  }
  heap_[hole] = promise;
}

// The last promise takes the root's place. It was at the bottom, and that is where it belongs in
// all likelihood: the hole goes down without asking, and the promise back up from there.
void TimerHeap::remove_root() {
  const Promise last = heap_[--heap_size_];
  close_gap(heap_size_, heap_size_ + 1);
  if (heap_size_ == 0) return;
  std::uint32_t hole = 0;
  for (std::uint32_t child = 1; child < heap_size_; child = hole * kBranches + 1) {
    const std::uint32_t least = least_child(child);
    fill(hole, least);
    hole = least;
  }
  sift_up(hole, last);
}

// Drops what is void: one pass, paid for by the operations that left the void promises behind. All
// of the others are among the newest then.
void TimerHeap::sweep() {
  std::uint32_t kept = 0;
  Nanoseconds earliest = kForever;
  for (std::uint32_t place = 0; place < promises_; ++place) {
    TimerId id = kNoTimer;
    if (place >= heap_size_) {
      id = give_up_place(place);
    } else if (is_valid(heap_[place])) {
      id = heap_[place].timer;
    }
    if (id == kNoTimer) continue;
    place_newest(kept++, id);
    if (table_[id].when < earliest) earliest = table_[id].when;
  }
  heap_size_ = 0;
  promises_ = kept;
  newest_bound_ = earliest;
}

void TimerHeap::order_from_bottom() {
  if (heap_size_ < 2) return;
  for (std::uint32_t node = (heap_size_ - 2) / kBranches + 1; node-- > 0;)
    sift_down(node, heap_[node]);
}

}  // namespace netpoll
