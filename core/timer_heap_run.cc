// The timer heap when very many timers are due at once: one by one, each would cost a way through
// the whole heap. They are taken out of it together instead, sorted once, and handed out in order:
// a run. Those of a run that is under way count as newest promises, whose places they have, so
// that everything else may happen meanwhile; one that proves not to be due any more stays one.
#include <cstdlib>
#include <cstring>

#include "core/timer_heap.h"

namespace netpoll {

namespace {

// Timers and what they belong to are all over memory: they are sent for so far ahead.
constexpr std::uint32_t kTimersAhead = 16;
constexpr std::uint32_t kOwnersAhead = 8;
constexpr std::uint32_t kCacheLine = 64;

}  // namespace

// False when too few are due for it to pay, or memory is short. Otherwise at least one is in it.
bool TimerHeap::start_run(Nanoseconds now) {
  due_in_a_row_ = 0;
  const std::uint32_t due = count_due(now);
  const bool pays = due >= kFewestInRun && due >= promises_ / 8;
  const std::size_t bytes = sizeof(Promise) * std::size_t{due};
  auto* taken = pays ? static_cast<Promise*>(std::malloc(bytes)) : nullptr;
  if (taken == nullptr) {
    // Or they would be counted again for each one that is due.
    if (newest_bound_ <= now) join();
    return false;
  }
  const std::uint32_t first_newest = heap_size_;
  Promise* end = take_from_heap(now, taken);
  std::uint32_t left = first_newest;
  if (newest_bound_ <= now) end = take_newest(now, end, first_newest, left);

  const auto count = static_cast<std::uint32_t>(end - taken);
  run_ = run_kept_ = heap_size_;
  run_end_ = run_ + count;
  close_gap(run_end_, left);
  Promise* const run = heap_ + run_;
  std::memcpy(run, taken, sizeof(Promise) * std::size_t{count});
  sort_promises(run, taken, count);
  std::free(taken);
  return count != 0;
}

// No fewer than there are: of some promises it takes a second look to see that they are void.
std::uint32_t TimerHeap::count_due(Nanoseconds now) const {
  std::uint32_t due = 0;
  if (heap_size_ != 0 && heap_[0].bound <= now) {
    for (std::uint32_t i = 0; i < heap_size_; ++i)
      due += static_cast<std::uint32_t>(heap_[i].bound <= now);
  }
  if (newest_bound_ <= now) {
    for (std::uint32_t place = heap_size_; place < promises_; ++place)
      due += static_cast<std::uint32_t>(table_[newest_[place]].when <= now);
  }
  return due;
}

// Moves those of the heap that are due to `taken`, in no order; returns where they end.
Promise* TimerHeap::take_from_heap(Nanoseconds now, Promise* taken) {
  const std::uint32_t size = heap_size_;
  if (size == 0 || heap_[0].bound > now) return taken;
  std::uint32_t left = 0;
  for (std::uint32_t i = 0; i < size; ++i) {
    const Promise promise = heap_[i];
    if (promise.bound > now) {
      heap_[left++] = promise;
      continue;
    }
    if (i + kTimersAhead < size) __builtin_prefetch(&table_[heap_[i + kTimersAhead].timer]);
    if (!is_valid(promise)) continue;
    if (table_[promise.timer].when > now) {
      heap_[left++] = exact(promise.timer);
    } else {
      *taken++ = take(promise.timer);
    }
  }
  heap_size_ = left;
  order_from_bottom();
  return taken;
}

// The same with the newest, whose places begin at `first`. The others end where they ended; `left`
// becomes where they begin.
Promise* TimerHeap::take_newest(Nanoseconds now, Promise* taken, std::uint32_t first,
                                std::uint32_t& left) {
  left = promises_;
  newest_bound_ = kForever;
  for (std::uint32_t place = promises_; place-- != first;) {
    const TimerId id = give_up_place(place);
    if (id == kNoTimer) continue;
    const Nanoseconds when = table_[id].when;
    if (when <= now) {
      *taken++ = take(id);
      continue;
    }
    place_newest(--left, id);
    if (when < newest_bound_) newest_bound_ = when;
  }
  return taken;
}

// Its promise, as it stands in the run.
Promise TimerHeap::take(TimerId id) {
  Timer& timer = table_[id];
  timer.tags = tags_of(kInRun, timer.order());
  return {id, timer.order(), timer.when};
}

// The first of the run, which stays there until its timer is cancelled or moved.
TimerId TimerHeap::next_in_run(Nanoseconds now) {
  for (; in_run(); ++run_) {
    const Promise& promise = heap_[run_];
    const Timer& timer = table_[promise.timer];
    if (timer.tags != tags_of(kInRun, promise.stamp)) [[unlikely]] {
      // Moved, unless it was cancelled; and perhaps its slot is in use again.
      if (timer.stamp() == kInRun) keep(promise.timer);
      continue;
    }
    // Meanwhile another one may have been set to a time before this one's.
    if (promise.bound > now || newest_bound_ <= now) [[unlikely]]
      break;
    if (run_ + kTimersAhead < run_end_) {
      __builtin_prefetch(&table_[heap_[run_ + kTimersAhead].timer]);
      const void* owner = table_[heap_[run_ + kOwnersAhead].timer].owner;
      __builtin_prefetch(owner);
      __builtin_prefetch(static_cast<const char*>(owner) + kCacheLine);
      __builtin_prefetch(static_cast<const char*>(owner) + 2 * kCacheLine - 1);
    }
    return promise.timer;
  }
  end_run();
  return kNoTimer;
}

// From now on it is one of the newest like any other.
void TimerHeap::keep(TimerId id) {
  place_newest(run_kept_++, id);
  if (table_[id].when < newest_bound_) newest_bound_ = table_[id].when;
}

void TimerHeap::end_run() {
  for (; in_run(); ++run_) {
    const TimerId id = heap_[run_].timer;
    if (table_[id].stamp() == kInRun) keep(id);
  }
  close_gap(run_kept_, run_end_);
}

}  // namespace netpoll
