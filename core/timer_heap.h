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
//   * One of the newest that is cancelled leaves its place to the next timer in its slot: those
//     that come and go before the heap has seen them leave nothing behind.
// Void promises are swept out when they outnumber the live timers. And when very many timers turn
// out to be due at once, they leave the heap together: see timer_heap_run.cc.
//
// The owner of a timer keeps its TimerId, a plain number, and may free whatever the timer belongs
// to as soon as it has cancelled: nothing here points into a cancelled timer's memory.
// Timers due at the same moment come out in the order in which they were armed.
#pragma once

#include <cstdint>

#include "core/clock.h"
#include "core/promise.h"

namespace netpoll {

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
    std::uint32_t kept = kFree;
    if (id != kNoTimer) {
      kept = table_[id].stamp();
      free_ = table_[id].next_free();
    } else {
      id = table_end_++;
    }
    if (kept == kFree) {
      kept = kNewest | promises_;
      newest_[promises_++] = id;
    }
    Timer& timer = table_[id];
    timer.owner = owner;
    timer.when = when;
    timer.tags = tags_of(kept & ~kVacant, next_stamp());
    newest_bound_ = when < newest_bound_ ? when : newest_bound_;
    ++live_;
    return id;
  }
  // Whether the next arm() needs no memory.
  bool has_room() const {
    const bool has_slot = free_ != kNoTimer || table_end_ != table_capacity_;
    return has_slot && promises_ != heap_capacity_;
  }

  // Makes sure that the next `count` calls of arm() can not fail.
  bool reserve(std::uint32_t count);

  // Moves an armed timer. False when memory is short (possible only for an earlier time), with the
  // timer where it was.
  bool move(TimerId id, Nanoseconds when) {
    Timer& timer = table_[id];
    // Whether it is earlier is anybody's guess, and no branch: whether it is in the heap is not.
    const bool earlier = when < timer.when;
    if (earlier & (timer.stamp() < kNewest)) return move_earlier(id, when);
    timer.when = when;
    timer.tags = tags_of(timer.stamp(), next_stamp());
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
  Nanoseconds earliest() {
    const TimerId id = first();
    return id != kNoTimer ? table_[id].when : kForever;
  }

  // Takes out the earliest timer if it is due at `now`, and returns its owner; nullptr otherwise.
  void* pop_due(Nanoseconds now);

  // The earliest timer without taking it out; kNoTimer when there is none. Whoever knows that first
  // `now` will be asked for what is due says so: if that is much, it is put in order at once.
  TimerId first(Nanoseconds now = INT64_MIN) {
    if (none_due(now) && heap_size_ != 0 && heap_[0].bound < newest_bound_ && is_exact(heap_[0]))
      return heap_[0].timer;
    return look_for_first(now);
  }
  // ... if it is due at `now`; kNoTimer otherwise.
  TimerId first_due(Nanoseconds now);

  // True says that nothing is due at `now`, without a look at any timer. False says nothing.
  bool none_due(Nanoseconds now) const {
    return newest_bound_ > now && !in_run() && (heap_size_ == 0 || heap_[0].bound > now);
  }

  // Ids run from 1 to end() - 1; is_armed() tells which of them live. For walking all timers.
  TimerId end() const { return table_end_; }
  bool is_armed(TimerId id) const { return table_[id].stamp() < (kNewest | kVacant); }

  // Steps of sifting since the beginning: what tests use to prove what is O(1).
  std::uint64_t sift_steps() const { return sift_steps_; }

 private:
  // The tags are two numbers that are always written together, in one store: which promise is the
  // valid one (or kNewest and where it stands, or kInRun), and when the timer was last armed or
  // moved, for ties. Of a free one: kFree, or kNewest and kVacant and the place that is kept for
  // it, and the next one that is free.
  struct Timer {
    void* owner;       // of a free one, whoever had it last
    Nanoseconds when;  // when it is really due
    std::uint64_t tags;

    std::uint32_t stamp() const { return static_cast<std::uint32_t>(tags); }
    std::uint32_t order() const { return static_cast<std::uint32_t>(tags >> 32); }
    TimerId next_free() const { return order(); }
  };
  static std::uint64_t tags_of(std::uint32_t stamp, std::uint32_t order) {
    return std::uint64_t{order} << 32 | stamp;
  }
  // Below this many void promises in the heap a sweep is not worth its pass over it.
  static constexpr std::uint32_t kSweepThreshold = 64;
  static constexpr std::uint32_t kFewestInRun = 16;
  static constexpr std::uint32_t kNewest = std::uint32_t{1} << 31;
  static constexpr std::uint32_t kVacant = kNewest / 2;
  static constexpr std::uint32_t kMostPlaces = kVacant / 2;
  // So that what is vacated in a run is free, and has no place.
  static constexpr std::uint32_t kFree = UINT32_MAX;
  static constexpr std::uint32_t kInRun = kFree & ~kVacant;

  [[gnu::noinline]] bool move_earlier(TimerId id, Nanoseconds when);
  std::uint32_t next_stamp() {
    const std::uint32_t stamp = next_stamp_;
    next_stamp_ = (stamp + 1) & ~kNewest;
    return stamp;
  }
  bool reserve_promises(std::uint32_t count);
  bool reserve_timers(std::uint32_t count);
  bool is_newest(TimerId id, std::uint32_t place) const {
    return table_[id].stamp() == (kNewest | place);
  }
  bool is_valid(const Promise& promise) const {
    return table_[promise.timer].stamp() == promise.stamp;
  }
  // Whether the timer is due when its promise says, and says so last.
  bool is_exact(const Promise& promise) const {
    const Timer& timer = table_[promise.timer];
    return timer.tags == tags_of(promise.stamp, promise.stamp) && timer.when == promise.bound;
  }
  // Whether one of the newest promises may be due no later than `until` and than the root.
  bool must_join(Nanoseconds until) const {
    return promises_ != heap_size_ && newest_bound_ <= until &&
           (heap_size_ == 0 || newest_bound_ <= heap_[0].bound);
  }
  void join();
  Promise exact(TimerId id);
  void place_newest(std::uint32_t place, TimerId id);
  // The timer at a place among the newest, for which another one is to be found. kNoTimer if the
  // place was kept for a free slot, which has none from now on.
  TimerId give_up_place(std::uint32_t place) {
    const TimerId id = newest_[place];
    if (is_newest(id, place)) return id;
    table_[id].tags = tags_of(kFree, table_[id].next_free());
    return kNoTimer;
  }
  void close_gap(std::uint32_t first, std::uint32_t end);
  void order_from_bottom();
  // By value: what is sifted may stand in the heap already, where it is overwritten on the way.
  void sift_up(std::uint32_t hole, Promise promise);
  void sift_down(std::uint32_t hole, Promise promise);
  std::uint32_t least_child(std::uint32_t first_child) const;
  void fill(std::uint32_t hole, std::uint32_t from);
  void remove_root();
  [[gnu::noinline]] void sweep();
  void sweep_if_worth_it() {
    if (heap_size_ > 2 * live_ + kSweepThreshold) [[unlikely]]
      sweep_between_runs();
  }
  [[gnu::noinline]] void sweep_between_runs() {
    if (!in_run()) sweep();
  }
  void release(TimerId id) {
    const std::uint32_t stamp = table_[id].stamp();
    table_[id].tags = tags_of(stamp < kNewest ? kFree : stamp | kVacant, free_);
    free_ = id;
    --live_;
  }

  // Brings a valid, exact promise to the root if a timer is due no later than `until`. False when
  // none is; later promises are then left as they are.
  bool settle(Nanoseconds until);
  [[gnu::noinline]] TimerId look_for_first(Nanoseconds now);

  // A run: timers that were found due together, in order.
  bool in_run() const { return run_ != run_end_; }
  // Many were due already, or many are to be put in order of which some are due.
  bool run_may_pay(Nanoseconds now) const {
    return due_in_a_row_ > heap_size_ / 32 + 4 ||
           (newest_bound_ <= now && promises_ - heap_size_ > heap_size_ / 4 + kFewestInRun);
  }
  [[gnu::noinline]] bool start_run(Nanoseconds now);
  std::uint32_t count_due(Nanoseconds now) const;
  Promise* take_from_heap(Nanoseconds now, Promise* taken);
  Promise* take_newest(Nanoseconds now, Promise* taken, std::uint32_t first, std::uint32_t& left);
  Promise take(TimerId id);
  TimerId next_in_run(Nanoseconds now);
  void keep(TimerId id);
  void end_run();

  void* heap_memory_ = nullptr;
  Promise* heap_ = nullptr;      // in heap_memory_, placed so that no family straddles a cache line
  TimerId* newest_ = nullptr;    // behind it; those that are not in the heap, by the same places
  std::uint32_t heap_size_ = 0;  // promises in heap order
  std::uint32_t promises_ = 0;   // ... and the newest, whose places follow
  std::uint32_t heap_capacity_ = 0;
  Nanoseconds newest_bound_ = kForever;  // of those behind them, none is due before this
  Timer* table_ = nullptr;
  std::uint32_t table_end_ = 1;  // slot 0 is "no timer"
  std::uint32_t table_capacity_ = 0;
  TimerId free_ = kNoTimer;
  std::uint32_t live_ = 0;
  std::uint32_t next_stamp_ = 0;  // below kNewest
  // The places of a run stand behind those of the heap, and its promises in heap_.
  std::uint32_t run_ = 0;       // the first that is left
  std::uint32_t run_end_ = 0;   // one past the last
  std::uint32_t run_kept_ = 0;  // where the next one goes that turned out not to be due
  std::uint32_t due_in_a_row_ = 0;
  std::uint64_t sift_steps_ = 0;
};

}  // namespace netpoll
