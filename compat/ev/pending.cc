#include "compat/ev/pending.h"

#include <algorithm>
#include <utility>

#include "compat/ev/memory.h"

namespace pollshim::ev {

PendingQueue::~PendingQueue() {
  for (Lane& lane : lanes_)
    release(lane.entries);
}

void PendingQueue::widen_and_feed(ev_watcher* watcher, int events) {
  Lane& lane = lanes_[lane_of(watcher)];
  std::uint32_t capacity = lane.capacity;
  if (!grow(lane.entries, capacity, lane.size + 1)) return;
  set_capacity(lane, capacity);
  feed(watcher, events);
}

std::uint32_t PendingQueue::count() const {
  std::uint32_t sum = 0;
  for (const Lane& lane : lanes_)
    sum += lane.size;
  return sum;
}

bool PendingQueue::any_at_or_above(unsigned lane) const {
  for (unsigned number = lane; number <= top_; ++number) {
    if (lanes_[number].size != 0) return true;
  }
  return false;
}

// Withdrawn places are taken until the next round of callbacks; twice the number of watchers leaves
// room for each to be withdrawn and fed again.
bool PendingQueue::widen_for_withdrawals(Lane& lane) {
  // Nearly all of it is never used: what holds nothing is not copied, so that it is not even
  // touched.
  PendingWatcher* wider = nullptr;
  std::uint32_t capacity = 0;
  const std::uint32_t active = lane.capacity / 2 - lane.room;
  if (!grow(wider, capacity, 2 * (active + 1))) return false;
  std::copy_n(lane.entries, lane.size, wider);
  release(lane.entries);
  lane.entries = wider;
  set_capacity(lane, capacity);
  return true;
}

PendingQueue::Batch PendingQueue::begin_batch() const {
  Batch batch{};
  for (unsigned lane = 0; lane < kPriorities; ++lane)
    batch.first[lane] = lanes_[lane].size;
  return batch;
}

void PendingQueue::end_batch(const Batch& batch) {
  for (unsigned number = 0; number < kPriorities; ++number) {
    Lane& lane = lanes_[number];
    std::uint32_t low = batch.first[number];
    std::uint32_t high = lane.size;
    while (low + 1 < high) {
      --high;
      std::swap(lane.entries[low], lane.entries[high]);
      if (ev_watcher* watcher = lane.entries[low].watcher) {
        watcher->pending = static_cast<int>(low + 1);
      }
      if (ev_watcher* watcher = lane.entries[high].watcher) {
        watcher->pending = static_cast<int>(high + 1);
      }
      ++low;
    }
  }
}

bool PendingQueue::is_consistent(const ev_watcher* watcher) const {
  const Lane& lane = lanes_[lane_of(watcher)];
  const auto position = static_cast<std::uint32_t>(watcher->pending) - 1;
  return position < lane.size && lane.entries[position].watcher == watcher;
}

}  // namespace pollshim::ev
