// The timers of a loop: a 4-ary heap of promises over a table of timers.
//
// A timer is a slot in the table: what it belongs to and when it is due. The heap holds promises,
// "slot s is not due before t", and may hold some that are out of date. Hence:
//   * Arming pushes one promise and touches no other timer. It is not even put in its place: the
//     newest promises stand behind the heap in no order, and join it when the earliest of them
//     might be the earliest of all. Most timers of a server are cancelled or moved before that.
//   * Moving a timer later, or cancelling it, writes its slot and nothing else; the promise is
//     repaired or dropped when it surfaces. Both are O(1).
//   * Moving it earlier pushes a second promise, which makes the first one void. One of the newest
//     has not said yet what it promises, and does so when it joins: that is O(1) as well.
// Void promises are swept out when they outnumber the live timers.
//
// The owner of a timer keeps its TimerId, a plain number, and may free whatever the timer belongs
// to as soon as it has cancelled: nothing here points into a cancelled timer's memory.
// Timers due at the same moment come out in the order in which they were armed.
#pragma once

#include <cstdint>

#include "core/clock.h"

namespace netpoll {

using TimerId = std::uint32_t;
inline constexpr TimerId kNoTimer = 0;

class TimerHeap {
 public:
  TimerHeap() = default;
  TimerHeap(const TimerHeap&) = delete;
  TimerHeap& operator=(const TimerHeap&) = delete;
  ~TimerHeap();

  // Arms a timer for `owner`. kNoTimer when memory is short, with nothing changed.
  TimerId arm(void* owner, Nanoseconds when) {
    return has_room() || reserve(1) ? arm_in_room(owner, when) : kNoTimer;
  }
  // The same where there is room.
  TimerId arm_in_room(void* owner, Nanoseconds when) {
    TimerId id = free_;
    if (id != kNoTimer) {
      free_ = table_[id].next_free;
    } else {
      id = table_end_++;
    }
    Timer& timer = table_[id];
    timer.owner = owner;
    timer.when = when;
    timer.order = next_stamp();
    ++live_;
    push(timer, id, when);
    return id;
  }
  // Whether the next arm() needs no memory.
  bool has_room() const {
    return promises_ != heap_capacity_ && (free_ != kNoTimer || table_end_ != table_capacity_);
  }

  // Makes sure that the next `count` calls of arm() can not fail.
  bool reserve(std::uint32_t count);

  // Moves an armed timer. False when memory is short (possible only for an earlier time), with the
  // timer where it was.
  bool move(TimerId id, Nanoseconds when) {
    Timer& timer = table_[id];
    // Whether it is earlier is anybody's guess, and no branch: whether it is in the heap is not.
    const bool earlier = when < timer.when;
    if (earlier & (timer.stamp < kNewest)) return move_earlier(id, when);
    timer.when = when;
    timer.order = next_stamp();
    const Nanoseconds bound = earlier ? when : kForever;
    newest_bound_ = bound < newest_bound_ ? bound : newest_bound_;
    return true;
  }

  void cancel(TimerId id) {
    release(id);
    sweep_if_worth_it();
  }

  Nanoseconds when(TimerId id) const { return table_[id].when; }
  void* owner(TimerId id) const { return table_[id].owner; }
  std::uint32_t size() const { return live_; }
  bool empty() const { return live_ == 0; }

  // The time of the earliest timer, exactly; kForever when there is none.
  Nanoseconds earliest();

  // Takes out the earliest timer if it is due at `now`, and returns its owner; nullptr otherwise.
  void* pop_due(Nanoseconds now);

  // The earliest timer's id and owner without taking it out; kNoTimer when there is none.
  TimerId first();
  // ... if it is due at `now`; kNoTimer otherwise.
  TimerId first_due(Nanoseconds now);

  // Ids run from 1 to end() - 1; is_armed() tells which of them live. For walking all timers.
  TimerId end() const { return table_end_; }
  bool is_armed(TimerId id) const { return table_[id].owner != nullptr; }

  // Steps of sifting since the beginning: what tests use to prove what is O(1).
  std::uint64_t sift_steps() const { return sift_steps_; }

