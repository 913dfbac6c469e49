// The watchers whose callbacks are due: one stack for each priority. The highest priority goes
// first, and within it the watcher that was fed last. A watcher's `pending` field is its position
// plus one, which programs can see, so a watcher that is withdrawn leaves its place behind empty.
#pragma once

#include <ev.h>

#include <cstdint>

namespace pollshim::ev {

inline constexpr int kLowestPriority = -2;
inline constexpr int kHighestPriority = 2;
inline constexpr unsigned kPriorities = kHighestPriority - kLowestPriority + 1;
static_assert(kLowestPriority == EV_MINPRI && kHighestPriority == EV_MAXPRI);

// Any watcher seen as its common head, which is the same in all of them.
template <class W>
ev_watcher* head_of(W* watcher) {
  return reinterpret_cast<ev_watcher*>(watcher);
}

template <class W>
const ev_watcher* head_of(const W* watcher) {
  return reinterpret_cast<const ev_watcher*>(watcher);
}

struct PendingWatcher {
  ev_watcher* watcher;  // nullptr once withdrawn
  int events;
};

class PendingQueue {
 public:
  PendingQueue() = default;
  PendingQueue(const PendingQueue&) = delete;
  PendingQueue& operator=(const PendingQueue&) = delete;
  ~PendingQueue();

  // A priority of the program's own making counts as the nearest there is.
  static unsigned lane_of(const ev_watcher* watcher) {
    const auto lane =
        static_cast<unsigned>(watcher->priority) - static_cast<unsigned>(kLowestPriority);
    if (lane < kPriorities) [[likely]]
      return lane;
    return watcher->priority < kLowestPriority ? 0 : kPriorities - 1;
  }

  static bool is_in_range(int priority) {
    return static_cast<unsigned>(priority) - static_cast<unsigned>(kLowestPriority) < kPriorities;
  }
  static int priority_of(unsigned lane) { return static_cast<int>(lane) + kLowestPriority; }

  // Adds to what is due. Never fails for a watcher that reserve() was called for.
  void feed(ev_watcher* watcher, int events) {
    const unsigned number = lane_of(watcher);
    Lane& lane = lanes_[number];
    if (watcher->pending != 0) [[unlikely]] {
      if (PendingWatcher* place = find(lane, watcher)) {
        place->events |= events;
        return;
      }
    }
    const std::uint32_t size = lane.size;
    if (size == lane.capacity) [[unlikely]]
      return widen_and_feed(watcher, events);
    lane.entries[size] = {watcher, events};
    lane.size = size + 1;
    watcher->pending = static_cast<int>(size + 1);
    if (number > top_) top_ = number;
  }

  // What was due, now no more; 0 if nothing was.
  int withdraw(ev_watcher* watcher) {
    if (watcher->pending == 0) return 0;
    PendingWatcher* place = find(lanes_[lane_of(watcher)], watcher);
    watcher->pending = 0;
    if (place == nullptr) return 0;
    place->watcher = nullptr;
    return place->events;
  }

  // The next one, taken out and no longer pending; its watcher is nullptr when nothing is left.
  PendingWatcher take() {
    for (;;) {
      Lane& lane = lanes_[top_];
      const std::uint32_t size = lane.size;
      if (size == 0) [[unlikely]] {
        if (top_ == 0) return {nullptr, 0};
        --top_;
        continue;
      }
      lane.size = size - 1;
      const PendingWatcher next = lane.entries[size - 1];
      if (next.watcher == nullptr) [[unlikely]]
        continue;
      next.watcher->pending = 0;
      return next;
    }
  }

  // Places taken, empty ones included.
  std::uint32_t count() const;
  bool any_at_or_above(unsigned lane) const;

  // Room for one more watcher of this priority: called for every watcher that starts, so that its
  // events can not be lost for want of memory.
  bool has_room(unsigned lane) const { return lanes_[lane].room != 0; }
  bool make_room(unsigned lane) { return has_room(lane) || widen_for_withdrawals(lanes_[lane]); }
  void reserve(unsigned lane) { --lanes_[lane].room; }
  // A program may have changed the priority of an active watcher, so the count is not to be
  // trusted.
  void unreserve(unsigned lane) {
    if (lanes_[lane].room < lanes_[lane].capacity / 2) ++lanes_[lane].room;
  }

  // What is fed in between is invoked in the order in which it was fed.
  struct Batch {
    std::uint32_t first[kPriorities];
  };
  Batch begin_batch() const;
  void end_batch(const Batch& batch);

  // Whether `watcher` stands where it says it does.
  bool is_consistent(const ev_watcher* watcher) const;

 private:
  struct Lane {
    PendingWatcher* entries = nullptr;
    std::uint32_t size = 0;
    std::uint32_t capacity = 0;
    std::uint32_t room = 0;        // how many more watchers of this priority may start
    std::uint32_t unused[3] = {};  // a lane is found by a shift
  };

  static PendingWatcher* find(Lane& lane, const ev_watcher* watcher) {
    const auto position = static_cast<std::uint32_t>(watcher->pending) - 1;
    if (position >= lane.size || lane.entries[position].watcher != watcher) return nullptr;
    return &lane.entries[position];
  }
  // Each watcher that may be active takes two places.
  static void set_capacity(Lane& lane, std::uint32_t capacity) {
    lane.room += capacity / 2 - lane.capacity / 2;
    lane.capacity = capacity;
  }
  [[gnu::noinline]] void widen_and_feed(ev_watcher* watcher, int events);
  static bool widen_for_withdrawals(Lane& lane);

  Lane lanes_[kPriorities];
  unsigned top_ = 0;  // nothing is in any lane above this one
};

}  // namespace pollshim::ev