 private:
  struct Timer {
    void* owner;          // nullptr: free, and `next_free` counts
    Nanoseconds when;     // when it is really due
    std::uint32_t stamp;  // which promise is the valid one; or kNewest and where it stands
    union {
      std::uint32_t order;  // when it was last armed or moved, for ties
      TimerId next_free;
    };
  };
  // Ordered by bound, and by stamp where bounds are equal; as one wide number, because which of two
  // comes first is anybody's guess, the branch predictor's too. (Stamps wrap after two thousand
  // million; timers that are due at one moment and armed on both sides of that change places.)
  struct Promise {
    TimerId timer;
    // Of the newest, neither of these: until they join, their timers have them.
    std::uint32_t stamp;
    Nanoseconds bound;  // never later than the timer's time
  };
  __extension__ using Rank = __int128;
  static Rank rank_of(const Promise& promise) {
    return static_cast<Rank>(promise.bound) << 64 |
           (static_cast<std::uint64_t>(promise.stamp) << 32 | promise.timer);
  }
  static bool before(const Promise& a, const Promise& b) { return rank_of(a) < rank_of(b); }
  // Below this many void promises a sweep is not worth its pass over the heap.
  static constexpr std::uint32_t kSweepThreshold = 64;
  static constexpr std::uint32_t kNewest = std::uint32_t{1} << 31;

  [[gnu::noinline]] bool move_earlier(TimerId id, Nanoseconds when);
  std::uint32_t next_stamp() {
    const std::uint32_t stamp = next_stamp_;
    next_stamp_ = (stamp + 1) & ~kNewest;
    return stamp;
  }
  bool reserve_promises(std::uint32_t count);
  bool reserve_timers(std::uint32_t count);
  void push(Timer& timer, TimerId id, Nanoseconds when) {
    timer.stamp = kNewest | promises_;
    heap_[promises_++].timer = id;
    if (when < newest_bound_) newest_bound_ = when;
  }
  bool is_valid(std::uint32_t place) const {
    const Timer& timer = table_[heap_[place].timer];
    const std::uint32_t stamp = place < heap_size_ ? heap_[place].stamp : kNewest | place;
    return timer.stamp == stamp && timer.owner != nullptr;
  }
  // Whether one of the newest promises may be due no later than `until` and than the root.
  bool must_join(Nanoseconds until) const {
    return promises_ != heap_size_ && newest_bound_ <= until &&
           (heap_size_ == 0 || newest_bound_ <= heap_[0].bound);
  }
  void join();
  Promise exact(TimerId id);
  void move_promise(std::uint32_t from, std::uint32_t to);
  void order_from_bottom();
  // By value: what is sifted may stand in the heap already, where it is overwritten on the way.
  void sift_up(std::uint32_t hole, Promise promise);
  void sift_down(std::uint32_t hole, Promise promise);
  std::uint32_t least_child(std::uint32_t first_child) const;
  void fill(std::uint32_t hole, std::uint32_t from);
  void remove_root();
  [[gnu::noinline]] void sweep();
  void sweep_if_worth_it() {
    if (promises_ > 2 * live_ + kSweepThreshold) [[unlikely]]
      sweep();
  }
  void release(TimerId id) {
    Timer& timer = table_[id];
    timer.owner = nullptr;
    timer.next_free = free_;
    free_ = id;
    --live_;
  }

  // Brings a valid, exact promise to the root if a timer is due no later than `until`. False when
  // none is; later promises are then left as they are.
  bool settle(Nanoseconds until);

  void* heap_memory_ = nullptr;
  Promise* heap_ = nullptr;      // in heap_memory_, placed so that no family straddles a cache line
  std::uint32_t heap_size_ = 0;  // promises in heap order
  std::uint32_t promises_ = 0;   // ... and those behind them
  std::uint32_t heap_capacity_ = 0;
  Nanoseconds newest_bound_ = kForever;  // of those behind them, none is due before this
  Timer* table_ = nullptr;
  std::uint32_t table_end_ = 1;  // slot 0 is "no timer"
  std::uint32_t table_capacity_ = 0;
  TimerId free_ = kNoTimer;
  std::uint32_t live_ = 0;
  std::uint32_t next_stamp_ = 0;  // below kNewest
  std::uint64_t sift_steps_ = 0;
};

}  // namespace netpoll
